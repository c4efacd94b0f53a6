/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Frames below 1 MiB, for who can reach no others: the first code of another CPU (trampolines),
 * real-mode calls, old devices. They are no area and never in the kernel's frame allocator, so that
 * no general allocation uses them up; in the books all of them are class `low`. Kernel and host.
 * State: one buddy allocator of its own, filled once.
 */
#ifndef MM_LOW_MEMORY_H
#define MM_LOW_MEMORY_H

#include "mm/frame_allocator.h"
#include "mm/memory_map.h"

/** Takes the entries of type 0x1002 of @p map, but not page 0. An entry too small to hold its own
 *  metadata is left out. Context: once, when the direct map is up (mm_init). */
void low_memory_init(const struct memory_map *map);

/**
 * Takes a block of 2^@p order frames that ends at or below 1 MiB, aligned to its size. It is mapped
 * in the direct map, writable and not executable.
 * @param order log2 frames
 * @return K_OK; K_EINVAL (order); K_ENOMEM
 * Context: this and the next two after low_memory_init().
 */
MUST_CHECK enum kstatus low_memory_allocate(unsigned order, phys_addr_t *base);

/** Gives it back. @return as buddy_free() */
MUST_CHECK enum kstatus low_memory_free(phys_addr_t base, unsigned order);

/** used + free = total, in frames. */
struct page_frame_usage low_memory_usage(void);

#endif
