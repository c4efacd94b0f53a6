/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A test-and-test-and-set spin lock. The irqsave pair masks interrupts on this CPU first, so that
 * a handler that wants the same lock cannot spin on its own CPU (S70). Static storage is unlocked.
 */
#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <arch/cpu.h>

struct spinlock {
    atomic_bool held;
};

static inline void spinlock_lock(struct spinlock *lock)
{
    /* Acquire pairs with the release in spinlock_unlock: what the last holder wrote is seen. */
    while (atomic_exchange_explicit(&lock->held, true, memory_order_acquire)) {
        while (atomic_load_explicit(&lock->held, memory_order_relaxed)) {
            arch_cpu_relax();
        }
    }
}

/** @return whether the lock was free and is now held by the caller. */
static inline bool spinlock_try_lock(struct spinlock *lock)
{
    return !atomic_exchange_explicit(&lock->held, true, memory_order_acquire);
}

static inline void spinlock_unlock(struct spinlock *lock)
{
    atomic_store_explicit(&lock->held, false, memory_order_release);
}

/** Masks interrupts, then locks. @return token for spinlock_unlock_irqrestore(). */
static inline uint64_t spinlock_lock_irqsave(struct spinlock *lock)
{
    const uint64_t token = arch_irq_save();
    spinlock_lock(lock);
    return token;
}

static inline void spinlock_unlock_irqrestore(struct spinlock *lock, uint64_t token)
{
    spinlock_unlock(lock);
    arch_irq_restore(token);
}

#endif
