/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's command `search`: where bytes or a text stand in mapped, cacheable memory. Device
 * memory is left alone: reading it can have effects. State (search_command.c): a buffer. Context:
 * after mm_init().
 */
#ifndef MONITOR_SEARCH_COMMAND_H
#define MONITOR_SEARCH_COMMAND_H

/** `search RANGE PATTERN` */
void search_command(const char *argument);

#endif
