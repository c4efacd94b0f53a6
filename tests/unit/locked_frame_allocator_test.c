/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The handle on the kernel's frame allocator (S39, S70, S71): before, at and after installation.
 */
#include "mm/locked_frame_allocator.h"

#include <string.h>

#include "mm/locked_frame_allocator_internal.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define RAM_BASE UINT64_C(0x1000000)
#define RAM_SIZE UINT64_C(0x800000)

static struct buddy_allocator buddy;
static struct buddy_cpu_cache caches[1];

static void start(bool installed)
{
    fake_cpu_reset();
    fake_ram_reset();
    fake_log_reset();
    fake_ram_add(RAM_BASE, 2 * RAM_SIZE);
    atomic_store(&locked_frame_allocator_state.inner, NULL);
    buddy_init(&buddy, caches, 1);
    if (installed) {
        set_inner_allocator(&buddy);
    }
}

static enum kstatus add_ram(void)
{
    return locked_frame_allocator_add_region(phys_addr(RAM_BASE),
                                             page_frame_count(RAM_SIZE / PAGE_SIZE));
}

static void locked_allocate_before_installation_fails(struct ktest *t)
{
    start(false);
    phys_addr_t base = phys_addr(5);
    KTEST_FALSE(t, locked_frame_allocator_is_installed());
    KTEST_TRUE(t, locked_frame_allocator_inner() == NULL);
    KTEST_STATUS(t, allocate_page_frames(page_frame_count(1), &base), K_ENOMEM);
    KTEST_STATUS(t, frame_allocator_allocate_one(locked_frame_allocator(), &base), K_ENOMEM);
    uint32_t taken = 7;
    KTEST_STATUS(t, frame_allocator_allocate_some(locked_frame_allocator(), 4, &base, &taken),
                 K_ENOMEM);
    KTEST_EQ(t, base.value, 5);
    KTEST_EQ(t, taken, 7);
}

static void call_usage(void *context)
{
    (void)context;
    (void)locked_frame_allocator_get_usage();
}

static void call_operation_usage(void *context)
{
    (void)context;
    (void)frame_allocator_usage(locked_frame_allocator());
}

static void call_deallocate(void *context)
{
    deallocate_page_frames(phys_addr(RAM_BASE), *(const page_frame_count_t *)context);
}

static void call_operation_free(void *context)
{
    (void)context;
    (void)frame_allocator_free_one(locked_frame_allocator(), phys_addr(RAM_BASE)); /* panics */
}

static void call_install(void *context)
{
    set_inner_allocator(context);
}

static void locked_use_before_installation_panics(struct ktest *t)
{
    start(false);
    page_frame_count_t one = { 1 };
    static const struct {
        void (*body)(void *context);
    } uses[] = {
        { call_usage }, { call_operation_usage }, { call_deallocate }, { call_operation_free }
    };
    for (size_t i = 0; i < ARRAY_COUNT(uses); i++) {
        const char *const message = fake_panic_catch(uses[i].body, &one);
        KTEST_TRUE(t, message != NULL && strstr(message, "usage error") != NULL);
    }
}

static void locked_second_installation_panics(struct ktest *t)
{
    start(true);
    KTEST_TRUE(t, locked_frame_allocator_inner() == &buddy);
    static struct buddy_allocator other;
    const char *const message = fake_panic_catch(call_install, &other);
    KTEST_TRUE(t, message != NULL);
    KTEST_STRING(t, message == NULL ? "" : message, "Cannot set inner allocator twice!");
    KTEST_TRUE(t, locked_frame_allocator_inner() == &buddy);
}

static void locked_serves_from_the_installed_buddy(struct ktest *t)
{
    start(true);
    KTEST_STATUS(t, add_ram(), K_OK);
    const struct page_frame_usage before = locked_frame_allocator_get_usage();
    phys_addr_t base;
    KTEST_STATUS(t, allocate_page_frames(page_frame_count(3), &base), K_EINVAL);
    KTEST_STATUS(t, allocate_page_frames(page_frame_count(16), &base), K_OK);
    KTEST_TRUE(t, bits_is_aligned(base.value, 16 * PAGE_SIZE));
    KTEST_EQ(t, locked_frame_allocator_get_usage().used.value, 16);
    deallocate_page_frames(base, page_frame_count(16));
    KTEST_STATUS(t, frame_allocator_allocate_one(locked_frame_allocator(), &base), K_OK);
    KTEST_STATUS(t, frame_allocator_free_one(locked_frame_allocator(), base), K_OK);
    phys_addr_t frames[4];
    uint32_t taken = 0;
    KTEST_STATUS(t, frame_allocator_allocate_some(locked_frame_allocator(), 4, frames, &taken),
                 K_OK);
    KTEST_EQ(t, taken, 4);
    KTEST_EQ(t, locked_frame_allocator_get_usage().used.value, 4);
    for (uint32_t i = 0; i < taken; i++) {
        deallocate_page_frames(frames[i], page_frame_count(1));
    }
    const struct page_frame_usage after = frame_allocator_usage(locked_frame_allocator());
    KTEST_EQ(t, after.free.value, before.free.value);
    KTEST_EQ(t, after.used.value + after.free.value, after.total.value);
    KTEST_EQ(t, fake_cpu_irq_depth(), 0);
}

static void locked_bad_deallocation_panics(struct ktest *t)
{
    start(true);
    KTEST_STATUS(t, add_ram(), K_OK);
    const uint64_t free_before = locked_frame_allocator_get_usage().free.value;
    page_frame_count_t count = { 1 };
    const char *message = fake_panic_catch(call_deallocate, &count);
    KTEST_TRUE(t, message != NULL && strstr(message, "bad free of 0x0000000001000000") != NULL);
    KTEST_TRUE(t, fake_log_contains("buddy: bad free of 0x0000000001000000, 1 frames"));
    count.value = 3;
    message = fake_panic_catch(call_deallocate, &count);
    KTEST_TRUE(t, message != NULL && strstr(message, "no power of two") != NULL);
    KTEST_EQ(t, locked_frame_allocator_get_usage().free.value, free_before);
}

static void locked_bad_free_by_the_handle_is_refused(struct ktest *t)
{
    start(true);
    KTEST_STATUS(t, add_ram(), K_OK);
    KTEST_STATUS(t,
                 frame_allocator_free_one(locked_frame_allocator(), phys_addr(RAM_BASE + RAM_SIZE)),
                 K_EFAULT);
    KTEST_TRUE(t, fake_log_contains("buddy: bad free of"));
}

static const struct ktest_case cases[] = {
    KTEST_CASE(locked_allocate_before_installation_fails),
    KTEST_CASE(locked_use_before_installation_panics),
    KTEST_CASE(locked_second_installation_panics),
    KTEST_CASE(locked_serves_from_the_installed_buddy),
    KTEST_CASE(locked_bad_deallocation_panics),
    KTEST_CASE(locked_bad_free_by_the_handle_is_refused),
};
KTEST_SUITE(mm_locked_frame_allocator, "mm.locked_frame_allocator", cases);
