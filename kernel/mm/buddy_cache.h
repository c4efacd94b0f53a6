/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Per-CPU caches of the buddy allocator: for each of the orders 0..10 a stack of free blocks that
 * its CPU uses without a lock and without an atomic read-modify-write. Stacks are refilled and
 * emptied in batches under the core's lock. Internal to the buddy_*.c files; the fast paths are
 * inline here, the rest is in buddy_cache.c.
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
#ifndef MM_BUDDY_CACHE_H
#define MM_BUDDY_CACHE_H

#include <stddef.h>

#include <arch/cpu.h>

#include "lib/compiler.h"
#include "mm/buddy_allocator.h"

struct buddy_stack_place {
    uint16_t first_slot;
    uint16_t cap; /* blocks at most */
};

extern const struct buddy_stack_place buddy_stack_places[BUDDY_CACHED_ORDERS];

static inline unsigned cache_count(const struct buddy_cpu_cache *cache, unsigned order)
{
    return atomic_load_explicit(&cache->count[order], memory_order_relaxed);
}

static inline void cache_set_count(struct buddy_cpu_cache *cache, unsigned order, unsigned count)
{
    atomic_store_explicit(&cache->count[order], (uint16_t)count, memory_order_relaxed);
}

static inline unsigned cache_cap(const struct buddy_allocator *buddy, unsigned order)
{
    return atomic_load_explicit(&buddy->cache_cap[order], memory_order_relaxed);
}

static inline uint64_t *cache_stack(struct buddy_cpu_cache *cache, unsigned order)
{
    return &cache->slots[buddy_stack_places[order].first_slot];
}

static inline void counter_increment(_Atomic uint64_t *counter)
{
    const uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + 1U, memory_order_relaxed);
}

static inline void cache_leave(struct buddy_cpu_cache *cache)
{
    atomic_store_explicit(&cache->is_busy, false, memory_order_release);
}

/** This CPU's cache, for use until cache_leave(); NULL where it has none or a thief claimed it. */
static inline struct buddy_cpu_cache *cache_enter(struct buddy_allocator *buddy)
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
        cache_leave(cache);
        return NULL;
    }
    return cache;
}

/** buddy_cache_take() where this CPU's stack cannot serve: refill, core, everybody's caches. */
uint64_t buddy_cache_take_slowly(struct buddy_allocator *buddy, unsigned order);

/** buddy_cache_give() where this CPU's stack is full or does not exist. */
void buddy_cache_give_slowly(struct buddy_allocator *buddy, uint64_t frame, unsigned order);

/** A block from this CPU's cache, else the core, else from what all caches hold; counted.
 *  Interrupts are off, no lock is held. @return its first frame, or BUDDY_NO_FRAME. */
static inline uint64_t buddy_cache_take(struct buddy_allocator *buddy, unsigned order)
{
    struct buddy_cpu_cache *const cache =
        LIKELY(order < BUDDY_CACHED_ORDERS) ? cache_enter(buddy) : NULL;
    if (LIKELY(cache != NULL)) {
        const unsigned count = cache_count(cache, order);
        if (LIKELY(count != 0)) {
            const uint64_t frame = cache_stack(cache, order)[count - 1U];
            cache_set_count(cache, order, count - 1U);
            counter_increment(&cache->counters.allocations[order]);
            cache_leave(cache);
            return frame;
        }
        cache_leave(cache);
    }
    return buddy_cache_take_slowly(buddy, order);
}

/** A block, whose owner byte is 0 again, into this CPU's cache, else the core; counted.
 *  Interrupts are off, no lock is held. */
static inline void buddy_cache_give(struct buddy_allocator *buddy, uint64_t frame, unsigned order)
{
    struct buddy_cpu_cache *const cache =
        LIKELY(order < BUDDY_CACHED_ORDERS) ? cache_enter(buddy) : NULL;
    if (LIKELY(cache != NULL)) {
        const unsigned count = cache_count(cache, order);
        if (LIKELY(count < cache_cap(buddy, order))) {
            cache_stack(cache, order)[count] = frame;
            cache_set_count(cache, order, count + 1U);
            counter_increment(&cache->counters.frees[order]);
            cache_leave(cache);
            return;
        }
        cache_leave(cache);
    }
    buddy_cache_give_slowly(buddy, frame, order);
}

/** Empties all caches into the core. Interrupts are off, no lock is held. */
void buddy_cache_drain_all(struct buddy_allocator *buddy);

/** Fits the caches' caps to the amount of RAM. The core's lock is held. */
void buddy_cache_scale(struct buddy_allocator *buddy);

/** Frames in all caches. */
uint64_t buddy_cache_frames(const struct buddy_allocator *buddy);

/** Calls @p visit for every cached block. */
void buddy_cache_for_each(const struct buddy_allocator *buddy,
                          void (*visit)(void *context, uint64_t frame, unsigned order),
                          void *context);

#endif
