/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See storm.h: bad frees of every kind (goal G13). A kind that the world cannot offer at the moment
 * is left out, and not counted.
 */
#include "tests/storm/storm.h"

/* Tries for a frame of a kind before giving up. */
#define TRIES 64U

struct bad_free {
    phys_addr_t base;
    uint64_t count_frames;
};

/* One of the thread's blocks of at least 2^least frames, or NULL. */
static const struct held_block *some_block(struct storm_thread *thread, unsigned least)
{
    for (unsigned i = 0; i < TRIES && thread->held_count > 0; i++) {
        const struct held_block *const block =
            &thread->held[storm_below(&thread->random, thread->held_count)];
        if (block->order >= least) {
            return block;
        }
    }
    return NULL;
}

static bool make_double(struct storm_thread *thread, struct bad_free *bad)
{
    if (thread->held_count == 0) {
        return false;
    }
    const uint32_t index = (uint32_t)storm_below(&thread->random, thread->held_count);
    const struct held_block block = thread->held[index];
    storm_free(thread, index);
    *bad = (struct bad_free){ storm_address(block.frame), BIT(block.order) };
    return true;
}

static bool make_wrong_order(struct storm_thread *thread, struct bad_free *bad)
{
    const struct held_block *const block = some_block(thread, 0);
    const unsigned order = storm_order(&thread->random);
    if (block == NULL || order == block->order ||
        !bits_is_aligned(storm_address(block->frame).value, PAGE_SIZE << order)) {
        return false;
    }
    *bad = (struct bad_free){ storm_address(block->frame), BIT(order) };
    return true;
}

static bool make_interior(struct storm_thread *thread, struct bad_free *bad)
{
    const struct held_block *const block = some_block(thread, 1);
    if (block == NULL) {
        return false;
    }
    const uint64_t inside = 1 + storm_below(&thread->random, BIT(block->order) - 1);
    *bad = (struct bad_free){ storm_address(block->frame + inside), BIT(bits_lowest(inside)) };
    return true;
}

static bool make_misaligned(struct storm_thread *thread, struct bad_free *bad)
{
    const struct held_block *const block = some_block(thread, 0);
    if (block == NULL) {
        return false;
    }
    const uint64_t size_bytes = PAGE_SIZE << block->order;
    const uint64_t offset = 1 + storm_below(&thread->random, size_bytes - 1);
    *bad = (struct bad_free){ phys_add(storm_address(block->frame), offset), BIT(block->order) };
    return true;
}

/* A frame that says `state`, and is free where it is RAM: never that of a metadata frame. */
static bool find_frame(struct storm_thread *thread, uint8_t state, enum buddy_bad_free kind,
                       struct bad_free *bad)
{
    for (unsigned i = 0; i < TRIES; i++) {
        const uint64_t frame = storm_below(&thread->random, WORLD_FRAMES);
        struct buddy_free_report report;
        *bad = (struct bad_free){ storm_address(frame), 1 };
        buddy_describe_bad_free(&world.buddy, bad->base, page_frame_count(1), &report);
        if (atomic_load_explicit(&world.frames[frame], memory_order_relaxed) == state &&
            report.kind == kind) {
            return true;
        }
    }
    return false;
}

static bool make_hole(struct storm_thread *thread, struct bad_free *bad)
{
    return find_frame(thread, FRAME_HOLE, BUDDY_FREE_HOLE, bad);
}

static bool make_free_frame(struct storm_thread *thread, struct bad_free *bad)
{
    return find_frame(thread, FRAME_RAM, BUDDY_FREE_NOT_ALLOCATED, bad);
}

/* Metadata is a thousandth of the RAM: it is found from the first area on. */
static bool make_metadata(struct storm_thread *thread, struct bad_free *bad)
{
    static uint64_t cached_base = UINT64_MAX;
    static uint64_t cached_frame;
    if (cached_base != world.base) {
        for (uint64_t frame = 0; frame < WORLD_FRAMES; frame++) {
            struct buddy_free_report report;
            const bool is_ram =
                atomic_load_explicit(&world.frames[frame], memory_order_relaxed) == FRAME_RAM;
            if (!is_ram) {
                continue;
            }
            buddy_describe_bad_free(&world.buddy, storm_address(frame), page_frame_count(1),
                                    &report);
            if (report.kind == BUDDY_FREE_METADATA) {
                cached_base = world.base;
                cached_frame = frame;
                break;
            }
        }
    }
    (void)thread;
    *bad = (struct bad_free){ storm_address(cached_frame), 1 };
    return cached_base == world.base;
}

static bool make_out_of_range(struct storm_thread *thread, struct bad_free *bad)
{
    const uint64_t far = storm_below(&thread->random, BIT(52 - PAGE_SHIFT));
    const uint64_t address = far << PAGE_SHIFT;
    *bad = (struct bad_free){ phys_addr(address), 1 };
    return address + SIZE_1G < bits_align_down(world.base, SIZE_1G) ||
           address >= world.base + (WORLD_FRAMES << PAGE_SHIFT) + SIZE_1G;
}

static bool make_bad_count(struct storm_thread *thread, struct bad_free *bad)
{
    const struct held_block *const block = some_block(thread, 0);
    const uint64_t count = storm_random(&thread->random) >> storm_below(&thread->random, 64);
    if (block == NULL || (bits_is_power_of_two(count) && count <= BIT(BUDDY_MAX_ORDER))) {
        return false;
    }
    *bad = (struct bad_free){ storm_address(block->frame), count };
    return true;
}

static const struct {
    const char *name;
    bool (*make)(struct storm_thread *thread, struct bad_free *bad);
    enum buddy_bad_free kind;
} kinds[INJECTION_KINDS] = {
    { "double", make_double, BUDDY_FREE_NOT_ALLOCATED },
    { "never allocated", make_free_frame, BUDDY_FREE_NOT_ALLOCATED },
    { "wrong order", make_wrong_order, BUDDY_FREE_WRONG_ORDER },
    { "interior", make_interior, BUDDY_FREE_INTERIOR },
    { "misaligned", make_misaligned, BUDDY_FREE_MISALIGNED },
    { "hole", make_hole, BUDDY_FREE_HOLE },
    { "metadata", make_metadata, BUDDY_FREE_METADATA },
    { "no such RAM", make_out_of_range, BUDDY_FREE_OUT_OF_RANGE },
    { "bad count", make_bad_count, BUDDY_FREE_BAD_COUNT },
};

const char *storm_injection_name(unsigned kind)
{
    return kinds[kind].name;
}

static void inject(struct storm_thread *thread, unsigned kind)
{
    struct bad_free bad;
    struct buddy_free_report report;
    if (!kinds[kind].make(thread, &bad)) {
        return;
    }
    const uint64_t free_frames = buddy_usage(&world.buddy).free.value;
    const page_frame_count_t count = { bad.count_frames };
    buddy_describe_bad_free(&world.buddy, bad.base, count, &report);
    const bool is_refused = frame_allocator_free(&world.buddy.allocator, bad.base, count) != K_OK;
    if (!is_refused || report.kind != kinds[kind].kind ||
        buddy_usage(&world.buddy).free.value != free_frames) {
        storm_fault(&world.errors, kinds[kind].name, bad.base.value, (unsigned)report.kind);
    }
    world.injected[kind]++;
}

void storm_inject(struct storm_thread *thread)
{
    for (unsigned kind = 0; kind < INJECTION_KINDS; kind++) {
        inject(thread, kind);
    }
}
