/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The kernel's first steps tried out on paper, while there is still a way back: areas from the
 * memory map, the bump allocator over them, and from it all that the kernel will take before its
 * page-frame allocator stands. The kernel's own units do it; they only count, no memory is touched.
 * The page-frame allocator itself is not tried: it writes into the memory that it manages. The
 * caller owns the struct. Pure; loader and host.
 */
#ifndef LOADER_BRINGUP_PLAN_H
#define LOADER_BRINGUP_PLAN_H

#include <stdint.h>

#include "kstatus.h"
#include "mm/bump_allocator.h"
#include "mm/memory_map.h"
#include "mm/phys_memory_area.h"

/** What the kernel will take. */
struct bringup_needs {
    phys_addr_t kernel_end;  /* where the bump allocator starts */
    uint64_t bootinfo_bytes; /* of its copy, in one piece */
    uint64_t table_frames;
};

/** Some 20 KiB: not for a stack. */
struct bringup_plan {
    struct phys_memory_areas areas;
    struct bump_allocator bump;
    uint64_t dropped_bytes; /* for want of a slot */
    uint64_t used_frames;   /* that bump gave */
    uint64_t free_frames;   /* that the page-frame allocator will get */
};

/**
 * Plays the bring-up over @p map.
 * @param map  usable ranges beyond the 512 areas become `dropped` in it, as in the kernel
 * @return K_OK; K_ENOMEM where memory does not suffice; K_EPROTO where the sums do not agree (a
 * bug)
 */
MUST_CHECK enum kstatus bringup_plan_run(struct bringup_plan *plan,
                                         const struct bringup_needs *needs, struct memory_map *map);

#endif
