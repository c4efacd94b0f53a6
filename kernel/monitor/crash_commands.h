/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Commands about crashes: to provoke one, to see where the kernel stands, to read an address.
 */
#ifndef MONITOR_CRASH_COMMANDS_H
#define MONITOR_CRASH_COMMANDS_H

void fault_command(const char *argument);
void panic_command(const char *argument);
void stack_command(const char *argument);
void sym_command(const char *argument);

#endif
