/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The state behind locked_frame_allocator.h, for tests that start from "not installed".
 */
#ifndef MM_LOCKED_FRAME_ALLOCATOR_INTERNAL_H
#define MM_LOCKED_FRAME_ALLOCATOR_INTERNAL_H

#include <stdatomic.h>

#include "mm/buddy_allocator.h"

struct locked_frame_allocator {
    struct frame_allocator allocator;
    _Atomic(struct buddy_allocator *) inner; /* set once */
};

extern struct locked_frame_allocator locked_frame_allocator_state;

#endif
