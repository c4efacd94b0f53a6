/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See buddy_cache.h: refilling, emptying and sizing the per-CPU caches.
 */
#include "mm/buddy_cache.h"

#include <arch/cpu_barrier.h>

#include "lib/string.h"
#include "mm/buddy_core.h"

/* Blocks that a CPU may keep, by order. */
static const uint16_t largest_caps[BUDDY_CACHED_ORDERS] = {
    512, 128, 64, 64, 32, 32, 16, 16, 16, 32, 16,
};

#define REFILL_MAX       64U
#define FREE_SHARE_SHIFT 4U /* all CPUs' stacks of an order hold at most 1/16 of what is free */
/* Blocks that do little harm in a stack: fewer where they keep a 2 MiB block from merging. */
#define SMALL_STACK_LEAF 4U
#define SMALL_STACK_ZONE 8U

void buddy_cache_init(struct buddy_allocator *buddy)
{
    for (uint32_t cpu = 0; cpu < buddy->cpu_count; cpu++) {
        struct buddy_cpu_cache *const cache = &buddy->caches[cpu];
        struct buddy_block *blocks = cache->blocks;
        /* What is above a stack's top is never read. */
        memset(cache, 0, offsetof(struct buddy_cpu_cache, blocks));
        for (unsigned order = 0; order < BUDDY_CACHED_ORDERS; order++) {
            cache->stacks[order].blocks = blocks;
            blocks += largest_caps[order];
        }
    }
}

/* ---- take ------------------------------------------------------------------------------------ */

/* Blocks that a stack may hold. What caches hold is missing where blocks merge, so the scarcer
 * memory is the less of it they may keep: the whole share where all is free, half of it where half
 * is. */
static unsigned current_cap(const struct buddy_allocator *buddy, unsigned order)
{
    const uint64_t total_frames = count_read(&buddy->total_frames);
    /* A zone that another CPU carves meanwhile may be seen twice. */
    const uint64_t free_frames = bits_min(buddy_core_free_frames(buddy), total_frames);
    const uint64_t share =
        free_frames >> order >> (FREE_SHARE_SHIFT + bits_log2_ceil(buddy->cpu_count));
    if (order >= BUDDY_CACHED_ORDERS || share == 0 || buddy_is_poisoning(buddy)) {
        return 0;
    }
    const unsigned scarcity = bits_log2_floor(total_frames) - bits_log2_floor(free_frames);
    const uint64_t small = order < ZONE_ORDER_BASE ? SMALL_STACK_LEAF : SMALL_STACK_ZONE;
    const uint64_t cap = bits_max(share >> scarcity, bits_min(share, small));
    return (unsigned)bits_min(cap, largest_caps[order]);
}

static void set_cap(struct buddy_stack *stack, unsigned cap)
{
    atomic_store_explicit(&stack->cap, (uint16_t)cap, memory_order_relaxed); /* <= 512 */
}

/* Fills an empty stack. @return blocks */
static unsigned refill(struct buddy_allocator *buddy, struct buddy_stack *stack, unsigned order)
{
    const unsigned cap = current_cap(buddy, order);
    const unsigned want = (unsigned)bits_min((cap + 1U) / 2U, REFILL_MAX);
    set_cap(stack, cap);
    return want == 0 ? 0 : buddy_core_take(buddy, order, want, stack->blocks);
}

/* From this CPU's stack, refilled where it is empty. */
static bool take_cached(struct buddy_allocator *buddy, unsigned order, struct buddy_block *block)
{
    struct buddy_cpu_cache *const cache = cache_enter(buddy);
    if (cache == NULL) {
        return false;
    }
    struct buddy_stack *const stack = &cache->stacks[order];
    unsigned count = stack_count(stack);
    if (count == 0) {
        count = refill(buddy, stack, order);
    }
    if (count != 0) {
        *block = stack->blocks[count - 1U];
        stack_set_count(stack, count - 1U);
        stack_counter_increment(&stack->allocations);
    }
    cache_leave(cache);
    return count != 0;
}

static bool take_from_core(struct buddy_allocator *buddy, unsigned order, struct buddy_block *block)
{
    if (buddy_core_take(buddy, order, 1, block) == 0) {
        return false;
    }
    atomic_fetch_add_explicit(&buddy->allocations[order], 1, memory_order_relaxed);
    return true;
}

bool buddy_cache_take(struct buddy_allocator *buddy, unsigned order, struct buddy_block *block)
{
    if (take_cached(buddy, order, block) || take_from_core(buddy, order, block)) {
        return true;
    }
    buddy_cache_drain_all(buddy);
    return take_from_core(buddy, order, block);
}

/* ---- give ------------------------------------------------------------------------------------ */

/* Sends the oldest blocks of a full stack to the core, so that it is half full. */
static void make_room(struct buddy_allocator *buddy, struct buddy_stack *stack, unsigned order)
{
    const unsigned cap = current_cap(buddy, order);
    const unsigned count = stack_count(stack);
    set_cap(stack, cap);
    if (count < cap || count == 0) {
        return;
    }
    const unsigned staying = cap / 2U;
    stack_set_count(stack, staying);
    buddy_core_give(buddy, order, count - staying, stack->blocks);
    memmove(stack->blocks, stack->blocks + (count - staying), staying * sizeof(struct buddy_block));
}

static bool give_cached(struct buddy_allocator *buddy, unsigned order, struct buddy_block block)
{
    struct buddy_cpu_cache *const cache = cache_enter(buddy);
    if (cache == NULL) {
        return false;
    }
    struct buddy_stack *const stack = &cache->stacks[order];
    make_room(buddy, stack, order);
    const unsigned count = stack_count(stack);
    const bool has_room = count < stack_cap(stack);
    if (has_room) {
        stack->blocks[count] = block;
        stack_set_count(stack, count + 1U);
        stack_counter_increment(&stack->frees);
    }
    cache_leave(cache);
    return has_room;
}

void buddy_cache_give(struct buddy_allocator *buddy, unsigned order, struct buddy_block block)
{
    if (!give_cached(buddy, order, block)) {
        buddy_core_give(buddy, order, 1, &block);
        atomic_fetch_add_explicit(&buddy->frees[order], 1, memory_order_relaxed);
    }
}

/* ---- all caches ------------------------------------------------------------------------------ */

uint64_t buddy_cache_frames_of(const struct buddy_allocator *buddy, uint32_t cpu)
{
    uint64_t frames = 0;
    for (unsigned order = 0; order < BUDDY_CACHED_ORDERS; order++) {
        frames += (uint64_t)stack_count(&buddy->caches[cpu].stacks[order]) << order;
    }
    return frames;
}

uint64_t buddy_cache_frames(const struct buddy_allocator *buddy)
{
    uint64_t frames = 0;
    for (uint32_t cpu = 0; cpu < buddy->cpu_count; cpu++) {
        frames += buddy_cache_frames_of(buddy, cpu);
    }
    return frames;
}

/* This CPU is in the cache, or has claimed it and its owner is out. */
static void empty_cache(struct buddy_allocator *buddy, struct buddy_cpu_cache *cache)
{
    for (unsigned order = 0; order < BUDDY_CACHED_ORDERS; order++) {
        struct buddy_stack *const stack = &cache->stacks[order];
        const unsigned count = stack_count(stack);
        set_cap(stack, 0); /* until the next call finds out what there may be */
        if (count > 0) {
            stack_set_count(stack, 0);
            buddy_core_give(buddy, order, count, stack->blocks);
        }
    }
}

static void empty_own_cache(struct buddy_allocator *buddy)
{
    struct buddy_cpu_cache *const cache = cache_enter(buddy);
    if (cache != NULL) {
        empty_cache(buddy, cache);
        cache_leave(cache);
    }
}

/* The thief's part of the protocol in buddy_cache.h. */
static void empty_all_caches(struct buddy_allocator *buddy)
{
    for (uint32_t cpu = 0; cpu < buddy->cpu_count; cpu++) {
        atomic_store_explicit(&buddy->caches[cpu].is_claimed, true, memory_order_relaxed);
    }
    arch_barrier_all_cpus();
    for (uint32_t cpu = 0; cpu < buddy->cpu_count; cpu++) {
        struct buddy_cpu_cache *const cache = &buddy->caches[cpu];
        /* Acquire: what the owner did before it left is seen. */
        while (atomic_load_explicit(&cache->is_busy, memory_order_acquire)) {
            arch_cpu_relax();
        }
        empty_cache(buddy, cache);
        atomic_store_explicit(&cache->is_claimed, false, memory_order_release);
    }
}

void buddy_cache_drain_all(struct buddy_allocator *buddy)
{
    spinlock_lock(&buddy->drain_lock);
    empty_own_cache(buddy);
    if (buddy_cache_frames(buddy) != 0) {
        empty_all_caches(buddy);
    }
    spinlock_unlock(&buddy->drain_lock);
}

void buddy_cache_for_each(const struct buddy_allocator *buddy,
                          void (*visit)(void *context, const struct buddy_block *block,
                                        unsigned order),
                          void *context)
{
    for (unsigned i = 0; i < buddy->cpu_count * BUDDY_CACHED_ORDERS; i++) {
        const unsigned order = i % BUDDY_CACHED_ORDERS;
        const struct buddy_stack *const stack =
            &buddy->caches[i / BUDDY_CACHED_ORDERS].stacks[order];
        for (unsigned slot = 0; slot < stack_count(stack); slot++) {
            visit(context, &stack->blocks[slot], order);
        }
    }
}
