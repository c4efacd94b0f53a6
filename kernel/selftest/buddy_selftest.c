/* SPDX-License-Identifier: GPL-2.0-only
 *
 * test_buddy (S95) on the live allocator: ten rounds of random allocations, each block written,
 * read back before it is freed, and checked against a set of the frames that are owned; after each
 * round the allocator has as many free frames as before. 16 MiB a round (or half of what is free),
 * the seed's 200 MiB where the command line names the test.
 *
 * The list of live blocks and the ownership set live in frames of their own, taken before the
 * first count.
 */
#include <stdbool.h>

#include <arch/physmap.h>

#include "lib/random.h"
#include "mm/locked_frame_allocator.h"
#include "mm/low_memory.h"
#include "mm/mm_init.h"
#include "printk.h"
#include "selftest/selftest.h"
#include "tests/ktest.h"

#define ROUNDS            10U
#define ROUND_BYTES       (16 * SIZE_1M)
#define ROUND_BYTES_NAMED (200 * SIZE_1M)
#define BLOCK_BYTES_MAX   (4 * SIZE_1M)
#define FREE_PERCENT      75U
#define SET_EMPTY         UINT64_C(0)
#define SET_GONE          UINT64_MAX

struct block {
    phys_addr_t base;
    page_frame_count_t count;
    uint64_t pattern;
};

struct workspace {
    struct ktest *t;
    struct random random;
    uint64_t round_frames; /* to allocate in a round */
    phys_addr_t memory;
    page_frame_count_t memory_count;
    struct block *blocks; /* live ones */
    uint64_t block_count;
    uint64_t *owned; /* open addressing; frame number + 1, SET_EMPTY or SET_GONE */
    uint64_t owned_mask;
    uint64_t allocated_frames;
    uint64_t freed_frames;
};

/* One slot per frame of a round at a load of a quarter; a block can overshoot the round's total. */
static bool workspace_open(struct workspace *w)
{
    const uint64_t frames_max = w->round_frames + BLOCK_BYTES_MAX / PAGE_SIZE;
    const uint64_t slots = BIT(bits_log2_ceil(frames_max * 4));
    const uint64_t bytes = slots * sizeof(uint64_t) + frames_max * sizeof(struct block);
    w->memory_count = page_frame_count(BIT(bits_log2_ceil(bytes / PAGE_SIZE + 1)));
    if (allocate_page_frames(w->memory_count, &w->memory) != K_OK) {
        return false;
    }
    uint8_t *const memory = physmap_ptr(w->memory, page_frame_count_bytes(w->memory_count));
    w->owned = (uint64_t *)(void *)memory;
    w->owned_mask = slots - 1;
    w->blocks = (struct block *)(void *)(memory + slots * sizeof(uint64_t));
    return true;
}

static void set_clear(struct workspace *w)
{
    for (uint64_t i = 0; i <= w->owned_mask; i++) {
        w->owned[i] = SET_EMPTY;
    }
}

static uint64_t set_slot(const struct workspace *w, uint64_t frame)
{
    uint64_t slot = (frame * UINT64_C(0x9e3779b97f4a7c15)) >> 20;
    while (w->owned[slot & w->owned_mask] != SET_EMPTY &&
           w->owned[slot & w->owned_mask] != frame + 1) {
        slot++;
    }
    return slot & w->owned_mask;
}

/* Marks the frames of `block` as owned; false where one already was. */
static bool own(struct workspace *w, const struct block *block)
{
    bool fresh = true;
    const uint64_t first = phys_frame_of(block->base).value;
    for (uint64_t i = 0; i < block->count.value; i++) {
        const uint64_t slot = set_slot(w, first + i);
        fresh = fresh && w->owned[slot] == SET_EMPTY;
        w->owned[slot] = first + i + 1;
    }
    return fresh;
}

/* Leaves a tombstone: a round inserts at most a quarter of the slots, so none is needed again. */
static void disown(struct workspace *w, const struct block *block)
{
    const uint64_t first = phys_frame_of(block->base).value;
    for (uint64_t i = 0; i < block->count.value; i++) {
        const uint64_t slot = set_slot(w, first + i);
        KTEST_TRUE(w->t, w->owned[slot] == first + i + 1);
        w->owned[slot] = SET_GONE;
    }
}

static void fill(const struct block *block)
{
    const uint64_t bytes = page_frame_count_bytes(block->count);
    volatile uint64_t *const words = physmap_ptr(block->base, bytes);
    for (uint64_t i = 0; i < bytes / sizeof(uint64_t); i++) {
        words[i] = block->pattern + i;
    }
}

static bool holds_pattern(const struct block *block)
{
    const uint64_t bytes = page_frame_count_bytes(block->count);
    const volatile uint64_t *const words = physmap_ptr(block->base, bytes);
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < bytes / sizeof(uint64_t); i++) {
        wrong |= words[i] ^ (block->pattern + i);
    }
    return wrong == 0;
}

static void free_block(struct workspace *w, uint64_t index)
{
    const struct block block = w->blocks[index];
    KTEST_TRUE(w->t, holds_pattern(&block));
    disown(w, &block);
    deallocate_page_frames(block.base, block.count);
    w->freed_frames += block.count.value;
    w->blocks[index] = w->blocks[--w->block_count];
}

static page_frame_count_t random_count(struct workspace *w)
{
    const uint64_t bytes = 1 + random_below(&w->random, BLOCK_BYTES_MAX - 1);
    const uint64_t frames = bits_align_up(bytes, PAGE_SIZE) / PAGE_SIZE;
    const uint64_t left = w->round_frames - w->allocated_frames;
    return page_frame_count(BIT(bits_log2_ceil(bits_min(frames, left))));
}

/* Allocates one block; where memory is short, frees one and tries again. */
static bool allocate_block(struct workspace *w)
{
    struct block block = { .count = random_count(w), .pattern = random_next(&w->random) };
    while (allocate_page_frames(block.count, &block.base) != K_OK) {
        if (!KTEST_TRUE(w->t, w->block_count > 0)) {
            return false;
        }
        free_block(w, random_below(&w->random, w->block_count));
    }
    const uint64_t size = page_frame_count_bytes(block.count);
    virt_addr_t virt = { 0 };
    KTEST_TRUE(w->t, bits_is_power_of_two(block.count.value));
    KTEST_TRUE(w->t, bits_is_aligned(block.base.value, size));
    KTEST_TRUE(w->t, phys_to_virt(block.base, &virt) && bits_is_aligned(virt.value, size));
    KTEST_TRUE(w->t, own(w, &block));
    fill(&block);
    w->blocks[w->block_count++] = block;
    w->allocated_frames += block.count.value;
    return true;
}

static uint64_t free_frames(void)
{
    return locked_frame_allocator_get_usage().free.value;
}

static void run_round(struct workspace *w, uint32_t round)
{
    const uint64_t free_before = free_frames();
    w->allocated_frames = 0;
    w->freed_frames = 0;
    w->block_count = 0;
    set_clear(w);
    while (w->allocated_frames < w->round_frames && allocate_block(w)) {
        if (random_chance(&w->random, FREE_PERCENT)) {
            free_block(w, random_below(&w->random, w->block_count));
        }
    }
    const uint64_t kept = w->allocated_frames - w->freed_frames;
    pr_debug("test_buddy: round %u: allocated %" FMTu64 " MB, released %" FMTu64
             " MB, kept %" FMTu64 " bytes",
             round, w->allocated_frames * PAGE_SIZE / SIZE_1M,
             w->freed_frames * PAGE_SIZE / SIZE_1M, kept * PAGE_SIZE);
    while (w->block_count > 0) {
        free_block(w, w->block_count - 1);
    }
    KTEST_EQ(w->t, w->freed_frames, w->allocated_frames);
    KTEST_EQ(w->t, free_frames(), free_before);
}

static void test_buddy(struct ktest *t)
{
    struct workspace w = { .t = t };
    random_init(&w.random, t->seed);
    const uint64_t bytes = selftest_is_named(t->suite, t->name) ? ROUND_BYTES_NAMED : ROUND_BYTES;
    w.round_frames = bits_min(bytes / PAGE_SIZE, free_frames() / 2);
    const uint64_t free_at_start = free_frames();
    if (!KTEST_TRUE(t, workspace_open(&w))) {
        return;
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        run_round(&w, round);
    }
    deallocate_page_frames(w.memory, w.memory_count);
    KTEST_EQ(t, free_frames(), free_at_start);
    pr_debug("test_buddy: release done");
}

/* Bad frees through the handle are refused and change nothing (S65). */
static void buddy_bad_frees_are_refused(struct ktest *t)
{
    struct frame_allocator *const frames = locked_frame_allocator();
    const uint64_t free_before = free_frames();
    phys_addr_t base;
    if (!KTEST_TRUE(t, frame_allocator_allocate(frames, page_frame_count(4), &base) == K_OK)) {
        return;
    }
    const uint64_t free_with_block = free_frames();
    const struct {
        uint64_t base;
        uint64_t count;
    } bad[] = {
        { base.value, 1 },                 /* wrong order */
        { base.value, 8 },                 /* wrong order */
        { base.value + PAGE_SIZE, 1 },     /* inside the block */
        { base.value + 2 * PAGE_SIZE, 2 }, /* inside the block */
        { base.value + 1, 4 },             /* not a frame */
        { 0, 1 },                          /* page 0 */
        { 0xfee00000, 1 },                 /* the local APIC: no RAM */
        { mm_state()->root.value, 1 },     /* a page table, never handed out */
        { base.value, 3 },                 /* no power of two */
        { UINT64_C(1) << 51, 1 },          /* beyond everything */
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        KTEST_TRUE(t, frame_allocator_free(frames, phys_addr(bad[i].base),
                                           page_frame_count(bad[i].count)) != K_OK);
        KTEST_EQ(t, free_frames(), free_with_block);
    }
    KTEST_STATUS(t, frame_allocator_free(frames, base, page_frame_count(4)), K_OK);
    KTEST_TRUE(t, frame_allocator_free(frames, base, page_frame_count(4)) != K_OK); /* twice */
    KTEST_EQ(t, free_frames(), free_before);
}

static void buddy_too_large_or_odd_counts_are_refused(struct ktest *t)
{
    phys_addr_t base = { 1 };
    KTEST_TRUE(t, allocate_page_frames(page_frame_count(0), &base) != K_OK);
    KTEST_TRUE(t, allocate_page_frames(page_frame_count(3), &base) != K_OK);
    KTEST_TRUE(t, allocate_page_frames(page_frame_count(BIT(BUDDY_MAX_ORDER + 1)), &base) != K_OK);
    KTEST_EQ(t, base.value, 1);
}

/* Every frame below 1 MiB that the pool has: chained through their first words, then given back. */
static void buddy_low_memory_is_usable(struct ktest *t)
{
    const struct page_frame_usage before = low_memory_usage();
    phys_addr_t frame = { 0 };
    phys_addr_t head = { 0 };
    uint64_t count = 0;
    while (low_memory_allocate(0, &frame) == K_OK) {
        uint64_t *const word = physmap_ptr(frame, PAGE_SIZE);
        KTEST_TRUE(t, frame.value != 0 && frame.value < SIZE_1M);
        *word = head.value;
        head = frame;
        count++;
    }
    KTEST_EQ(t, count, before.free.value);
    while (head.value != 0 && count > 0) {
        const uint64_t *const word = physmap_ptr(head, PAGE_SIZE);
        frame = head;
        head = phys_addr(*word);
        KTEST_STATUS(t, low_memory_free(frame, 0), K_OK);
        count--;
    }
    KTEST_EQ(t, count, 0);
    KTEST_EQ(t, low_memory_usage().free.value, before.free.value);
}

static void buddy_invariants_hold(struct ktest *t)
{
    KTEST_STATUS(t, buddy_validate(locked_frame_allocator_inner()), K_OK);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(test_buddy),
    KTEST_CASE(buddy_bad_frees_are_refused),
    KTEST_CASE(buddy_too_large_or_odd_counts_are_refused),
    KTEST_CASE(buddy_low_memory_is_usable),
    KTEST_CASE(buddy_invariants_hold),
};
KTEST_SUITE(mm_buddy, "mm.buddy", cases);
