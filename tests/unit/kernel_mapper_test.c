/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The lock on the kernel's tables (S85): one owner CPU at a time, nested locks read only, sizes
 * rounded up. Other CPUs are threads with a number of their own.
 */
#include "mm/kernel_mapper.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <arch/cpu.h>
#include <pthread.h>

#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_frames.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/table_print.h"
#include "tests/ktest.h"

static const struct paging_features features = { .nx = true, .phys_bits = 40 };
static struct fake_frames frames;
static phys_addr_t root;

static void set_up(struct ktest *t)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_log_reset();
    fake_frames_init(&frames, SIZE_1M, 64);
    struct page_mapper mapper;
    KTEST_STATUS(t, page_mapper_create(&mapper, &frames.allocator, &features), K_OK);
    KTEST_STATUS(t, page_mapper_make_second_level(&mapper, virt_addr(PHYS_OFFSET), SIZE_4K), K_OK);
    root = mapper.root;
    kernel_mapper_reset();
    kernel_mapper_init(root, &frames.allocator, &features);
}

static const struct page_mapping one_byte = {
    .virt = { PHYS_OFFSET + SIZE_4K },
    .phys = { SIZE_4K },
    .size_bytes = SIZE_4K + 1,
};

static void init_again(void *context)
{
    (void)context;
    kernel_mapper_init(root, &frames.allocator, &features);
}

static void kernel_mapper_init_twice_panics(struct ktest *t)
{
    set_up(t);
    KTEST_TRUE(t, fake_panic_catch(init_again, NULL) != NULL);
}

static void lock_once(void *context)
{
    kernel_mapper_lock(context);
}

static void kernel_mapper_lock_before_init_panics(struct ktest *t)
{
    struct kernel_mapper_guard guard;
    kernel_mapper_reset();
    KTEST_TRUE(t, fake_panic_catch(lock_once, &guard) != NULL);
}

static void kernel_mapper_lock_gives_the_mapper(struct ktest *t)
{
    set_up(t);
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    KTEST_EQ(t, kernel_mapper_as_ref(&guard)->root.value, root.value);
    KTEST_TRUE(t, kernel_mapper_as_mut(&guard) != NULL);
    kernel_mapper_unlock(&guard);
    kernel_mapper_lock(&guard);
    KTEST_FALSE(t, guard.read_only);
    kernel_mapper_unlock(&guard);
}

static void kernel_mapper_nested_lock_only_reads(struct ktest *t)
{
    set_up(t);
    struct kernel_mapper_guard outer;
    struct kernel_mapper_guard inner;
    kernel_mapper_lock(&outer);
    kernel_mapper_lock(&inner);
    KTEST_TRUE(t, kernel_mapper_as_mut(&inner) == NULL);
    KTEST_EQ(t, kernel_mapper_as_ref(&inner)->root.value, root.value);
    const struct table_print before = table_print(root);
    KTEST_STATUS(t, kernel_mapper_map_phys_with_size(&inner, &one_byte, true), K_EAGAIN);
    KTEST_TRUE(t, table_print_equal(before, table_print(root)));
    kernel_mapper_unlock(&inner);
    KTEST_TRUE(t, kernel_mapper_as_mut(&outer) != NULL);
    KTEST_STATUS(t, kernel_mapper_map_phys_with_size(&outer, &one_byte, true), K_OK);
    kernel_mapper_unlock(&outer);
}

static void unlock_guard(void *context)
{
    kernel_mapper_unlock(context);
}

static void kernel_mapper_unlock_out_of_order_panics(struct ktest *t)
{
    set_up(t);
    struct kernel_mapper_guard outer;
    struct kernel_mapper_guard inner;
    kernel_mapper_lock(&outer);
    kernel_mapper_lock(&inner);
    KTEST_TRUE(t, fake_panic_catch(unlock_guard, &outer) != NULL);
    kernel_mapper_reset();
}

static void kernel_mapper_unlock_on_another_cpu_panics(struct ktest *t)
{
    set_up(t);
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    fake_cpu_set_number(1);
    KTEST_TRUE(t, fake_panic_catch(unlock_guard, &guard) != NULL);
    fake_cpu_set_number(0);
    kernel_mapper_reset();
}

static void kernel_mapper_map_rounds_the_size_up(struct ktest *t)
{
    set_up(t);
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    KTEST_STATUS(t, kernel_mapper_map_phys_with_size(&guard, &one_byte, true), K_OK);
    KTEST_EQ(t, fake_cpu.invlpg_count, 2);
    struct page_mapping endless = one_byte;
    endless.size_bytes = UINT64_MAX;
    KTEST_STATUS(t, kernel_mapper_map_phys_with_size(&guard, &endless, true), K_EINVAL);
    kernel_mapper_unlock(&guard);
    KTEST_EQ(t, table_print(root).leaves, 2);
}

static void kernel_mapper_map_without_flush_leaves_the_tlb_alone(struct ktest *t)
{
    set_up(t);
    const uint64_t pending = page_flush_outstanding();
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    KTEST_STATUS(t, kernel_mapper_map_phys_with_size(&guard, &one_byte, false), K_OK);
    kernel_mapper_unlock(&guard);
    KTEST_EQ(t, fake_cpu.invlpg_count, 0);
    KTEST_EQ(t, page_flush_outstanding(), pending);
}

static void kernel_mapper_top_level_is_fixed(struct ktest *t)
{
    set_up(t);
    struct page_mapping far_off = one_byte;
    far_off.virt = virt_addr(PHYS_OFFSET + SIZE_1T);
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    KTEST_STATUS(t, kernel_mapper_map_phys_with_size(&guard, &far_off, true), K_EFAULT);
    kernel_mapper_unlock(&guard);
}

/* Each thread adds to a plain counter under the lock; a lost update shows two owners at once. */
#define THREADS 3U
#define ROUNDS  10000U

static uint64_t plain_counter;
static _Atomic uint32_t wrongly_nested;
static _Atomic uint32_t started;

static void *count_under_lock(void *context)
{
    const uint32_t *const number = context;
    fake_cpu_set_number(*number);
    (void)atomic_fetch_add(&started, 1);
    while (atomic_load(&started) < THREADS) {
        arch_cpu_relax();
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct kernel_mapper_guard outer;
        struct kernel_mapper_guard inner;
        kernel_mapper_lock(&outer);
        kernel_mapper_lock(&inner);
        if (outer.read_only || !inner.read_only) {
            (void)atomic_fetch_add(&wrongly_nested, 1);
        }
        plain_counter++;
        kernel_mapper_unlock(&inner);
        kernel_mapper_unlock(&outer);
    }
    return NULL;
}

static void kernel_mapper_lock_has_one_owner_at_a_time(struct ktest *t)
{
    static const uint32_t numbers[THREADS] = { 0, 1, 2 };
    set_up(t);
    plain_counter = 0;
    atomic_store(&started, 0);
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        void *const number = (void *)(uintptr_t)&numbers[i];
        KTEST_EQ(t, pthread_create(&threads[i], NULL, count_under_lock, number), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    KTEST_EQ(t, plain_counter, THREADS * ROUNDS);
    KTEST_EQ(t, atomic_load(&wrongly_nested), 0);
}

/* CPU 1 asks for the lock while CPU 0 has it. */
static _Atomic bool waiting;
static _Atomic bool inside;

static void *lock_on_cpu_1(void *context)
{
    struct kernel_mapper_guard *const guard = context;
    fake_cpu_set_number(1);
    atomic_store(&waiting, true);
    kernel_mapper_lock(guard);
    atomic_store(&inside, true);
    (void)kernel_mapper_as_mut(guard); /* panics where it is not held */
    return NULL;
}

static void kernel_mapper_lock_on_another_cpu_waits_and_may_write(struct ktest *t)
{
    set_up(t);
    atomic_store(&waiting, false);
    atomic_store(&inside, false);
    struct kernel_mapper_guard mine;
    struct kernel_mapper_guard other = { 0 };
    kernel_mapper_lock(&mine);
    pthread_t thread;
    KTEST_EQ(t, pthread_create(&thread, NULL, lock_on_cpu_1, &other), 0);
    for (unsigned i = 0; i < 1000 || !atomic_load(&waiting); i++) {
        arch_cpu_relax();
    }
    KTEST_FALSE(t, atomic_load(&inside));
    kernel_mapper_unlock(&mine);
    (void)pthread_join(thread, NULL);
    KTEST_TRUE(t, atomic_load(&inside));
    KTEST_FALSE(t, other.read_only);
    kernel_mapper_reset();
}

static const struct ktest_case cases[] = {
    KTEST_CASE(kernel_mapper_init_twice_panics),
    KTEST_CASE(kernel_mapper_lock_before_init_panics),
    KTEST_CASE(kernel_mapper_lock_gives_the_mapper),
    KTEST_CASE(kernel_mapper_nested_lock_only_reads),
    KTEST_CASE(kernel_mapper_unlock_out_of_order_panics),
    KTEST_CASE(kernel_mapper_unlock_on_another_cpu_panics),
    KTEST_CASE(kernel_mapper_map_rounds_the_size_up),
    KTEST_CASE(kernel_mapper_map_without_flush_leaves_the_tlb_alone),
    KTEST_CASE(kernel_mapper_top_level_is_fixed),
    KTEST_CASE(kernel_mapper_lock_has_one_owner_at_a_time),
    KTEST_CASE(kernel_mapper_lock_on_another_cpu_waits_and_may_write),
};
KTEST_SUITE(mm_kernel_mapper, "mm.kernel_mapper", cases);
