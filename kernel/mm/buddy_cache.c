/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See buddy_cache.h: refilling, emptying and sizing the per-CPU caches.
 */
#include "mm/buddy_cache.h"

#include <arch/cpu_barrier.h>

#include "lib/string.h"
#include "mm/buddy_core.h"

const struct buddy_stack_place buddy_stack_places[BUDDY_CACHED_ORDERS] = {
    { 0, 512 },  { 512, 128 }, { 640, 64 }, { 704, 64 }, { 768, 32 }, { 800, 32 },
    { 832, 16 }, { 848, 16 },  { 864, 16 }, { 880, 32 }, { 912, 16 },
};

#define REFILL_MAX       64U
#define RAM_SHARE_SHIFT  7U /* a stack holds at most 1/128 of the RAM */
#define SMALLEST_USE_CAP 2U

/* ---- take ------------------------------------------------------------------------------------ */

static unsigned refill_count(unsigned cap)
{
    return (unsigned)bits_min((cap + 3U) / 4U, REFILL_MAX);
}

/* Fills the empty stack so that the lowest block is on top: allocations then go upwards. */
static unsigned refill(struct buddy_allocator *buddy, uint64_t *stack, unsigned order, unsigned cap)
{
    spinlock_lock(&buddy->lock);
    const unsigned count = buddy_core_take_many(buddy, order, refill_count(cap), stack);
    spinlock_unlock(&buddy->lock);
    for (unsigned low = 0, high = count; low + 1U < high; low++) {
        high--;
        const uint64_t frame = stack[low];
        stack[low] = stack[high];
        stack[high] = frame;
    }
    return count;
}

/* From this CPU's stack, refilled where it is empty. */
static uint64_t take_cached(struct buddy_allocator *buddy, unsigned order)
{
    const unsigned cap = order < BUDDY_CACHED_ORDERS ? cache_cap(buddy, order) : 0;
    struct buddy_cpu_cache *const cache = cap != 0 ? cache_enter(buddy) : NULL;
    if (cache == NULL) {
        return BUDDY_NO_FRAME;
    }
    uint64_t *const stack = cache_stack(cache, order);
    unsigned count = cache_count(cache, order);
    if (count == 0) {
        count = refill(buddy, stack, order, cap);
    }
    uint64_t frame = BUDDY_NO_FRAME;
    if (count != 0) {
        frame = stack[count - 1U];
        cache_set_count(cache, order, count - 1U);
        counter_increment(&cache->counters.allocations[order]);
    }
    cache_leave(cache);
    return frame;
}

static uint64_t take_from_core(struct buddy_allocator *buddy, unsigned order)
{
    spinlock_lock(&buddy->lock);
    const uint64_t frame = buddy_core_take(buddy, order);
    if (frame != BUDDY_NO_FRAME) {
        counter_increment(&buddy->counters.allocations[order]);
    }
    spinlock_unlock(&buddy->lock);
    return frame;
}

uint64_t buddy_cache_take_slowly(struct buddy_allocator *buddy, unsigned order)
{
    uint64_t frame = take_cached(buddy, order);
    if (frame == BUDDY_NO_FRAME) {
        frame = take_from_core(buddy, order);
    }
    if (frame == BUDDY_NO_FRAME) {
        buddy_cache_drain_all(buddy);
        frame = take_from_core(buddy, order);
    }
    return frame;
}

/* ---- give ------------------------------------------------------------------------------------ */

static void give_to_core(struct buddy_allocator *buddy, unsigned order, unsigned count,
                         const uint64_t *frames)
{
    spinlock_lock(&buddy->lock);
    buddy_core_give_many(buddy, order, count, frames);
    spinlock_unlock(&buddy->lock);
}

/* Sends the older half of a full stack to the core, to make room for one more block. */
static bool give_cached(struct buddy_allocator *buddy, uint64_t frame, unsigned order)
{
    const unsigned cap = order < BUDDY_CACHED_ORDERS ? cache_cap(buddy, order) : 0;
    struct buddy_cpu_cache *const cache = cap != 0 ? cache_enter(buddy) : NULL;
    if (cache == NULL) {
        return false;
    }
    uint64_t *const stack = cache_stack(cache, order);
    unsigned count = cache_count(cache, order);
    if (count >= cap) {
        const unsigned going = (count + 1U) / 2U;
        give_to_core(buddy, order, going, stack);
        count -= going;
        memmove(stack, stack + going, count * sizeof(*stack));
    }
    stack[count] = frame;
    cache_set_count(cache, order, count + 1U);
    counter_increment(&cache->counters.frees[order]);
    cache_leave(cache);
    return true;
}

void buddy_cache_give_slowly(struct buddy_allocator *buddy, uint64_t frame, unsigned order)
{
    if (give_cached(buddy, frame, order)) {
        return;
    }
    spinlock_lock(&buddy->lock);
    buddy_core_give(buddy, frame, order);
    counter_increment(&buddy->counters.frees[order]);
    spinlock_unlock(&buddy->lock);
}

/* ---- all caches ------------------------------------------------------------------------------ */

/* The cache is claimed and its owner is out. */
static void empty_cache(struct buddy_allocator *buddy, struct buddy_cpu_cache *cache)
{
    for (unsigned order = 0; order < BUDDY_CACHED_ORDERS; order++) {
        const unsigned count = cache_count(cache, order);
        if (count > 0) {
            give_to_core(buddy, order, count, cache_stack(cache, order));
            cache_set_count(cache, order, 0);
        }
    }
}

void buddy_cache_drain_all(struct buddy_allocator *buddy)
{
    spinlock_lock(&buddy->drain_lock);
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
    spinlock_unlock(&buddy->drain_lock);
}

void buddy_cache_scale(struct buddy_allocator *buddy)
{
    const uint64_t ram_frames = buddy->total_frames + buddy->metadata_frames;
    for (unsigned order = 0; order < BUDDY_CACHED_ORDERS; order++) {
        const uint64_t share = ram_frames >> RAM_SHARE_SHIFT >> order;
        const uint64_t cap = bits_min(share, buddy_stack_places[order].cap);
        atomic_store_explicit(&buddy->cache_cap[order],
                              (uint16_t)(cap < SMALLEST_USE_CAP ? 0 : cap), /* <= 512 */
                              memory_order_relaxed);
    }
}

uint64_t buddy_cache_frames(const struct buddy_allocator *buddy)
{
    uint64_t frames = 0;
    for (uint32_t cpu = 0; cpu < buddy->cpu_count; cpu++) {
        for (unsigned order = 0; order < BUDDY_CACHED_ORDERS; order++) {
            frames += (uint64_t)cache_count(&buddy->caches[cpu], order) << order;
        }
    }
    return frames;
}

void buddy_cache_for_each(const struct buddy_allocator *buddy,
                          void (*visit)(void *context, uint64_t frame, unsigned order),
                          void *context)
{
    for (unsigned i = 0; i < buddy->cpu_count * BUDDY_CACHED_ORDERS; i++) {
        const struct buddy_cpu_cache *const cache = &buddy->caches[i / BUDDY_CACHED_ORDERS];
        const unsigned order = i % BUDDY_CACHED_ORDERS;
        const uint64_t *const stack = &cache->slots[buddy_stack_places[order].first_slot];
        for (unsigned slot = 0; slot < cache_count(cache, order); slot++) {
            visit(context, stack[slot], order);
        }
    }
}
