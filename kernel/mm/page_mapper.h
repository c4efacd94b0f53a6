/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The one page-table builder (S81, S82): maps, changes, translates and unmaps ranges in a tree of
 * tables. The loader builds the hand-over tables with it, the kernel its own, the host the tables
 * of every test. It owns no memory: tables come from the frame allocator it is given. Locking is
 * the caller's (kernel_mapper). The loader must provide printk(): refusals are logged (S82).
 *
 * Rules that hold for every function here:
 *   - addresses and sizes are multiples of 4 KiB, else K_EINVAL and an error line;
 *   - a range lies in one half of the address space, else K_EFAULT;
 *   - after a failure the tables are exactly as before and no frame is lost. What the allocator
 *     would not take back (bump, S52) stays with the mapper as a spare for the next table;
 *   - a change yields a token that must be consumed (page_flush.h); a failure yields none.
 */
#ifndef MM_PAGE_MAPPER_H
#define MM_PAGE_MAPPER_H

#include <stdbool.h>
#include <stdint.h>

#include "kstatus.h"
#include "mm/addr.h"
#include "mm/frame_allocator.h"
#include "mm/page_entry.h"
#include "mm/page_flags.h"
#include "mm/page_flush.h"
#include "mm/page_table.h"

struct page_mapper {
    struct frame_allocator *frames;
    const struct paging_features *features; /* must outlive the mapper */
    phys_addr_t root;
    uint64_t table_frames;  /* made minus freed through this mapper, root included; modulo 2^64 */
    uint64_t spare_frames;  /* frames held for tables to come, 0 but after a failure on bump */
    phys_addr_t spare_head; /* chained through their first words */

    /* Set by the owner, all false / NULL after create and open: */
    bool
        makes_boot_tables; /* mark new tables as made at bring-up: `frames` is the bump allocator */
    bool top_level_fixed;  /* refuse new top-level entries in the kernel half (S86) */
    /* Receives marked tables that become free (see page_mapper_unmap_range). NULL: they stay. */
    struct frame_allocator *boot_tables;
};

/** A range to map: [virt, virt + size_bytes) to [phys, phys + size_bytes). */
struct page_mapping {
    virt_addr_t virt;
    phys_addr_t phys;
    uint64_t size_bytes; /* 0 maps nothing, successfully */
    page_flags_t flags;
    unsigned max_leaf_level; /* PAGE_LEVEL_4K..1G; 0: as large as the CPU allows */
};

/** Where an address leads. */
struct page_translation {
    phys_addr_t phys; /* of the very byte asked for */
    page_flags_t flags;
    unsigned leaf_level; /* PAGE_LEVEL_4K..1G */
};

/** Makes a mapper with a new, empty top-level table (S34). @return K_OK; K_ENOMEM */
MUST_CHECK enum kstatus page_mapper_create(struct page_mapper *mapper,
                                           struct frame_allocator *frames,
                                           const struct paging_features *features);

/** A mapper on the tables that exist under @p root; `table_frames` counts from 0. */
void page_mapper_open(struct page_mapper *mapper, phys_addr_t root, struct frame_allocator *frames,
                      const struct paging_features *features);

/** Whether CR3 holds this mapper's tables. Context: not in the loader (privileged). */
bool page_mapper_is_current(const struct page_mapper *mapper);

/** Loads CR3, fenced (S41). The caller knows that code, stack and tables are mapped in it. */
void page_mapper_make_current(const struct page_mapper *mapper);

/** The top-level table. */
struct page_table page_mapper_table(const struct page_mapper *mapper);

/**
 * Maps a range with the largest leaves that the alignment of both addresses, the size left, the
 * CPU and the request allow.
 * @return K_OK; K_EINVAL unaligned, or user flags in the kernel half; K_EFAULT not canonical or
 *         across the halves, or a fixed top level has no table for it; K_ERANGE past 2^phys_bits;
 *         K_EEXIST any page of it is mapped already; K_ENOMEM
 */
MUST_CHECK enum kstatus page_mapper_map_range(struct page_mapper *mapper,
                                              const struct page_mapping *request,
                                              struct page_flush *flush);

/** Maps the page at @p virt to a new frame, whose content is not defined. @return as map_range */
MUST_CHECK enum kstatus page_mapper_map(struct page_mapper *mapper, virt_addr_t virt,
                                        page_flags_t flags, struct page_flush *flush);

/** Maps the page at @p virt to the frame at @p phys. @return as map_range */
MUST_CHECK enum kstatus page_mapper_map_phys(struct page_mapper *mapper, virt_addr_t virt,
                                             phys_addr_t phys, page_flags_t flags,
                                             struct page_flush *flush);

/** Maps the frame at @p phys where the direct map has it. @return as map_range; K_ERANGE where the
 *  direct map has no place for it */
MUST_CHECK enum kstatus page_mapper_map_linearly(struct page_mapper *mapper, phys_addr_t phys,
                                                 page_flags_t flags, struct page_flush *flush);

/**
 * Gives every page of a mapped range new flags; splits huge leaves that reach out of it.
 * @return K_OK; K_EINVAL, K_EFAULT as map_range; K_ENOENT some page is not mapped; K_ENOMEM no
 *         frame for a split
 */
MUST_CHECK enum kstatus page_mapper_remap(struct page_mapper *mapper, virt_addr_t virt,
                                          uint64_t size_bytes, page_flags_t flags,
                                          struct page_flush *flush);

/** Where @p virt (any byte) leads. @return K_OK; K_ENOENT not mapped; K_EFAULT not canonical */
MUST_CHECK enum kstatus page_mapper_translate(const struct page_mapper *mapper, virt_addr_t virt,
                                              struct page_translation *translation);

/** Unmaps the page at @p virt and frees its frame when @p flush is consumed. Tables stay.
 *  @return K_OK; K_EINVAL, K_EFAULT; K_ENOENT not mapped; K_ENOMEM no frame for a split */
MUST_CHECK enum kstatus page_mapper_unmap(struct page_mapper *mapper, virt_addr_t virt,
                                          struct page_flush *flush);

/** Unmaps the page at @p virt; its frame stays the caller's. @param free_parents as unmap_range.
 *  @return as page_mapper_unmap */
MUST_CHECK enum kstatus page_mapper_unmap_phys(struct page_mapper *mapper, virt_addr_t virt,
                                               bool free_parents, struct page_flush *flush);

/**
 * Unmaps whatever is mapped in [virt, virt + size_bytes); holes in it are no error. Splits huge
 * leaves that reach out of the range. The frames behind it stay the caller's.
 * @param free_parents  also unhook tables on the way that are empty now; they are freed when
 *        @p flush is consumed: to `frames`, or, where they are marked as made at bring-up, to
 *        `boot_tables` (and stay hooked where that is NULL). Second-level tables of the kernel
 *        half are never freed: user tables share them (S86).
 * @return K_OK; K_EINVAL, K_EFAULT; K_ENOMEM no frame for a split
 */
MUST_CHECK enum kstatus page_mapper_unmap_range(struct page_mapper *mapper, virt_addr_t virt,
                                                uint64_t size_bytes, bool free_parents,
                                                struct page_flush *flush);

/** Makes the second-level tables for [virt, virt + size_bytes) where they are missing, so that
 *  tables copied later see what is mapped there (S86). Changes no translation: no token.
 *  @return K_OK; K_EINVAL, K_EFAULT; K_ENOMEM (nothing made) */
MUST_CHECK enum kstatus page_mapper_make_second_level(struct page_mapper *mapper, virt_addr_t virt,
                                                      uint64_t size_bytes);

#endif
