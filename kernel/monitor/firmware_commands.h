/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's commands about what firmware left: `acpi`, `smbios`. Kernel and host.
 */
#ifndef MONITOR_FIRMWARE_COMMANDS_H
#define MONITOR_FIRMWARE_COMMANDS_H

/** Lists the ACPI tables with the verdict of their checksums; those called @p argument are dumped.
 */
void acpi_command(const char *argument);

/** What SMBIOS says of firmware, machine, processors and memory. */
void smbios_command(const char *argument);

#endif
