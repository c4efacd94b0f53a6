/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The lock on the kernel's own page tables (S85). One CPU owns it at a time. On the owner's CPU it
 * can be taken again, by an interrupt handler or further down the call chain, but such a nested
 * lock only reads: whoever holds the outer one may be in the middle of a change.
 *
 *     struct kernel_mapper_guard guard;
 *     kernel_mapper_lock(&guard);
 *     struct page_mapper *const mapper = kernel_mapper_as_mut(&guard);
 *     ...                                     NULL: nested, come back later
 *     kernel_mapper_unlock(&guard);
 *
 * State (kernel_mapper.c): the mapper, set once, and the owner. Kernel after bring-up, and host.
 */
#ifndef MM_KERNEL_MAPPER_H
#define MM_KERNEL_MAPPER_H

#include <stdbool.h>

#include "kstatus.h"
#include "mm/page_mapper.h"

/** One acquisition of the lock. Must not be copied, and ends on the CPU on which it began. */
struct kernel_mapper_guard {
    bool held;
    bool read_only; /* nested */
};

/**
 * Names the kernel's tables, once; a second call panics. From here on the kernel half's top level
 * is fixed (S86).
 * @param features  copied
 */
void kernel_mapper_init(phys_addr_t root, struct frame_allocator *frames,
                        const struct paging_features *features);

/** Waits for the lock. Context: any CPU, interrupts on or off. Panics before init. */
void kernel_mapper_lock(struct kernel_mapper_guard *guard);

/** Gives the lock back; nested ones first. */
void kernel_mapper_unlock(struct kernel_mapper_guard *guard);

/** The mapper to read with; valid while @p guard is held. */
const struct page_mapper *kernel_mapper_as_ref(const struct kernel_mapper_guard *guard);

/** The mapper to change tables with; NULL where @p guard is read-only. */
struct page_mapper *kernel_mapper_as_mut(const struct kernel_mapper_guard *guard);

/**
 * Maps request->size_bytes, rounded up to whole pages.
 * @param flush  whether to flush the translation here; without it nobody may have used the
 *               addresses before
 * @return as page_mapper_map_range(); K_EAGAIN where @p guard is read-only; K_EINVAL where the size
 *         cannot be rounded up
 */
MUST_CHECK enum kstatus kernel_mapper_map_phys_with_size(const struct kernel_mapper_guard *guard,
                                                         const struct page_mapping *request,
                                                         bool flush);

/** Forgets the tables, so that the next test can name others. Host tests only. */
void kernel_mapper_reset(void);

#endif
