/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Reading page tables: the path to an address, and all leaves one by one, against the tests' own
 * walk of the raw words. Rights along a path are in page_access_test.c.
 */
#include "mm/page_walk.h"

#include "mm/page_mapper.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_frames.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/table_print.h"
#include "tests/ktest.h"

#define LAST_PAGE       UINT64_C(0xfffffffffffff000)
#define LAST_LOWER_PAGE UINT64_C(0x00007ffffffff000)
#define LEAF_MAX        2048U

static struct fake_frames frames;
static struct page_mapper mapper;
static const struct paging_features features = { .nx = true, .pages_1g = true, .phys_bits = 46 };

static void map(struct ktest *t, uint64_t virt, uint64_t phys, uint64_t size_bytes)
{
    const struct page_mapping request = {
        .virt = virt_addr(virt),
        .phys = phys_addr(phys),
        .size_bytes = size_bytes,
        .flags = { .write = true, .cache = PAGE_CACHE_WRITE_COMBINING },
    };
    struct page_flush flush;
    KTEST_STATUS(t, page_mapper_map_range(&mapper, &request, &flush), K_OK);
    page_flush_ignore(&flush);
}

/* Leaves of every size, in both halves, at the very ends of each. */
static void set_up(struct ktest *t)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_frames_init(&frames, SIZE_1M, 256);
    KTEST_STATUS(t, page_mapper_create(&mapper, &frames.allocator, &features), K_OK);
    map(t, 3 * SIZE_4K, 5 * SIZE_4K, 2 * SIZE_4K);
    map(t, LAST_LOWER_PAGE, SIZE_4K, SIZE_4K);
    map(t, PHYS_OFFSET, 0, SIZE_1G);
    map(t, PHYS_OFFSET + SIZE_1G + SIZE_2M, SIZE_2M, SIZE_2M + SIZE_4K);
    map(t, MMIO_POOL_START, 4 * SIZE_1G, SIZE_4K);
    map(t, LAST_PAGE, SIZE_4K, SIZE_4K);
}

static void page_walk_path_shows_each_entry_down_to_the_leaf(struct ktest *t)
{
    static const struct {
        uint64_t virt;
        unsigned count;
    } rows[] = { { 3 * SIZE_4K + 1, 4 },
                 { PHYS_OFFSET + 17, 2 },
                 { PHYS_OFFSET + SIZE_1G + SIZE_2M, 3 } };
    set_up(t);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct page_path path = { .count = 0 };
        KTEST_STATUS(t, page_walk_path(mapper.root, virt_addr(rows[i].virt), &path), K_OK);
        KTEST_EQ(t, path.count, rows[i].count);
        KTEST_EQ(t, path.step[0].table.phys.value, mapper.root.value);
        struct page_leaf leaf = { .level = 0 };
        KTEST_STATUS(t, page_walk_leaf(&path, &leaf), K_OK);
        KTEST_EQ(t, leaf.level, PAGE_LEVELS + 1 - rows[i].count);
        KTEST_TRUE(t, rows[i].virt - leaf.virt.value < page_level_size(leaf.level));
        KTEST_TRUE(t, leaf.flags.write && leaf.flags.cache == PAGE_CACHE_WRITE_COMBINING);
    }
}

static void page_walk_path_ends_at_the_first_absent_entry(struct ktest *t)
{
    set_up(t);
    struct page_path path = { .count = 0 };
    struct page_leaf leaf;
    KTEST_STATUS(t, page_walk_path(mapper.root, virt_addr(0), &path), K_OK);
    KTEST_EQ(t, path.count, 4);
    KTEST_STATUS(t, page_walk_leaf(&path, &leaf), K_ENOENT);
    KTEST_STATUS(t, page_walk_path(mapper.root, virt_addr(SIZE_1T), &path), K_OK);
    KTEST_EQ(t, path.count, 1);
    KTEST_EQ(t, path.step[0].index, 2);
}

static void page_walk_refuses_addresses_that_do_not_exist(struct ktest *t)
{
    set_up(t);
    struct page_path path;
    struct page_leaf leaf;
    KTEST_STATUS(t, page_walk_path(mapper.root, virt_addr(BIT(47)), &path), K_EFAULT);
    KTEST_STATUS(t, page_walk_path(mapper.root, virt_addr(PHYS_OFFSET - 1), &path), K_EFAULT);
    KTEST_STATUS(t, page_walk_next(mapper.root, virt_addr(BIT(47)), &leaf), K_EFAULT);
}

static void page_walk_next_from_inside_a_leaf_is_that_leaf(struct ktest *t)
{
    set_up(t);
    struct page_leaf leaf = { .level = 0 };
    KTEST_STATUS(t, page_walk_next(mapper.root, virt_addr(PHYS_OFFSET + 12345), &leaf), K_OK);
    KTEST_EQ(t, leaf.virt.value, PHYS_OFFSET);
    KTEST_EQ(t, leaf.phys.value, 0);
    KTEST_EQ(t, leaf.level, PAGE_LEVEL_1G);
}

struct seen {
    uint64_t virt[LEAF_MAX];
    unsigned level[LEAF_MAX];
    uint32_t count;
};

static void note(void *context, uint64_t virt, uint64_t word, unsigned level)
{
    struct seen *const seen = context;
    (void)word;
    if (seen->count < LEAF_MAX) {
        seen->virt[seen->count] = virt;
        seen->level[seen->count] = level;
        seen->count++;
    }
}

/* The whole tree by page_walk_next() is the whole tree by its raw words. */
static void check_all_leaves(struct ktest *t)
{
    static struct seen seen;
    seen.count = 0;
    (void)table_walk(mapper.root, note, &seen);
    struct page_leaf leaf;
    virt_addr_t from = virt_addr(0);
    uint32_t count = 0;
    enum kstatus status = page_walk_next(mapper.root, from, &leaf);
    while (status == K_OK && count < seen.count) {
        KTEST_EQ(t, leaf.virt.value, seen.virt[count]);
        KTEST_EQ(t, leaf.level, seen.level[count]);
        count++;
        status = page_walk_after(&leaf, &from);
        if (status == K_OK) {
            status = page_walk_next(mapper.root, from, &leaf);
        }
    }
    KTEST_STATUS(t, status, K_ENOENT);
    KTEST_EQ(t, count, seen.count);
}

static void page_walk_next_visits_every_leaf_once(struct ktest *t)
{
    set_up(t);
    check_all_leaves(t);
}

static void page_walk_next_ends_with_or_without_a_last_page(struct ktest *t)
{
    set_up(t);
    struct page_flush flush;
    KTEST_STATUS(t, page_mapper_unmap_range(&mapper, virt_addr(LAST_PAGE), SIZE_4K, true, &flush),
                 K_OK);
    page_flush_ignore(&flush);
    check_all_leaves(t);
    KTEST_STATUS(t, page_mapper_create(&mapper, &frames.allocator, &features), K_OK);
    check_all_leaves(t); /* nothing at all */
}

static const struct ktest_case cases[] = {
    KTEST_CASE(page_walk_path_shows_each_entry_down_to_the_leaf),
    KTEST_CASE(page_walk_path_ends_at_the_first_absent_entry),
    KTEST_CASE(page_walk_refuses_addresses_that_do_not_exist),
    KTEST_CASE(page_walk_next_from_inside_a_leaf_is_that_leaf),
    KTEST_CASE(page_walk_next_visits_every_leaf_once),
    KTEST_CASE(page_walk_next_ends_with_or_without_a_last_page),
};
KTEST_SUITE(mm_page_walk, "mm.page_walk", cases);
