/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The direct map at PHYS_OFFSET (S35, S84; design.md section 5): every entry of the memory map that
 * belongs there, in the largest leaves that fit, with what is special cut out: holes (page 0, guard
 * frames) and the kernel image with its own permissions per segment. Pure over its parameters;
 * kernel, loader and host.
 */
#ifndef MM_DIRECT_MAP_H
#define MM_DIRECT_MAP_H

#include "kstatus.h"
#include "mm/memory_map.h"
#include "mm/page_flags.h"
#include "mm/page_mapper.h"

/** A stretch of physical memory that is not plain RW memory. */
struct direct_map_exception {
    uint64_t start;     /* bytes, physical, page-aligned */
    uint64_t end;       /* bytes */
    bool is_hole;       /* not mapped at all */
    page_flags_t flags; /* where it is mapped */
};

/**
 * Maps every entry of @p map whose type belongs into the direct map.
 * @param exceptions  sorted by start, disjoint
 * @return K_OK, K_ENOMEM, or the mapper's error; on error the mapping is incomplete
 */
MUST_CHECK enum kstatus direct_map_build(struct page_mapper *mapper, const struct memory_map *map,
                                         const struct direct_map_exception *exceptions,
                                         uint32_t exception_count);

#endif
