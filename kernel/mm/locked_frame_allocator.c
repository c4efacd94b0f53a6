/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See locked_frame_allocator.h. The buddy locks for itself, with interrupts off (S70), so this is
 * the pointer, the rules of before and after its installation, and the panic on a bad free.
 */
#include "mm/locked_frame_allocator.h"

#include <stddef.h>

#include "lib/format.h"
#include "mm/locked_frame_allocator_internal.h"
#include "panic.h"

struct buddy_allocator *locked_frame_allocator_inner(void)
{
    /* Acquire pairs with the release in set_inner_allocator(): the buddy is seen complete. */
    return atomic_load_explicit(&locked_frame_allocator_state.inner, memory_order_acquire);
}

bool locked_frame_allocator_is_installed(void)
{
    return locked_frame_allocator_inner() != NULL;
}

void set_inner_allocator(struct buddy_allocator *buddy)
{
    struct buddy_allocator *expected = NULL;
    if (!atomic_compare_exchange_strong_explicit(&locked_frame_allocator_state.inner, &expected,
                                                 buddy, memory_order_release,
                                                 memory_order_relaxed)) {
        panic("Cannot set inner allocator twice!");
    }
}

enum kstatus allocate_page_frames(page_frame_count_t count, phys_addr_t *base)
{
    struct buddy_allocator *const buddy = locked_frame_allocator_inner();
    return buddy == NULL ? K_ENOMEM : frame_allocator_allocate(&buddy->allocator, count, base);
}

static struct buddy_allocator *installed(const char *operation)
{
    struct buddy_allocator *const buddy = locked_frame_allocator_inner();
    if (buddy == NULL) {
        panic("%s: usage error: no frame allocator is installed yet", operation);
    }
    return buddy;
}

void deallocate_page_frames(phys_addr_t base, page_frame_count_t count)
{
    struct buddy_allocator *const buddy = installed("deallocate_page_frames");
    if (!bits_is_power_of_two(count.value)) {
        panic("deallocate_page_frames: %" FMTu64 " frames are no power of two", count.value);
    }
    if (frame_allocator_free(&buddy->allocator, base, count) != K_OK) {
        struct buddy_free_report report;
        buddy_describe_bad_free(buddy, base, count, &report);
        panic("deallocate_page_frames: bad free of " PRIphys ", %" FMTu64 " frames: %s", base.value,
              count.value, buddy_bad_free_text(report.kind));
    }
}

struct page_frame_usage locked_frame_allocator_get_usage(void)
{
    return buddy_usage(installed("locked_frame_allocator_get_usage"));
}

enum kstatus locked_frame_allocator_add_region(phys_addr_t base, page_frame_count_t count)
{
    return buddy_add_region(installed("locked_frame_allocator_add_region"), base, count);
}

/* ---- struct frame_allocator ------------------------------------------------------------------ */

static enum kstatus operation_allocate(struct frame_allocator *allocator, page_frame_count_t count,
                                       phys_addr_t *base)
{
    (void)allocator; /* there is one */
    return allocate_page_frames(count, base);
}

static enum kstatus operation_free(struct frame_allocator *allocator, phys_addr_t base,
                                   page_frame_count_t count)
{
    (void)allocator;
    return frame_allocator_free(&installed("frame_allocator_free")->allocator, base, count);
}

static struct page_frame_usage operation_usage(struct frame_allocator *allocator)
{
    (void)allocator;
    return locked_frame_allocator_get_usage();
}

static enum kstatus operation_allocate_bulk(struct frame_allocator *allocator, uint32_t count,
                                            phys_addr_t *frames)
{
    (void)allocator;
    struct buddy_allocator *const buddy = locked_frame_allocator_inner();
    return buddy == NULL ? K_ENOMEM : buddy_allocate_bulk(buddy, count, frames);
}

static const struct frame_allocator_ops operations = {
    .allocate = operation_allocate,
    .free = operation_free,
    .usage = operation_usage,
    .allocate_bulk = operation_allocate_bulk,
};

struct locked_frame_allocator locked_frame_allocator_state = {
    .allocator = { .ops = &operations },
};

struct frame_allocator *locked_frame_allocator(void)
{
    return &locked_frame_allocator_state.allocator;
}
