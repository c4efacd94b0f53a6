/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What everything that hands out page frames looks like (rows S50-S52, S60, S70-S72): bump, buddy,
 * the locked handle on the kernel's allocator, the loader's pool and the tests' fakes. The page
 * mapper takes one and never knows which.
 */
#ifndef MM_FRAME_ALLOCATOR_H
#define MM_FRAME_ALLOCATOR_H

#include <stddef.h>

#include "kstatus.h"
#include "mm/addr.h"

/** Page frames of an allocator (S72): used + free = total. */
struct page_frame_usage {
    page_frame_count_t used;
    page_frame_count_t free;
    page_frame_count_t total;
};

struct frame_allocator;

struct frame_allocator_ops {
    /** @see frame_allocator_allocate */
    enum kstatus (*allocate)(struct frame_allocator *allocator, page_frame_count_t count,
                             phys_addr_t *base);
    /** @see frame_allocator_free */
    enum kstatus (*free)(struct frame_allocator *allocator, phys_addr_t base,
                         page_frame_count_t count);
    struct page_frame_usage (*usage)(struct frame_allocator *allocator);
    /** Takes @p count single frames, all or none. May be NULL.
     *  @see frame_allocator_allocate_some */
    enum kstatus (*allocate_bulk)(struct frame_allocator *allocator, uint32_t count,
                                  phys_addr_t *frames);
};

/** First member of every implementation. */
struct frame_allocator {
    const struct frame_allocator_ops *ops;
};

/**
 * Takes @p count contiguous frames.
 * @param count  frames; a power of two for a buddy (and then the block is aligned to its size)
 * @param base   receives the physical address of the first frame
 * @return K_OK; K_EINVAL for a count the allocator cannot serve; K_ENOMEM
 * The content of the frames is not defined.
 */
static inline MUST_CHECK enum kstatus frame_allocator_allocate(struct frame_allocator *allocator,
                                                               page_frame_count_t count,
                                                               phys_addr_t *base)
{
    return allocator->ops->allocate(allocator, count, base);
}

/**
 * Gives back what frame_allocator_allocate() returned, with the same count.
 * @return K_OK; an error (nothing changed) where the block is not one that was handed out, or the
 *         allocator cannot take frames back (bump, S52: K_ENOTSUP)
 */
static inline MUST_CHECK enum kstatus
frame_allocator_free(struct frame_allocator *allocator, phys_addr_t base, page_frame_count_t count)
{
    return allocator->ops->free(allocator, base, count);
}

static inline struct page_frame_usage frame_allocator_usage(struct frame_allocator *allocator)
{
    return allocator->ops->usage(allocator);
}

/** One frame (S72). */
static inline MUST_CHECK enum kstatus
frame_allocator_allocate_one(struct frame_allocator *allocator, phys_addr_t *base)
{
    return frame_allocator_allocate(allocator, page_frame_count(1), base);
}

/**
 * Takes up to @p most single frames: all of them where the allocator serves many at once, else one.
 * @param most    at least 1
 * @param frames  receives their addresses; room for @p most
 * @param taken   receives how many, at least 1
 * @return as frame_allocator_allocate_one()
 */
static inline MUST_CHECK enum kstatus
frame_allocator_allocate_some(struct frame_allocator *allocator, uint32_t most, phys_addr_t *frames,
                              uint32_t *taken)
{
    if (most > 1 && allocator->ops->allocate_bulk != NULL &&
        allocator->ops->allocate_bulk(allocator, most, frames) == K_OK) {
        *taken = most;
        return K_OK;
    }
    const enum kstatus status = frame_allocator_allocate_one(allocator, frames);
    if (status == K_OK) {
        *taken = 1;
    }
    return status;
}

static inline MUST_CHECK enum kstatus frame_allocator_free_one(struct frame_allocator *allocator,
                                                               phys_addr_t base)
{
    return frame_allocator_free(allocator, base, page_frame_count(1));
}

#endif
