/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The tables that firmware leaves in memory for an operating system: a checked copy of the ACPI
 * root pointer, and the pins, i.e. the pages that tables, what they point at and the screen occupy.
 * Firmware should keep them in memory that is never free; where it did not, the pins do. Hostile
 * input: every address and length is checked against the memory map before it is read. Memory is
 * read through physmap_ptr(). Loader and host.
 */
#ifndef LOADER_FIRMWARE_TABLES_H
#define LOADER_FIRMWARE_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "firmware_pins.h"
#include "kstatus.h"

/** Configuration tables besides those that bootinfo has: physical addresses, 0 = none. */
struct firmware_tables {
    uint64_t esrt;              /* EFI System Resource Table */
    uint64_t memory_attributes; /* EFI Memory Attributes Table */
    uint64_t tpm_final_events;  /* EFI TCG2 Final Events Table */
};

/**
 * Copies the root pointer at @p rsdp (physical, not 0) into info->rsdp, rsdp_copy, rsdp_copy_size.
 * Where only its second part, with the XSDT's address, is broken and the first has an RSDT, the
 * first is copied, as if there were no more.
 * @return K_OK; K_EILSEQ (nothing changed) for a wrong signature, length or checksum
 * @spec ACPI 6.5, 5.2.5.3 "Root System Description Pointer (RSDP) Structure"
 */
MUST_CHECK enum kstatus firmware_tables_copy_rsdp(uint64_t rsdp, struct bootinfo *info);

/**
 * Pins what @p info and @p tables name: the framebuffer; the ACPI tables behind rsdp_copy and what
 * they point at (DSDT, FACS, the boot logo, the TPM's event log); SMBIOS 2 and 3; ESRT, memory
 * attributes, the TPM's final events.
 * @param pins  pins->map is set by the caller, the rest filled here. A pin is made only where the
 *              map would otherwise have free memory; the framebuffer is always pinned.
 * @spec ACPI 6.5, 5.2.6-5.2.10, 5.2.23 "Boot Graphics Resource Table"; SMBIOS 3.6, 5.2; UEFI 2.10,
 *       4.6.4 "EFI_MEMORY_ATTRIBUTES_TABLE", 23.4; TCG ACPI Specification 1.4, "TPM2", "TCPA"; TCG
 *       EFI Protocol Specification, "Final Events Table"; TCG PC Client Platform Firmware Profile,
 *       "TCG_PCR_EVENT2"
 */
void firmware_tables_pin(const struct bootinfo *info, const struct firmware_tables *tables,
                         struct firmware_pins *pins);

/** What the root pointer is good for. */
enum firmware_tables_root {
    FIRMWARE_TABLES_ROOT_AS_SAID,     /* or there is none */
    FIRMWARE_TABLES_ROOT_RSDT_SERVES, /* although the firmware promises an XSDT */
    FIRMWARE_TABLES_ROOT_BROKEN, /* its second part is, and there is no RSDT: it is forgotten */
};

/**
 * Cuts the copy of the root pointer down to its first part where the XSDT cannot be read, or names
 * no table that can, and the RSDT does: whoever follows it then finds tables, loader and kernel.
 * @param map  checked; decides what is readable
 */
MUST_CHECK enum firmware_tables_root firmware_tables_settle_root(struct bootinfo *info,
                                                                 const struct efi_map *map);

/** Called with a table's physical address and bytes, all of which can be read. */
typedef void (*firmware_tables_visitor)(void *context, uint64_t table, uint64_t table_bytes);

/** Calls @p visit for the ACPI root table (XSDT, else RSDT) and each table that it names, 256 at
 *  most; none where info->rsdp is 0. @param map  checked; decides what is readable */
void firmware_tables_list_acpi(const struct bootinfo *info, const struct efi_map *map,
                               firmware_tables_visitor visit, void *context);

/** Where the SMBIOS structures are, by the entry point of version 3, else 2.
 *  @return whether there are some and all @p table_bytes can be read */
bool firmware_tables_find_smbios(const struct bootinfo *info, const struct efi_map *map,
                                 uint64_t *table, uint64_t *table_bytes);

#endif
