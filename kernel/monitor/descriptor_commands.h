/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's commands about descriptor tables: `gdt`, `idt`. Kernel and host.
 */
#ifndef MONITOR_DESCRIPTOR_COMMANDS_H
#define MONITOR_DESCRIPTOR_COMMANDS_H

/** The segment descriptors that the CPU uses, as it says where they are; empty ones left out. */
void gdt_command(const char *argument);

/** The interrupt gates that the CPU uses, with the names of their handlers. */
void idt_command(const char *argument);

#endif
