/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The page-frame allocator against a model that remembers one byte a frame: what is RAM, what is
 * handed out. Random regions, some added while blocks are out and some overlapping; random orders
 * on three CPUs, one of them without a cache; every kind of wrong free in between.
 */
#include "mm/buddy_allocator.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define UNIVERSE_FRAMES (UINT64_C(1) << 20) /* 4 GiB, somewhere below 33 TiB */
#define BLOCKS_MAX      4096U
#define RUNS            16U
#define STEPS           12000U
#define VALIDATE_EVERY  3000U

enum frame_state {
    FRAME_NO_RAM,
    FRAME_RAM, /* free or metadata */
    FRAME_TAKEN,
};

struct block {
    uint64_t frame; /* in the universe */
    unsigned order;
};

struct model {
    struct ktest *t;
    uint64_t random;
    uint64_t base; /* physical address of the universe */
    uint64_t ram_frames;
    uint64_t taken_frames;
    uint32_t block_count;
    struct block blocks[BLOCKS_MAX];
    uint8_t frames[UNIVERSE_FRAMES];
};

static struct buddy_allocator buddy;
static struct buddy_cpu_cache caches[2];
static struct model model;

static uint64_t next_random(struct model *m)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t random_below(struct model *m, uint64_t limit)
{
    return (next_random(m) >> 11) % limit;
}

static bool all_are(const struct model *m, uint64_t frame, uint64_t count, enum frame_state state)
{
    if (frame >= UNIVERSE_FRAMES || count > UNIVERSE_FRAMES - frame) {
        return false;
    }
    const uint8_t *const first = &m->frames[frame];
    return *first == state && memcmp(first, first + 1, count - 1) == 0;
}

static bool has_ram(const struct model *m, uint64_t frame, uint64_t count)
{
    uint8_t any = 0;
    for (uint64_t i = frame; i < frame + count; i++) {
        any |= m->frames[i];
    }
    return any != FRAME_NO_RAM;
}

static phys_addr_t address_of(const struct model *m, uint64_t frame)
{
    return phys_addr(m->base + (frame << PAGE_SHIFT));
}

/* Sizes from one frame to a GiB, each scale as likely as the next. */
static uint64_t random_size(struct model *m)
{
    return 1 + random_below(m, UINT64_C(1) << (1 + random_below(m, 18)));
}

static void step_add_region(struct model *m)
{
    const uint64_t count = random_size(m);
    const uint64_t frame = random_below(m, UNIVERSE_FRAMES - count);
    const bool overlaps = has_ram(m, frame, count);
    const phys_addr_t base = address_of(m, frame);
    if (!overlaps) {
        const uint64_t junk_bytes = bits_min(count << PAGE_SHIFT, SIZE_1M);
        fake_ram_add(base.value, count << PAGE_SHIFT);
        fake_ram_fill(base.value, junk_bytes, 0xa5);
        fake_ram_fill(base.value + (count << PAGE_SHIFT) - junk_bytes, junk_bytes, 0xa5);
    }
    const enum kstatus status = buddy_add_region(&buddy, base, page_frame_count(count));
    if (status == K_OK) {
        memset(&m->frames[frame], FRAME_RAM, count);
        m->ram_frames += count;
    }
    KTEST_TRUE(m->t, overlaps ? status == K_EEXIST : status == K_OK || status == K_ENOMEM);
}

static unsigned random_order(struct model *m)
{
    const uint64_t kind = random_below(m, 16);
    return (unsigned)random_below(m, kind == 0 ? 19 : kind < 6 ? 11 : 4);
}

static void step_allocate(struct model *m)
{
    const unsigned order = random_order(m);
    phys_addr_t base;
    if (m->block_count == BLOCKS_MAX || buddy_allocate(&buddy, order, &base) != K_OK) {
        return;
    }
    const uint64_t frame = (base.value - m->base) >> PAGE_SHIFT;
    const bool is_good = base.value >= m->base && bits_is_aligned(base.value, PAGE_SIZE << order) &&
                         all_are(m, frame, BIT(order), FRAME_RAM);
    if (!KTEST_TRUE(m->t, is_good)) {
        return;
    }
    memset(&m->frames[frame], FRAME_TAKEN, BIT(order));
    m->taken_frames += BIT(order);
    m->blocks[m->block_count++] = (struct block){ frame, order };
}

static void step_free(struct model *m)
{
    if (m->block_count == 0) {
        return;
    }
    struct block *const slot = &m->blocks[random_below(m, m->block_count)];
    const struct block block = *slot;
    *slot = m->blocks[--m->block_count];
    KTEST_STATUS(m->t, buddy_free(&buddy, address_of(m, block.frame), block.order), K_OK);
    KTEST_TRUE(m->t, buddy_free(&buddy, address_of(m, block.frame), block.order) != K_OK);
    memset(&m->frames[block.frame], FRAME_RAM, BIT(block.order));
    m->taken_frames -= BIT(block.order);
}

/* Anything but the very block: another order, another frame of it, or anywhere at all. */
static void step_free_wrongly(struct model *m)
{
    const unsigned order = random_order(m);
    uint64_t frame = random_below(m, UNIVERSE_FRAMES);
    if (m->block_count > 0 && random_below(m, 4) != 0) {
        const struct block *const block = &m->blocks[random_below(m, m->block_count)];
        frame = block->frame + random_below(m, BIT(block->order));
    }
    for (uint32_t i = 0; i < m->block_count; i++) {
        if (m->blocks[i].frame == frame && m->blocks[i].order == order) {
            return;
        }
    }
    const uint64_t offset = random_below(m, 16) == 0 ? random_below(m, PAGE_SIZE) : 0;
    const phys_addr_t base = phys_add(address_of(m, frame), offset);
    const enum kstatus status = buddy_free(&buddy, base, order);
    KTEST_TRUE(m->t, status == K_EINVAL || status == K_EFAULT);
}

static void check_counts(struct model *m)
{
    const struct page_frame_usage usage = buddy_usage(&buddy);
    KTEST_EQ(m->t, usage.used.value, m->taken_frames);
    KTEST_EQ(m->t, usage.used.value + usage.free.value, usage.total.value);
}

static void check_everything(struct model *m)
{
    const struct buddy_statistics s = buddy_statistics(&buddy);
    uint64_t in_blocks = s.cached_frames;
    for (unsigned order = 0; order < BUDDY_ORDER_COUNT; order++) {
        in_blocks += s.free_blocks[order] << order;
    }
    KTEST_EQ(m->t, in_blocks, s.free_frames);
    KTEST_EQ(m->t, s.total_frames + s.metadata_frames, m->ram_frames);
    KTEST_STATUS(m->t, buddy_validate(&buddy), K_OK);
}

static void step(struct model *m, uint64_t number)
{
    fake_cpu_set_number((uint32_t)random_below(m, 3));
    /* Fill and empty in turns. */
    const uint64_t frees_of_100 = (number / 1500) % 2 == 0 ? 40 : 55;
    const uint64_t kind = random_below(m, 100);
    if (kind == 0) {
        step_add_region(m);
    } else if (kind < 4) {
        step_free_wrongly(m);
    } else if (kind < 4 + frees_of_100) {
        step_free(m);
    } else {
        step_allocate(m);
    }
    check_counts(m);
}

/* Everything freed and drained, the free blocks are those of a fresh allocator. */
static void check_that_all_merges(struct model *m)
{
    while (m->block_count > 0) {
        step_free(m);
    }
    buddy_drain_caches(&buddy);
    check_everything(m);
    const struct buddy_statistics s = buddy_statistics(&buddy);
    KTEST_EQ(m->t, s.free_frames, s.total_frames);
    phys_addr_t base;
    if (s.has_free_block) {
        KTEST_STATUS(m->t, buddy_allocate(&buddy, s.largest_free_order, &base), K_OK);
        KTEST_STATUS(m->t, buddy_free(&buddy, base, s.largest_free_order), K_OK);
    }
    phys_addr_t *const all = malloc((s.free_frames + 1) * sizeof(*all));
    uint64_t count = 0;
    while (s.free_frames < 100000 && buddy_allocate(&buddy, 0, &all[count]) == K_OK) {
        count++;
    }
    KTEST_TRUE(m->t, count == s.free_frames || s.free_frames >= 100000);
    while (count > 0) {
        count--;
        KTEST_STATUS(m->t, buddy_free(&buddy, all[count], 0), K_OK);
    }
    free(all);
    buddy_drain_caches(&buddy);
    const struct buddy_statistics after = buddy_statistics(&buddy);
    KTEST_EQ(m->t, memcmp(s.free_blocks, after.free_blocks, sizeof(s.free_blocks)), 0);
}

static void run(struct ktest *t, uint64_t seed)
{
    fake_cpu_reset();
    fake_ram_reset();
    fake_log_reset();
    buddy_init(&buddy, caches, 2);
    memset(&model, 0, sizeof(model));
    model.t = t;
    model.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    model.base = random_below(&model, (33 * SIZE_1T - 2 * SIZE_4G) >> PAGE_SHIFT) << PAGE_SHIFT;
    const uint64_t regions = 1 + random_below(&model, 64);
    for (uint64_t i = 0; i < regions; i++) {
        step_add_region(&model);
    }
    for (uint64_t i = 0; i < STEPS && t->failures == 0; i++) {
        step(&model, i);
        if (i % VALIDATE_EVERY == 0) {
            check_everything(&model);
        }
    }
    fake_cpu_set_number(0);
    check_that_all_merges(&model);
}

static void buddy_behaves_as_the_ownership_map(struct ktest *t)
{
    for (uint64_t i = 0; i < RUNS && t->failures == 0; i++) {
        run(t, t->seed * RUNS + i);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(buddy_behaves_as_the_ownership_map),
};
KTEST_SUITE(mm_buddy_property, "mm.buddy.property", cases);
