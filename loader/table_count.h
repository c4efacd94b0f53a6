/* SPDX-License-Identifier: GPL-2.0-only
 *
 * How many page tables a direct map takes at most, before any is made: for the pool of the
 * hand-over tables, and for the room in which the kernel's own are tried out. Pure over its
 * parameters; loader and host.
 */
#ifndef LOADER_TABLE_COUNT_H
#define LOADER_TABLE_COUNT_H

#include <stdint.h>

#include "mm/memory_map.h"
#include "mm/page_entry.h"

/**
 * The most tables that direct_map_build() makes of @p map, the root not counted.
 * @param cuts  page borders inside of entries where the permission changes; a single page of its
 *              own permission, or a hole of one page, is one cut: both its ends are in one leaf
 */
uint64_t table_count_max(const struct memory_map *map, const struct paging_features *features,
                         uint32_t cuts);

#endif
