/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The identity map of low memory (the seed's LowAddressRemapping, S36, S87): other CPUs start in
 * memory below 1 MiB and turn paging on there, so for the time of bring-up the low 32 MiB are also
 * mapped at their own addresses. Only memory that the direct map has, RW and not executable:
 *
 *     0    4K                                               32 MiB
 *     |hole|  RW   |not RAM|   RW   | type 0x1000: none | RW |
 *
 * The kernel image and what lives with it (type 0x1000: image, boot stack and its guard frame) get
 * no second mapping. Kernel, loader (remap only) and host.
 */
#ifndef ARCH_X86_64_LOW_REMAP_H
#define ARCH_X86_64_LOW_REMAP_H

#include <stdbool.h>

#include "kstatus.h"
#include "mm/kernel_image.h"
#include "mm/memory_map.h"
#include "mm/page_mapper.h"

/**
 * Maps low memory at its own addresses.
 * @param map    sorted, disjoint
 * @param image  never mapped here, whatever type its memory has
 * @return K_OK; K_ENOMEM and the mapper's other errors, and then no page of it is mapped, but
 *         tables made on the way may remain, empty
 */
MUST_CHECK enum kstatus remap_at_low_address(struct page_mapper *mapper,
                                             const struct memory_map *map,
                                             const struct kernel_image *image);

/**
 * Ends the identity map, once no CPU needs it any more.
 * @param mapper  its `boot_tables` receives the frames of the tables, which were made at bring-up
 *                and never came from the kernel's frame allocator; where that is NULL they stay,
 *                empty
 * @param flush   whether to flush the translations (else no CPU may be on these tables)
 * @return K_OK; does not fail, as the ends of low memory are no ends inside a leaf
 */
MUST_CHECK enum kstatus unmap_at_low_address(struct page_mapper *mapper, bool flush);

#endif
