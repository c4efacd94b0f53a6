/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The spin lock: one holder at a time, and interrupts as they were (S70).
 */
#include "spinlock.h"

#include <pthread.h>

#include "tests/fake/fake_cpu.h"
#include "tests/ktest.h"

#define THREADS 4U
#define ROUNDS  20000U

static void spinlock_try_lock_tells_whether_it_is_held(struct ktest *t)
{
    struct spinlock lock = { .held = false };
    KTEST_TRUE(t, spinlock_try_lock(&lock));
    KTEST_FALSE(t, spinlock_try_lock(&lock));
    spinlock_unlock(&lock);
    spinlock_lock(&lock);
    KTEST_FALSE(t, spinlock_try_lock(&lock));
    spinlock_unlock(&lock);
    KTEST_TRUE(t, spinlock_try_lock(&lock));
}

static void spinlock_irqsave_masks_while_held(struct ktest *t)
{
    struct spinlock outer = { .held = false };
    struct spinlock inner = { .held = false };
    fake_cpu_reset();
    const uint64_t outer_token = spinlock_lock_irqsave(&outer);
    KTEST_EQ(t, fake_cpu_irq_depth(), 1);
    const uint64_t inner_token = spinlock_lock_irqsave(&inner);
    KTEST_EQ(t, fake_cpu_irq_depth(), 2);
    spinlock_unlock_irqrestore(&inner, inner_token);
    KTEST_EQ(t, fake_cpu_irq_depth(), 1); /* still masked by the outer one */
    spinlock_unlock_irqrestore(&outer, outer_token);
    KTEST_EQ(t, fake_cpu_irq_depth(), 0);
    KTEST_TRUE(t, spinlock_try_lock(&outer));
}

static struct spinlock shared_lock;
static uint64_t shared_count; /* under shared_lock; plain, so that two holders would lose steps */

static void *count_up(void *context)
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        const uint64_t token = spinlock_lock_irqsave(&shared_lock);
        shared_count++;
        spinlock_unlock_irqrestore(&shared_lock, token);
    }
    return context;
}

static void spinlock_has_one_holder_at_a_time(struct ktest *t)
{
    pthread_t threads[THREADS];
    shared_count = 0;
    uint32_t started = 0;
    while (started < THREADS && pthread_create(&threads[started], NULL, count_up, NULL) == 0) {
        started++;
    }
    for (uint32_t i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL); /* nothing can be wrong with a thread that started */
    }
    KTEST_EQ(t, started, THREADS);
    KTEST_EQ(t, shared_count, (uint64_t)THREADS * ROUNDS);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(spinlock_try_lock_tells_whether_it_is_held),
    KTEST_CASE(spinlock_irqsave_masks_while_held),
    KTEST_CASE(spinlock_has_one_holder_at_a_time),
};
KTEST_SUITE(kernel_spinlock, "kernel.spinlock", cases);
