/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The page-frame allocator's interface (S60-S65, S72). Orders count log2 frames: 0 = 4 KiB ...
 * 18 = 1 GiB. The inside is buddy_allocator.c. This header is the contract; the struct's members
 * are private to it.
 */
#ifndef MM_BUDDY_ALLOCATOR_H
#define MM_BUDDY_ALLOCATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "mm/frame_allocator.h"

#define BUDDY_MAX_ORDER   18U
#define BUDDY_ORDER_COUNT (BUDDY_MAX_ORDER + 1U)

#endif
