/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The kernel's bring-up tried out while there is still a way back: areas from the memory map, the
 * bump allocator over them, from it all that the kernel takes before its page-frame allocator
 * stands, then that allocator over what is left, checked. The kernel's own units do it. Areas and
 * bump only count; the page-frame allocator writes, but not into the memory that it manages, which
 * is still the firmware's: other memory stands in for it (stand_in_memory.h).
 *
 *   bringup_plan_start()   map -> areas -> bump, less tables and bootinfo
 *   bringup_plan_finish()  what bump left -> page-frame allocator, over a room of the caller
 *
 * The caller owns struct and room. No firmware call here; loader and host.
 */
#ifndef LOADER_BRINGUP_PLAN_H
#define LOADER_BRINGUP_PLAN_H

#include <stdint.h>

#include "kstatus.h"
#include "mm/buddy_cache.h"
#include "mm/bump_allocator.h"
#include "mm/memory_map.h"
#include "mm/phys_memory_area.h"
#include "stand_in_memory.h"

/** What the kernel will take. */
struct bringup_needs {
    phys_addr_t kernel_end;  /* where the bump allocator starts */
    uint64_t bootinfo_bytes; /* of its copy, in one piece */
    uint64_t table_frames;
};

/** Some 50 KiB: not for a stack. */
struct bringup_plan {
    struct phys_memory_areas areas;
    struct bump_allocator bump;
    struct buddy_allocator buddy;
    struct buddy_cpu_cache cache;
    struct stand_in_memory stand_in;
    uint64_t dropped_bytes;   /* for want of a slot */
    uint64_t used_frames;     /* that bump gave */
    uint64_t metadata_frames; /* that the page-frame allocator keeps for itself; 0 until the end */
    uint64_t free_frames;     /* left by bump; in the end: free in the page-frame allocator */
};

/**
 * Plays the bring-up over @p map up to the page-frame allocator.
 * @param map  usable ranges beyond the 512 areas become `dropped` in it, as in the kernel
 * @return K_OK; K_ENOMEM where memory does not suffice; K_EPROTO where the sums do not agree (a
 * bug)
 */
MUST_CHECK enum kstatus bringup_plan_start(struct bringup_plan *plan,
                                           const struct bringup_needs *needs,
                                           struct memory_map *map);

/** Bytes of room that bringup_plan_finish() needs; above 0. */
uint64_t bringup_plan_room_bytes(const struct bringup_plan *plan);

/**
 * Goes on to the end.
 * @param room  bringup_plan_room_bytes(), page-aligned; its content does not matter
 * @return as bringup_plan_start(). A contradiction inside the allocator is a panic.
 * Context: physmap_ptr() leads into the room meanwhile, so nothing else may use it.
 */
MUST_CHECK enum kstatus bringup_plan_finish(struct bringup_plan *plan, void *room);

#endif
