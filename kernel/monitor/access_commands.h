/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's commands that read and write memory at any address, virtual or physical (p:ADDR).
 * `poke` is refused under lock-down. No state. Context: after mm_init().
 */
#ifndef MONITOR_ACCESS_COMMANDS_H
#define MONITOR_ACCESS_COMMANDS_H

/** `peek ADDR [WIDTH]` */
void peek_command(const char *argument);

/** `poke ADDR VALUE [WIDTH]` */
void poke_command(const char *argument);

/** `dump ADDR [SIZE [WIDTH]]` */
void dump_command(const char *argument);

#endif
