/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The kernel's own page tables (S35, S36, S84, S86; docs/paging.md): the direct map with the image
 * by segment and its holes, the second level of the MMIO pool, low memory at its own addresses; and
 * the audit that knows all of this. Kernel, loader (which tries it out before the exit) and host.
 *
 *   low half    low 32 MiB, memory only       identity  RW     until it is unmapped (S87)
 *   direct map  memory                                  RW
 *               code / rodata of the image              R X / R
 *               page 0, guard frames                    holes
 *   MMIO pool   empty, but with its second level
 *
 * State: none. The tables' frames come from the mapper's allocator.
 */
#ifndef MM_KERNEL_TABLES_H
#define MM_KERNEL_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "kstatus.h"
#include "mm/addr.h"
#include "mm/kernel_image.h"
#include "mm/memory_map.h"
#include "mm/page_audit.h"
#include "mm/page_mapper.h"

#define KERNEL_GUARDS_MAX 8U

/** Where the kernel lies. */
struct kernel_layout {
    struct kernel_image image; /* all zero or empty: none (replay of a bare map) */
    /* Frames that stay unmapped: guard frames of stacks. Any order. */
    phys_addr_t guards[KERNEL_GUARDS_MAX];
    uint32_t guard_count;
};

/**
 * Fills the tables of @p mapper, just made by page_mapper_create().
 * @return K_OK; K_ENOMEM; K_ERANGE for a map that no direct map can hold; the mapper's other
 *         errors. On error the tables are incomplete
 */
MUST_CHECK enum kstatus kernel_tables_build(struct page_mapper *mapper,
                                            const struct memory_map *map,
                                            const struct kernel_layout *layout);

/** What to audit, and against what. */
struct kernel_tables_audit {
    phys_addr_t root;
    const struct paging_features *features;
    const struct memory_map *map;
    const struct kernel_layout *layout;
    bool low_is_mapped;
    struct phys_frame_range *ranges; /* room for one for each entry of the map; overwritten */
    page_audit_visitor visit;        /* may be NULL */
    void *context;
};

/** Audits the tables that kernel_tables_build() made, and what came into the MMIO pool since.
 *  @return as page_audit() */
MUST_CHECK enum kstatus kernel_tables_audit(const struct kernel_tables_audit *audit,
                                            struct page_audit_report *report);

#endif
