/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's commands that show how the machine's memory was divided. Context: after mm_init().
 * Read only.
 */
#ifndef MONITOR_MEMORY_COMMANDS_H
#define MONITOR_MEMORY_COMMANDS_H

/** The memory map with the reason for every entry. */
void memmap_command(const char *argument);

/** The usable areas. */
void areas_command(const char *argument);

/** Both sums of the books (design.md section 6). */
void usage_command(const char *argument);

#endif
