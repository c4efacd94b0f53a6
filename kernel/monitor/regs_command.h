/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's command `regs`: every register that can be read, as of the command. Kernel only.
 */
#ifndef MONITOR_REGS_COMMAND_H
#define MONITOR_REGS_COMMAND_H

/** Prints general, segment, control, debug and table registers. */
void regs_command(const char *argument);

#endif
