/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Per-CPU caches of the buddy allocator: for each of the orders 0..10 a stack of free blocks that
 * its CPU uses without a lock and without an atomic read-modify-write. Stacks are refilled and
 * emptied in batches. Internal to the buddy_*.c files; the fast paths are inline here, the rest is
 * in buddy_cache.c.
 *
 *     blocks:  | order 0: oldest ... newest, room | order 1 ... | ... | order 10 |
 *                             pop and push here ^
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
 * A thief never waits while it is busy in its own cache or holds another lock, so there is no
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

static inline unsigned stack_count(const struct buddy_stack *stack)
{
    return atomic_load_explicit(&stack->count, memory_order_relaxed);
}

static inline void stack_set_count(struct buddy_stack *stack, unsigned count)
{
    atomic_store_explicit(&stack->count, (uint16_t)count, memory_order_relaxed);
}

static inline unsigned stack_cap(const struct buddy_stack *stack)
{
    return atomic_load_explicit(&stack->cap, memory_order_relaxed);
}

/** Counts a call. There is one writer at a time, who needs no atomic addition. */
static inline void stack_counter_increment(_Atomic uint64_t *counter)
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

/** The newest block of order <= BUDDY_MAX_ORDER in this CPU's cache; counted. Interrupts are off.
 *  @return false, nothing changed: there is none */
static inline bool buddy_cache_pop(struct buddy_allocator *buddy, unsigned order,
                                   struct buddy_block *block)
{
    struct buddy_cpu_cache *const cache = cache_enter(buddy);
    if (UNLIKELY(cache == NULL)) {
        return false;
    }
    struct buddy_stack *const stack = &cache->stacks[order];
    const unsigned count = stack_count(stack);
    if (LIKELY(count != 0)) {
        /* Member by member: a load as wide as the struct would wait for the two stores of the push
         * before it to leave the CPU. */
        block->frame = stack->blocks[count - 1U].frame;
        block->owner = stack->blocks[count - 1U].owner;
        stack_set_count(stack, count - 1U);
        stack_counter_increment(&stack->allocations);
    }
    cache_leave(cache);
    return count != 0;
}

/** A block of order <= BUDDY_MAX_ORDER, whose owner byte is 0 again, into this CPU's cache;
 *  counted. Interrupts are off. @return false, nothing changed: there is no room */
static inline bool buddy_cache_push(struct buddy_allocator *buddy, unsigned order,
                                    struct buddy_block block)
{
    struct buddy_cpu_cache *const cache = cache_enter(buddy);
    if (UNLIKELY(cache == NULL)) {
        return false;
    }
    struct buddy_stack *const stack = &cache->stacks[order];
    const unsigned count = stack_count(stack);
    const bool has_room = count < stack_cap(stack);
    if (LIKELY(has_room)) {
        stack->blocks[count].frame = block.frame;
        stack->blocks[count].owner = block.owner;
        stack_set_count(stack, count + 1U);
        stack_counter_increment(&stack->frees);
    }
    cache_leave(cache);
    return has_room;
}

/** buddy_cache_pop() with all means: the cache refilled, the core, what all caches hold. No lock is
 *  held. @return false: no memory */
bool buddy_cache_take(struct buddy_allocator *buddy, unsigned order, struct buddy_block *block);

/** buddy_cache_push() that makes room, or gives the block to the core. No lock is held. */
void buddy_cache_give(struct buddy_allocator *buddy, unsigned order, struct buddy_block block);

/** Makes all caches empty, with caps of 0. */
void buddy_cache_init(struct buddy_allocator *buddy);

/** Empties all caches into the core. Interrupts are off, no lock is held. */
void buddy_cache_drain_all(struct buddy_allocator *buddy);

/** Frames in the cache of CPU @p cpu, which is below cpu_count. */
uint64_t buddy_cache_frames_of(const struct buddy_allocator *buddy, uint32_t cpu);

/** Frames in all caches. */
uint64_t buddy_cache_frames(const struct buddy_allocator *buddy);

/** Calls @p visit for every cached block. */
void buddy_cache_for_each(const struct buddy_allocator *buddy,
                          void (*visit)(void *context, const struct buddy_block *block,
                                        unsigned order),
                          void *context);

#endif
