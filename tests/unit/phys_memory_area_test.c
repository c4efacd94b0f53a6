/* SPDX-License-Identifier: GPL-2.0-only
 *
 * mm/phys_memory_area: filling the table from a map (S10, S11), the limit of 512, adding areas.
 */
#include "mm/phys_memory_area.h"

#include "lib/random.h"
#include "mm/memory_map.h"
#include "tests/ktest.h"

#define MAX_ENTRIES 2048U
#define BASE        UINT64_C(0x100000)

struct fixture {
    struct multiboot2_mmap_entry entries[MAX_ENTRIES];
    uint32_t reasons[MAX_ENTRIES];
    struct memory_map map;
    struct phys_memory_areas areas;
    uint64_t dropped_bytes;
};

static void fixture_init(struct fixture *f)
{
    f->map = (struct memory_map){ .entries = f->entries, .reasons = f->reasons };
    f->areas.count = 99; /* from_map must not rely on it */
}

static void add_entry(struct fixture *f, uint64_t start, uint64_t size, uint32_t reason)
{
    f->entries[f->map.count] = (struct multiboot2_mmap_entry){ start, size, 0, 0 };
    f->map.count++;
    memory_map_set(&f->map, f->map.count - 1, reason);
}

static uint32_t fill(struct fixture *f)
{
    return phys_memory_areas_from_map(&f->areas, &f->map, &f->dropped_bytes);
}

/* Sum of the map's type-1 entries: must always be the sum of the areas. */
static uint64_t usable_bytes(const struct fixture *f)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < f->map.count; i++) {
        sum += f->entries[i].type == MMAP_AVAILABLE ? f->entries[i].length : 0;
    }
    return sum;
}

static void expect_area(struct ktest *t, const struct phys_memory_areas *areas, uint32_t index,
                        uint64_t base, uint64_t size)
{
    if (!KTEST_TRUE(t, index < areas->count)) {
        return;
    }
    KTEST_EQ(t, areas->area[index].base.value, base);
    KTEST_EQ(t, areas->area[index].size_bytes, size);
}

/*   entries  [low)[avail)[kernel)[avail)[avail)[nvs)  [avail)
 *   areas         [-----)        [------------)       [-----)   */
static void areas_take_usable_entries_and_join_neighbours(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    add_entry(&f, 0, 0xa0000, MMAP_REASON_LOW);
    add_entry(&f, 0x100000, 0x100000, MMAP_REASON_AVAILABLE);
    add_entry(&f, 0x200000, 0x100000, MMAP_REASON_KERNEL);
    add_entry(&f, 0x300000, 0x1000, MMAP_REASON_AVAILABLE);
    add_entry(&f, 0x301000, 0x2000, MMAP_REASON_AVAILABLE);
    add_entry(&f, 0x303000, 0x1000, MMAP_REASON_NVS);
    add_entry(&f, 0x400000, 0, MMAP_REASON_AVAILABLE);
    add_entry(&f, 0x500000, 0x1000, MMAP_REASON_AVAILABLE);
    KTEST_EQ(t, fill(&f), 4);
    KTEST_EQ(t, f.areas.count, 3);
    expect_area(t, &f.areas, 0, 0x100000, 0x100000);
    expect_area(t, &f.areas, 1, 0x300000, 0x3000);
    expect_area(t, &f.areas, 2, 0x500000, 0x1000);
    KTEST_EQ(t, f.dropped_bytes, 0);
    KTEST_EQ(t, phys_memory_areas_bytes(&f.areas), 0x104000);
    KTEST_EQ(t, usable_bytes(&f), 0x104000);
}

static void areas_of_an_empty_map_are_none(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    add_entry(&f, 0, 0x1000, MMAP_REASON_RUNTIME);
    KTEST_EQ(t, fill(&f), 0);
    KTEST_EQ(t, f.areas.count, 0);
    KTEST_EQ(t, f.dropped_bytes, 0);
}

/* 512 separate entries fit, and nothing is marked. */
static void areas_hold_exactly_512(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    for (uint64_t i = 0; i < 512; i++) {
        add_entry(&f, BASE + i * 0x10000, 0x1000, MMAP_REASON_AVAILABLE);
    }
    KTEST_EQ(t, fill(&f), 512);
    KTEST_EQ(t, f.areas.count, 512);
    KTEST_EQ(t, f.dropped_bytes, 0);
    KTEST_EQ(t, usable_bytes(&f), 512 * 0x1000);
}

/* 514 entries; numbers 7 and 300 are one page each, the others two. */
static void areas_drop_the_smallest_beyond_512(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    for (uint64_t i = 0; i < 514; i++) {
        const bool small = i == 7 || i == 300;
        add_entry(&f, BASE + i * 0x10000, small ? 0x1000 : 0x2000, MMAP_REASON_AVAILABLE);
    }
    KTEST_EQ(t, fill(&f), 514);
    KTEST_EQ(t, f.areas.count, 512);
    KTEST_EQ(t, f.dropped_bytes, 0x2000);
    KTEST_EQ(t, f.reasons[7], MMAP_REASON_DROPPED);
    KTEST_EQ(t, f.entries[7].type, MMAP_RESERVED);
    KTEST_EQ(t, f.reasons[300], MMAP_REASON_DROPPED);
    KTEST_EQ(t, usable_bytes(&f), phys_memory_areas_bytes(&f.areas));
    expect_area(t, &f.areas, 7, BASE + 8 * 0x10000, 0x2000);
    expect_area(t, &f.areas, 511, BASE + 513 * 0x10000, 0x2000);
}

/* Two touching entries make one area, or go together: 513 runs of 1 + 1 pages but one of 1 + 0. */
static void areas_drop_whole_runs(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    for (uint64_t i = 0; i < 513; i++) {
        const uint64_t start = BASE + i * 0x10000;
        const uint64_t pages = i == 100 ? 1 : 2;
        add_entry(&f, start, 0x1000 * pages, MMAP_REASON_AVAILABLE);
        add_entry(&f, start + 0x1000 * pages, 0x1000, MMAP_REASON_AVAILABLE);
    }
    KTEST_EQ(t, fill(&f), 1026);
    KTEST_EQ(t, f.areas.count, 512);
    KTEST_EQ(t, f.dropped_bytes, 0x2000);
    KTEST_EQ(t, f.reasons[200], MMAP_REASON_DROPPED);
    KTEST_EQ(t, f.reasons[201], MMAP_REASON_DROPPED);
    KTEST_EQ(t, usable_bytes(&f), 512 * 0x3000);
    KTEST_EQ(t, phys_memory_areas_bytes(&f.areas), 512 * 0x3000);
}

/* Bytes of the 512 largest of @p count sizes, by the slow way. */
static uint64_t best_sum(const uint64_t *sizes, uint32_t count)
{
    bool taken[MAX_ENTRIES] = { false };
    uint64_t sum = 0;
    for (uint32_t round = 0; round < 512 && round < count; round++) {
        uint32_t best = count;
        for (uint32_t i = 0; i < count; i++) {
            if (!taken[i] && (best == count || sizes[i] > sizes[best])) {
                best = i;
            }
        }
        taken[best] = true;
        sum += sizes[best];
    }
    return sum;
}

static void areas_keep_the_largest_of_random_maps(struct ktest *t)
{
    struct random random;
    random_init(&random, t->seed);
    for (unsigned round = 0; round < 5; round++) {
        struct fixture f;
        fixture_init(&f);
        uint64_t sizes[MAX_ENTRIES];
        uint64_t total = 0;
        const uint32_t count = 500 + (uint32_t)random_below(&random, MAX_ENTRIES - 500);
        uint64_t start = BASE;
        for (uint32_t i = 0; i < count; i++) {
            sizes[i] = PAGE_SIZE * (1 + random_below(&random, 64));
            add_entry(&f, start, sizes[i], MMAP_REASON_AVAILABLE);
            start += sizes[i] + PAGE_SIZE;
            total += sizes[i];
        }
        KTEST_EQ(t, fill(&f), count);
        KTEST_EQ(t, phys_memory_areas_bytes(&f.areas), best_sum(sizes, count));
        KTEST_EQ(t, usable_bytes(&f), phys_memory_areas_bytes(&f.areas));
        KTEST_EQ(t, f.dropped_bytes, total - usable_bytes(&f));
        for (uint32_t i = 1; i < f.areas.count; i++) {
            KTEST_TRUE(t, phys_memory_area_end(&f.areas.area[i - 1]) < f.areas.area[i].base.value);
        }
    }
}

static enum kstatus add(struct phys_memory_areas *areas, uint64_t base, uint64_t size)
{
    return phys_memory_areas_add(areas, phys_addr(base), size);
}

/*   [200000-300000)   [500000-600000)   +  [400000-500000) [100000-180000) [700000-701000)   */
static void areas_add_sorts_and_joins(struct ktest *t)
{
    struct phys_memory_areas areas = { .count = 0 };
    KTEST_STATUS(t, add(&areas, 0x500000, 0x100000), K_OK);
    KTEST_STATUS(t, add(&areas, 0x200000, 0x100000), K_OK);
    KTEST_STATUS(t, add(&areas, 0x400000, 0x100000), K_OK);
    KTEST_STATUS(t, add(&areas, 0x100000, 0x80000), K_OK);
    KTEST_STATUS(t, add(&areas, 0x700000, 0x1000), K_OK);
    KTEST_EQ(t, areas.count, 4);
    expect_area(t, &areas, 0, 0x100000, 0x80000);
    expect_area(t, &areas, 1, 0x200000, 0x100000);
    expect_area(t, &areas, 2, 0x400000, 0x200000);
    expect_area(t, &areas, 3, 0x700000, 0x1000);
    /* Fills the gap on both sides, then grows at the top. */
    KTEST_STATUS(t, add(&areas, 0x300000, 0x100000), K_OK);
    KTEST_STATUS(t, add(&areas, 0x701000, 0x1000), K_OK);
    KTEST_EQ(t, areas.count, 3);
    expect_area(t, &areas, 1, 0x200000, 0x400000);
    expect_area(t, &areas, 2, 0x700000, 0x2000);
}

static void areas_add_refuses_what_is_no_new_range(struct ktest *t)
{
    struct phys_memory_areas areas = { .count = 0 };
    KTEST_STATUS(t, add(&areas, 0x200000, 0x2000), K_OK);
    KTEST_STATUS(t, add(&areas, 0x200000, 0x1000), K_EINVAL); /* inside, at the front */
    KTEST_STATUS(t, add(&areas, 0x201000, 0x1000), K_EINVAL); /* inside, at the end */
    KTEST_STATUS(t, add(&areas, 0x1ff000, 0x2000), K_EINVAL); /* over the front */
    KTEST_STATUS(t, add(&areas, 0x1ff000, 0x9000), K_EINVAL); /* around */
    KTEST_STATUS(t, add(&areas, 0x300000, 0), K_EINVAL);
    KTEST_STATUS(t, add(&areas, 0x300800, 0x1000), K_EINVAL);
    KTEST_STATUS(t, add(&areas, 0x300000, 0x1800), K_EINVAL);
    KTEST_STATUS(t, add(&areas, UINT64_MAX - 0xfff, 0x1000), K_EINVAL); /* wraps */
    KTEST_EQ(t, areas.count, 1);
    expect_area(t, &areas, 0, 0x200000, 0x2000);
}

static void areas_add_to_a_full_table_only_joins(struct ktest *t)
{
    struct phys_memory_areas areas = { .count = 0 };
    for (uint64_t i = 0; i < 512; i++) {
        KTEST_STATUS(t, add(&areas, BASE + i * 0x10000, 0x1000), K_OK);
    }
    KTEST_STATUS(t, add(&areas, BASE + 0x8000, 0x1000), K_ENOSPC);
    KTEST_EQ(t, areas.count, 512);
    KTEST_EQ(t, phys_memory_areas_bytes(&areas), 512 * 0x1000);
    KTEST_STATUS(t, add(&areas, BASE + 0x1000, 0x1000), K_OK);
    KTEST_STATUS(t, add(&areas, BASE + 0xf000, 0x1000), K_OK);
    KTEST_STATUS(t, add(&areas, BASE + 0x2000, 0xd000), K_OK);
    KTEST_EQ(t, areas.count, 511);
    expect_area(t, &areas, 0, BASE, 0x11000);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(areas_take_usable_entries_and_join_neighbours),
    KTEST_CASE(areas_of_an_empty_map_are_none),
    KTEST_CASE(areas_hold_exactly_512),
    KTEST_CASE(areas_drop_the_smallest_beyond_512),
    KTEST_CASE(areas_drop_whole_runs),
    KTEST_CASE(areas_keep_the_largest_of_random_maps),
    KTEST_CASE(areas_add_sorts_and_joins),
    KTEST_CASE(areas_add_refuses_what_is_no_new_range),
    KTEST_CASE(areas_add_to_a_full_table_only_joins),
};
KTEST_SUITE(mm_areas, "mm.areas", cases);
