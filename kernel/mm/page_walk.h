/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Reads page tables for people and for tools: the entries on the way to one address, and the leaves
 * of a whole tree one after the other. Judges nothing (page_audit) and changes nothing
 * (page_mapper). Stateless; no allocation; kernel, loader and host.
 */
#ifndef MM_PAGE_WALK_H
#define MM_PAGE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "kstatus.h"
#include "mm/addr.h"
#include "mm/page_entry.h"
#include "mm/page_table.h"

/** One entry on the way to an address. */
struct page_step {
    struct page_table table;
    unsigned index; /* 0..511 */
    page_entry_t entry;
};

/** From the top-level table down to the leaf, or to the first entry that is not present. */
struct page_path {
    struct page_step step[PAGE_LEVELS];
    unsigned count; /* steps, at least 1 where there was no error */
};

/** A leaf with what all the entries above it leave of its rights. */
struct page_leaf {
    virt_addr_t virt; /* of its first byte */
    phys_addr_t phys;
    unsigned level;     /* PAGE_LEVEL_4K..1G */
    page_flags_t flags; /* effective write, execute, user; its own global and cache */
};

/** Follows the tables under @p root for @p virt. @return K_OK; K_EFAULT not canonical */
MUST_CHECK enum kstatus page_walk_path(phys_addr_t root, virt_addr_t virt, struct page_path *path);

/** Reads entry @p index of @p table. @return false where the table cannot be read */
typedef bool page_walk_reader(const struct page_table *table, unsigned index, page_entry_t *entry);

/** page_walk_path() for tables that nobody vouches for: every entry comes from @p read.
 *  @return K_OK; K_EFAULT not canonical; K_EIO where @p read failed: @p path ends before that */
MUST_CHECK enum kstatus page_walk_path_by(page_walk_reader *read, phys_addr_t root,
                                          virt_addr_t virt, struct page_path *path);

/** The leaf at the end of @p path. @return K_OK; K_ENOENT where it ends without one */
MUST_CHECK enum kstatus page_walk_leaf(const struct page_path *path, struct page_leaf *leaf);

/**
 * The first leaf that covers @p from or lies behind it, in ascending order of addresses.
 * @param from  canonical; to go on, the end of the last leaf (page_walk_after())
 * @return K_OK; K_ENOENT where none is left; K_EFAULT not canonical
 */
MUST_CHECK enum kstatus page_walk_next(phys_addr_t root, virt_addr_t from, struct page_leaf *leaf);

/**
 * The first canonical address behind @p leaf.
 * @return K_OK; K_ENOENT where the leaf ends the address space
 */
MUST_CHECK enum kstatus page_walk_after(const struct page_leaf *leaf, virt_addr_t *after);

#endif
