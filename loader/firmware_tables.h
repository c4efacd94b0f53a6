/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The tables that firmware leaves in memory for an operating system: a checked copy of the ACPI
 * root pointer, and the list of pins, i.e. the pages that ACPI, SMBIOS, ESRT and the screen occupy.
 * Firmware should keep them in memory that is never free; where it did not, the pins do. Hostile
 * input: every address and length is checked against the memory map before it is read. Memory is
 * read through physmap_ptr(). Loader and host.
 */
#ifndef LOADER_FIRMWARE_TABLES_H
#define LOADER_FIRMWARE_TABLES_H

#include <stdint.h>

#include "shared/bootinfo.h"

#include "efi_map.h"
#include "kstatus.h"

#define FIRMWARE_PINS_MAX 64U

struct firmware_pins {
    const struct efi_map *map; /* checked; decides what is readable and what needs a pin */
    struct bootinfo_pin pins[FIRMWARE_PINS_MAX];
    uint32_t count;
    uint32_t dropped; /* pins that found no room */
};

/**
 * Copies the root pointer at @p rsdp (physical, not 0) into info->rsdp, rsdp_copy, rsdp_copy_size.
 * @return K_OK; K_EILSEQ (nothing changed) for a wrong signature, length or checksum
 * @spec ACPI 6.5, 5.2.5.3 "Root System Description Pointer (RSDP) Structure"
 */
MUST_CHECK enum kstatus firmware_tables_copy_rsdp(uint64_t rsdp, struct bootinfo *info);

/**
 * Pins what @p info names: the ACPI tables behind rsdp_copy, SMBIOS 2 and 3, the framebuffer.
 * @param esrt  physical address of the EFI System Resource Table, 0 = none
 * @param pins  pins->map is set by the caller, the rest filled here. A pin is made only where the
 *              map would otherwise have free memory; the framebuffer is always pinned.
 * @spec ACPI 6.5, 5.2.6-5.2.9; SMBIOS 3.6, 5.2 "SMBIOS EPS"; UEFI 2.10, 23.4
 */
void firmware_tables_pin(const struct bootinfo *info, uint64_t esrt, struct firmware_pins *pins);

#endif
