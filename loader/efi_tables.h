/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What the firmware knows about the machine and only it can be asked for: vendor, Secure Boot,
 * configuration tables, our own image. Everything goes straight into the bootinfo
 * header under construction. Loader only; boot services needed.
 */
#ifndef LOADER_EFI_TABLES_H
#define LOADER_EFI_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include <efi.h>

#include "shared/bootinfo.h"

#include "firmware_tables.h"
#include "kstatus.h"
#include "mm/addr.h"

/** Fills the firmware's fields: vendor, revisions, system table, BOOTINFO_FLAG_SECURE_BOOT. */
void efi_tables_describe_firmware(const EFI_SYSTEM_TABLE *system, struct bootinfo *info);

/**
 * Fills rsdp and its copy, smbios and smbios3 from the configuration tables (UEFI 2.10, 4.6).
 * @return K_OK; K_EILSEQ where there is a root pointer that is broken (rsdp stays 0)
 */
MUST_CHECK enum kstatus efi_tables_find(const EFI_SYSTEM_TABLE *system, struct bootinfo *info);

/** Fills in what else the configuration tables name that must not be overwritten. */
void efi_tables_find_more(const EFI_SYSTEM_TABLE *system, struct firmware_tables *tables);

/** Our own image: volume, options. NULL where the firmware does not know it. */
EFI_LOADED_IMAGE_PROTOCOL *efi_tables_loaded_image(EFI_BOOT_SERVICES *services, EFI_HANDLE image);

/** Takes a no-execute attribute off the page at @p page where the firmware enforces such
 * (UEFI 2.10, 37 "EFI_MEMORY_ATTRIBUTE_PROTOCOL"); does nothing where it has no such protocol. */
void efi_tables_make_executable(EFI_BOOT_SERVICES *services, phys_addr_t page);

/** Whether the firmware offers a TPM 2.0 (TCG EFI Protocol Specification, EFI_TCG2_PROTOCOL). */
bool efi_tables_has_tpm(EFI_BOOT_SERVICES *services);

#endif
