/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's command `buddy`: what the page-frame allocator holds. Kernel and host.
 *
 *     buddy           free blocks and calls by order, largest block, fragmentation, caches, shards
 *     buddy check     every invariant (buddy_validate)
 */
#ifndef MONITOR_BUDDY_COMMAND_H
#define MONITOR_BUDDY_COMMAND_H

/** Runs `buddy @p argument`. Context: after mm_init(). */
void buddy_command(const char *argument);

#endif
