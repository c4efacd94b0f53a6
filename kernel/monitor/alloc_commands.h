/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's commands `alloc` and `free`: blocks of page frames for whoever sits at the prompt.
 * State (alloc_commands.c): what was handed out. Only that can be freed here: a block that the
 * kernel uses is not the prompt's to give away. Context: after mm_init().
 */
#ifndef MONITOR_ALLOC_COMMANDS_H
#define MONITOR_ALLOC_COMMANDS_H

/** `alloc [N]`: takes N frames, a power of two; without N lists what was taken. */
void alloc_command(const char *argument);

/** `free ADDR N`: gives a block back; a bad free is refused with the allocator's words. */
void free_command(const char *argument);

#endif
