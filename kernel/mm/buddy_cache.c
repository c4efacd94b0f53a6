/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Per-CPU caches of the buddy allocator: for each of the orders 0..10 a stack of free blocks that
 * its CPU uses without a lock and without an atomic read-modify-write. Stacks are refilled and
 * emptied in batches under the core's lock.
 *
 *     slots:  | order 0: oldest ... newest, room | order 1 ... | ... | order 10 |
 *                            pop and push here ^
 *
 * When memory runs short another CPU must be able to empty a cache, whose owner may be idle. The
 * protocol has two flags, and all its cost is on the rare side:
 *
 *     owner (interrupts off)                 thief (holds drain_lock)
 *       is_busy = true                         is_claimed = true
 *       if is_claimed: is_busy = false,        barrier on all CPUs
 *                      go to the core          wait until not is_busy
 *       use the stacks                         take the blocks
 *       is_busy = false                        is_claimed = false
 *
 * The owner's store and load may pass each other in the CPU, so both sides could see the other's
 * flag clear; the barrier that the thief forces on every CPU rules that out: behind it, either the
 * owner's store is seen here, or the owner's load comes after and sees is_claimed.
 * A thief never waits while it is busy in its own cache or holds the core's lock, so there is no
 * cycle of waits.
 *
 * Interrupts are off in everything here, so a handler that allocates never meets its own CPU
 * half-way through a stack.
 */
#include <arch/cpu.h>
#include <arch/cpu_barrier.h>

#include "lib/string.h"
#include "mm/buddy_core.h"

struct stack_place {
    uint16_t first_slot;
    uint16_t cap; /* at most */
};

static const struct stack_place places[BUDDY_CACHED_ORDERS] = {
    { 0, 512 },  { 512, 128 }, { 640, 64 }, { 704, 64 }, { 768, 32 }, { 800, 32 },
    { 832, 16 }, { 848, 16 },  { 864, 16 }, { 880, 32 }, { 912, 16 },
};

#define REFILL_MAX       64U
#define RAM_SHARE_SHIFT  7U /* a stack holds at most 1/128 of the RAM */
#define SMALLEST_USE_CAP 2U

static unsigned count_get(const struct buddy_cpu_cache *cache, unsigned order)
{
    return atomic_load_explicit(&cache->count[order], memory_order_relaxed);
}

static void count_set(struct buddy_cpu_cache *cache, unsigned order, unsigned count)
{
    atomic_store_explicit(&cache->count[order], (uint16_t)count, memory_order_relaxed);
}

static unsigned cap_get(const struct buddy_allocator *buddy, unsigned order)
{
    return atomic_load_explicit(&buddy->cache_cap[order], memory_order_relaxed);
}

static void counter_increment(_Atomic uint64_t *counter)
{
    const uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + 1U, memory_order_relaxed);
}

/* This CPU's cache, for use until cache_leave(); NULL where it has none or a thief claimed it. */
static struct buddy_cpu_cache *cache_enter(struct buddy_allocator *buddy)
{
    const uint32_t cpu = arch_cpu_number();
    if (UNLIKELY(cpu >= buddy->cpu_count)) {
        return NULL;
    }
    struct buddy_cpu_cache *const cache = &buddy->caches[cpu];
    atomic_store_explicit(&cache->is_busy, true, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* the thief's barrier does the CPU's part */
    /* Acquire: pairs with the thief's release of its claim, whose changes are seen then. */
    if (UNLIKELY(atomic_load_explicit(&cache->is_claimed, memory_order_acquire))) {
        atomic_store_explicit(&cache->is_busy, false, memory_order_release);
        return NULL;
    }
    return cache;
}

static void cache_leave(struct buddy_cpu_cache *cache)
{
    atomic_store_explicit(&cache->is_busy, false, memory_order_release);
}

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

static uint64_t pop(struct buddy_allocator *buddy, struct buddy_cpu_cache *cache, unsigned order)
{
    uint64_t *const stack = &cache->slots[places[order].first_slot];
    unsigned count = count_get(cache, order);
    if (UNLIKELY(count == 0)) {
        count = refill(buddy, stack, order, cap_get(buddy, order));
        if (count == 0) {
            return BUDDY_NO_FRAME;
        }
    }
    count_set(cache, order, count - 1U);
    counter_increment(&cache->counters.allocations[order]);
    return stack[count - 1U];
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

uint64_t buddy_cache_take(struct buddy_allocator *buddy, unsigned order)
{
    if (order < BUDDY_CACHED_ORDERS && cap_get(buddy, order) != 0) {
        struct buddy_cpu_cache *const cache = cache_enter(buddy);
        if (LIKELY(cache != NULL)) {
            const uint64_t frame = pop(buddy, cache, order);
            cache_leave(cache);
            if (LIKELY(frame != BUDDY_NO_FRAME)) {
                return frame;
            }
        }
    }
    uint64_t frame = take_from_core(buddy, order);
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

/* Sends the older half of a full stack to the core. @return blocks that are left */
static unsigned spill(struct buddy_allocator *buddy, uint64_t *stack, unsigned order,
                      unsigned count)
{
    const unsigned going = (count + 1U) / 2U;
    give_to_core(buddy, order, going, stack);
    memmove(stack, stack + going, (count - going) * sizeof(*stack));
    return count - going;
}

static void push(struct buddy_allocator *buddy, struct buddy_cpu_cache *cache, uint64_t frame,
                 unsigned order)
{
    uint64_t *const stack = &cache->slots[places[order].first_slot];
    unsigned count = count_get(cache, order);
    if (UNLIKELY(count >= cap_get(buddy, order))) {
        count = spill(buddy, stack, order, count);
    }
    stack[count] = frame;
    count_set(cache, order, count + 1U);
    counter_increment(&cache->counters.frees[order]);
}

void buddy_cache_give(struct buddy_allocator *buddy, uint64_t frame, unsigned order)
{
    if (order < BUDDY_CACHED_ORDERS && cap_get(buddy, order) != 0) {
        struct buddy_cpu_cache *const cache = cache_enter(buddy);
        if (LIKELY(cache != NULL)) {
            push(buddy, cache, frame, order);
            cache_leave(cache);
            return;
        }
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
        const unsigned count = count_get(cache, order);
        if (count > 0) {
            give_to_core(buddy, order, count, &cache->slots[places[order].first_slot]);
            count_set(cache, order, 0);
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
        const uint64_t cap = bits_min(share, places[order].cap);
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
            frames += (uint64_t)count_get(&buddy->caches[cpu], order) << order;
        }
    }
    return frames;
}

void buddy_cache_for_each(const struct buddy_allocator *buddy,
                          void (*visit)(void *context, uint64_t frame, unsigned order),
                          void *context)
{
    for (uint32_t cpu = 0; cpu < buddy->cpu_count; cpu++) {
        const struct buddy_cpu_cache *const cache = &buddy->caches[cpu];
        for (unsigned order = 0; order < BUDDY_CACHED_ORDERS; order++) {
            for (unsigned i = 0; i < count_get(cache, order); i++) {
                visit(context, cache->slots[places[order].first_slot + i], order);
            }
        }
    }
}
