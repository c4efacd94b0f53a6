/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's command `explain`: what a physical address is, and where it is not usable, why: the
 * entry of the map with its reason, the firmware's descriptors, what the loader had there, pins,
 * repairs, and what the frame is used for. Read only.
 */
#ifndef MONITOR_EXPLAIN_COMMAND_H
#define MONITOR_EXPLAIN_COMMAND_H

/** `explain ADDR | map`. Context: after mm_init(). */
void explain_command(const char *argument);

#endif
