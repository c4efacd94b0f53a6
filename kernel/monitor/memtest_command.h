/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's command `memtest`: patterns over all free memory, taken from the page-frame
 * allocator in blocks and given back. What is in use is not touched. Context: after mm_init().
 */
#ifndef MONITOR_MEMTEST_COMMAND_H
#define MONITOR_MEMTEST_COMMAND_H

/** `memtest [SECONDS]`: one pass, or passes until the time is over. */
void memtest_command(const char *argument);

#endif
