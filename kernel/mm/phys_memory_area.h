/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The kernel's table of usable RAM: at most 512 areas (S10-S12), sorted, disjoint, page-aligned,
 * none below 1 MiB. Filled from multiboot2 mmap entries; what does not fit is marked as dropped
 * in the entries themselves, so that the books still balance. Caller owns the table. Pure.
 */
#ifndef MM_PHYS_MEMORY_AREA_H
#define MM_PHYS_MEMORY_AREA_H

#include <stddef.h>
#include <stdint.h>

#include "kstatus.h"
#include "mm/addr.h"

#define PHYS_MEMORY_AREA_MAX 512U

/** Half-open [base, base + size_bytes); both page-aligned. */
struct phys_memory_area {
    phys_addr_t base;
    uint64_t size_bytes;
};

struct phys_memory_areas {
    uint32_t count;
    struct phys_memory_area area[PHYS_MEMORY_AREA_MAX];
};

static inline uint64_t phys_memory_area_end(const struct phys_memory_area *area)
{
    return area->base.value + area->size_bytes;
}

/** Sum of all areas, in bytes. */
uint64_t phys_memory_areas_bytes(const struct phys_memory_areas *areas);

struct memory_map;

/**
 * Fills @p areas with the type-1 entries of @p map (sorted and disjoint there), neighbours joined.
 * Where there are more than 512, the largest stay and the others are set to type 2, reason
 * `dropped`, in @p map.
 * @param dropped_bytes  receives the bytes given up for want of a slot
 * @return number of type-1 entries seen before any was dropped
 */
uint32_t phys_memory_areas_from_map(struct phys_memory_areas *areas, struct memory_map *map,
                                    uint64_t *dropped_bytes);

/**
 * Adds [base, base + size_bytes), which touches or lies outside every area, joining neighbours.
 * @return K_OK; K_ENOSPC where all 512 slots are taken and it joins none; K_EINVAL where it
 *         overlaps, is empty, wraps or is not page-aligned; nothing changed on error
 */
MUST_CHECK enum kstatus phys_memory_areas_add(struct phys_memory_areas *areas, phys_addr_t base,
                                              uint64_t size_bytes);

#endif
