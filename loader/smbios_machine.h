/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Which machine this is, in the words of its SMBIOS structures: BIOS (type 0) and system (type 1),
 * without serial numbers. Hostile input: any bytes. Pure; loader and host.
 */
#ifndef LOADER_SMBIOS_MACHINE_H
#define LOADER_SMBIOS_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#define SMBIOS_TEXT_BYTES 64U /* of one string with its NUL; longer ones are cut */

/** Printable ASCII; "" for what is not said. */
struct smbios_machine {
    char bios_vendor[SMBIOS_TEXT_BYTES];
    char bios_version[SMBIOS_TEXT_BYTES];
    char bios_date[SMBIOS_TEXT_BYTES];
    char manufacturer[SMBIOS_TEXT_BYTES];
    char product[SMBIOS_TEXT_BYTES];
    char version[SMBIOS_TEXT_BYTES];
};

/**
 * Reads the structure table.
 * @param table  @p size_bytes bytes; NULL where that is 0
 * @spec SMBIOS 3.6, 6.1.2 "Structure header format", 6.1.3 "Text strings", 7.1, 7.2
 */
void smbios_machine_read(const uint8_t *table, size_t size_bytes, struct smbios_machine *machine);

#endif
