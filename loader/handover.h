/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The page tables that the kernel starts on (design.md section 3): the direct map with W^X, the
 * identity page of the jump, and nothing else. Built before the exit from the map as it is then,
 * audited, and extended after it where the final map has memory that the first one had not. Pure
 * over its parameters; loader and host.
 *
 *   low half    jump page                 identity  R X
 *   direct map  memory                              RW
 *               kernel segments                     R X / R / RW
 *               jump page (alias)                   R
 *               page 0, stack guard                 holes
 */
#ifndef LOADER_HANDOVER_H
#define LOADER_HANDOVER_H

#include <stdint.h>

#include "elf_image.h"
#include "kstatus.h"
#include "mm/direct_map.h"
#include "mm/memory_map.h"
#include "mm/page_audit.h"
#include "mm/page_mapper.h"

/** Page 0, stack guard, jump page, and the segments of the kernel. */
#define HANDOVER_EXCEPTIONS_MAX (3U + ELF_IMAGE_MAX_SEGMENTS)

/** Frames of one block, handed out upwards; freed ones are not taken back. */
struct handover_pool {
    struct frame_allocator allocator;
    phys_addr_t base;
    uint64_t count_frames;
    uint64_t used_frames;
};

/** What gets special treatment, by physical address. */
struct handover_layout {
    const struct elf_image_plan *image;
    phys_addr_t image_base;
    phys_addr_t stack_guard;
    phys_addr_t jump_page;
};

/** The caller owns it; it must not move once built (the mapper points into it). */
struct handover {
    struct handover_pool pool;
    struct paging_features features;
    struct page_mapper mapper;
    struct direct_map_exception exceptions[HANDOVER_EXCEPTIONS_MAX]; /* sorted, disjoint */
    uint32_t exception_count;
    phys_addr_t jump_page;
    struct phys_frame_range *mapped; /* sorted, disjoint, not touching: the direct map's memory */
    uint32_t mapped_capacity;
    uint32_t mapped_count;
};

/** Sets the features and the memory for `mapped` (one element for each map entry is enough). */
void handover_init(struct handover *handover, const struct paging_features *features,
                   struct phys_frame_range *mapped, uint32_t mapped_capacity);

/**
 * Frames that the pool must have: enough for handover_build(), whatever the layout, and some more
 * for handover_extend().
 */
uint64_t handover_pool_frames(const struct memory_map *map, const struct paging_features *features,
                              const struct elf_image_plan *image);

/**
 * Builds the tables in the pool [pool_base, pool_base + pool_frames).
 * @param layout  read during the call only
 * @return K_OK; K_ENOMEM where the pool is too small; K_ENOSPC where `mapped` is; the mapper's
 *         errors. After a failure it may be called again
 */
MUST_CHECK enum kstatus handover_build(struct handover *handover, const struct memory_map *map,
                                       const struct handover_layout *layout, phys_addr_t pool_base,
                                       uint64_t pool_frames);

/** Audits the tables: W^X, aliases, holes, nothing missing, nothing else mapped. @p visit may be
 *  NULL. @return as page_audit() */
MUST_CHECK enum kstatus handover_audit(const struct handover *handover, page_audit_visitor visit,
                                       void *context, struct page_audit_report *report);

/**
 * Maps what the final @p map has and the first one had not (firmware may give memory back between
 * the two). Allocates from the pool only: usable after ExitBootServices.
 * @param extended_bytes  receives how much that was, 0 as a rule
 * @return K_OK; K_ENOMEM where the pool is used up; the mapper's errors
 */
MUST_CHECK enum kstatus handover_extend(struct handover *handover, const struct memory_map *map,
                                        uint64_t *extended_bytes);

#endif
