/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The bump allocator (S32, S50-S52): hands out frames of the usable areas, upwards from a start
 * offset, and never takes one back. When everything above the start is used it goes on with the
 * areas below it, so that a kernel loaded at the top of RAM boots too. Lives only until the buddy
 * takes over what it left (bump_allocator_leftover). The caller owns the struct; the area table
 * must outlive it. Before mm_init ends only; one CPU.
 *
 *        area 0            area 1                    area 2
 *   [xxxx..........]   [.....|start>>>>>>>next.....]  [............]
 *        walked last, 3rd     1st                       2nd
 */
#ifndef MM_BUMP_ALLOCATOR_H
#define MM_BUMP_ALLOCATOR_H

#include "mm/frame_allocator.h"
#include "mm/phys_memory_area.h"

/** One stretch of RAM in the order of the walk: [next, end) is free, [base, next) handed out. */
struct bump_segment {
    phys_addr_t base;
    phys_addr_t next;
    phys_addr_t end;
};

struct bump_allocator {
    struct frame_allocator allocator; /* pass &bump->allocator to the page mapper */
    phys_addr_t start;
    uint32_t segment_count;
    uint32_t first_open; /* segments before it are full */
    /* One area is cut in two by the start offset. */
    struct bump_segment segment[PHYS_MEMORY_AREA_MAX + 1];
};

/**
 * @param areas   sorted, disjoint; aligned inward to pages here (S50)
 * @param offset  physical address to start at, aligned up to a page: the end of the kernel image
 */
void bump_allocator_init(struct bump_allocator *bump, const struct phys_memory_areas *areas,
                         phys_addr_t offset);

/** Called for each free run that bump leaves: [base, base + count) frames. */
typedef void (*bump_leftover_visitor)(void *context, phys_addr_t base, page_frame_count_t count);

/** Visits every frame not handed out, as maximal runs in the order of the walk. */
void bump_allocator_leftover(const struct bump_allocator *bump, bump_leftover_visitor visit,
                             void *context);

/** Where the next single frame would come from (the seed's `offset()`); 0 when all is used. */
phys_addr_t bump_allocator_offset(const struct bump_allocator *bump);

#endif
