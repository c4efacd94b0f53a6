/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's commands about the log: `dmesg` and `log`.
 */
#ifndef MONITOR_DMESG_COMMAND_H
#define MONITOR_DMESG_COMMAND_H

/** Prints the kept lines, all of them or those up to a level. @p argument as typed. */
void dmesg_command(const char *argument);

/** Sets the level up to which the console shows lines, or without one says how the log does. */
void log_command(const char *argument);

#endif
