/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The kernel's bring-up tried out while there is still a way back: areas from the memory map, the
 * bump allocator over them, from it the copy of the bootinfo and the page tables, built and
 * audited, then the page-frame allocator over what is left, checked. The kernel's own units do it,
 * in its order. Areas and bump only count; tables and page-frame allocator write, but not into the
 * memory that they are made of, which is still the firmware's: other memory stands in for it
 * (stand_in_memory.h).
 *
 *   bringup_plan_start()         map -> areas -> bump, less the bootinfo
 *   bringup_plan_build_tables()  map -> the kernel's page tables, out of bump; audited
 *   bringup_plan_finish()        what bump left -> page-frame allocator
 *
 * The caller owns struct and room. Where it has no room, bringup_plan_count_tables() ends the plan
 * behind the first step. No firmware call here; loader and host.
 */
#ifndef LOADER_BRINGUP_PLAN_H
#define LOADER_BRINGUP_PLAN_H

#include <stdint.h>

#include "kstatus.h"
#include "mm/buddy_cache.h"
#include "mm/bump_allocator.h"
#include "mm/kernel_tables.h"
#include "mm/memory_map.h"
#include "mm/phys_memory_area.h"
#include "stand_in_memory.h"

/** What the kernel will find, and take. */
struct bringup_needs {
    struct kernel_layout layout; /* the bump allocator starts at the end of its image */
    struct paging_features features;
    uint64_t bootinfo_bytes; /* of its copy, in one piece */
};

/** Some 50 KiB: not for a stack. It must not move once it is started. */
struct bringup_plan {
    struct bringup_needs needs;
    struct memory_map map;
    struct phys_memory_areas areas;
    struct bump_allocator bump;
    struct frame_allocator table_frames_source; /* bump, for frames that stand in at once */
    struct page_mapper mapper;
    struct buddy_allocator buddy;
    struct buddy_cpu_cache cache;
    struct stand_in_memory stand_in;
    struct page_audit_report audit; /* of the tables */
    uint64_t dropped_bytes;         /* for want of a slot */
    uint64_t bootinfo_frames;
    uint64_t table_frames_max; /* counted from above */
    uint64_t table_frames;     /* that bump gave */
    uint64_t metadata_frames;  /* that the page-frame allocator keeps for itself; 0 until the end */
    uint64_t free_frames;      /* left by bump; in the end: free in the page-frame allocator */
};

/**
 * Plays the bring-up over @p map up to the page tables.
 * @param map  its arrays must outlive the plan; usable ranges beyond the 512 areas become
 *             `dropped` in it, as in the kernel
 * @return K_OK; K_ENOMEM where memory does not suffice; K_EPROTO where the sums do not agree (a
 * bug)
 */
MUST_CHECK enum kstatus bringup_plan_start(struct bringup_plan *plan,
                                           const struct bringup_needs *needs,
                                           struct memory_map *map);

/** Bytes of room that the next two steps need together; above 0. Context: after
 *  bringup_plan_start(). */
uint64_t bringup_plan_room_bytes(const struct bringup_plan *plan);

/**
 * Builds the kernel's page tables and audits them as the kernel does.
 * @param room   bringup_plan_room_bytes(), page-aligned; its content does not matter. It is the
 *               plan's until bringup_plan_finish() is done
 * @param visit  called for each violation; may be NULL
 * @return K_OK (the verdict is plan->audit.violation_count); K_ENOMEM and K_EPROTO as
 *         bringup_plan_start(); other errors where this map cannot have tables
 * Context: physmap_ptr() leads into the room meanwhile, in @p visit too.
 */
MUST_CHECK enum kstatus bringup_plan_build_tables(struct bringup_plan *plan, void *room,
                                                  page_audit_visitor visit, void *context);

/** Instead of both steps, without room: takes as many frames as the tables need at most. @return as
 *  bringup_plan_start() */
MUST_CHECK enum kstatus bringup_plan_count_tables(struct bringup_plan *plan);

/**
 * Goes on to the end.
 * @return as bringup_plan_start(). A contradiction inside the allocator is a panic.
 * Context: after bringup_plan_build_tables(), with its room; physmap_ptr() leads there meanwhile.
 */
MUST_CHECK enum kstatus bringup_plan_finish(struct bringup_plan *plan);

#endif
