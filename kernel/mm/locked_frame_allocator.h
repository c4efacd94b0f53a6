/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The handle on the kernel's one frame allocator (S70, S71), behind its locks with interrupts off.
 * State: the pointer to the installed buddy, set once (S39).
 */
#ifndef MM_LOCKED_FRAME_ALLOCATOR_H
#define MM_LOCKED_FRAME_ALLOCATOR_H

#include "mm/buddy_allocator.h"
#include "mm/frame_allocator.h"

/** The frame allocator to pass to a page mapper. allocate fails with K_ENOMEM before
 *  installation; free panics before it; usage panics before it (S71). */
struct frame_allocator *locked_frame_allocator(void);

/** Installs @p buddy for good. A second call panics "Cannot set inner allocator twice!" (S39). */
void set_inner_allocator(struct buddy_allocator *buddy);

/** Whether set_inner_allocator() was called. */
bool locked_frame_allocator_is_installed(void);

/** @p count frames, a power of two, aligned to their size (S72). Fails before installation. */
MUST_CHECK enum kstatus allocate_page_frames(page_frame_count_t count, phys_addr_t *base);

/** Gives them back. A bad free panics with a report (S65); a count that is no power of two panics
 *  (S71). */
void deallocate_page_frames(phys_addr_t base, page_frame_count_t count);

/** Usage of the installed allocator; panics before installation (S71). */
struct page_frame_usage locked_frame_allocator_get_usage(void);

/** Adds RAM that became free for good (loader memory, bring-up tables). @see buddy_add_region */
MUST_CHECK enum kstatus locked_frame_allocator_add_region(phys_addr_t base,
                                                          page_frame_count_t count);

/** The installed allocator, for its statistics; NULL before. */
struct buddy_allocator *locked_frame_allocator_inner(void);

#endif
