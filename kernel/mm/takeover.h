/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The buddy allocator gets what the bump allocator left (S39). The kernel does it once; the loader
 * tries it out before there is no way back (loader/bringup_plan.h). Stateless.
 */
#ifndef MM_TAKEOVER_H
#define MM_TAKEOVER_H

#include "mm/buddy_allocator.h"
#include "mm/bump_allocator.h"

/** Metadata that buddy_take_over() and one allocation of a frame behind it ask physmap_ptr() for:
 * at most so many pieces of memory, each asked for as a whole, and at most so many bytes in all. */
struct buddy_takeover_size {
    uint64_t pieces;
    uint64_t bytes;
};

/**
 * Adds every frame that @p bump did not hand out to @p buddy. Nothing may be taken from @p bump
 * any more.
 * @param buddy  just made by buddy_init()
 * @return K_OK; the first error of buddy_add_region() (K_ENOMEM: no room for metadata); @p buddy
 *         then has a part of the frames
 * Context: boot, one CPU.
 */
MUST_CHECK enum kstatus buddy_take_over(struct buddy_allocator *buddy,
                                        const struct bump_allocator *bump);

/** What buddy_take_over() from @p bump would touch, and a frame taken and given back then. */
struct buddy_takeover_size buddy_takeover_size(const struct bump_allocator *bump);

#endif
