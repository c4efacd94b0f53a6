/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The firmware's memory map for people: descriptors, names of their types and attributes. Tables
 * and reading only; kernel and host.
 */
#ifndef MONITOR_EFI_NAMES_H
#define MONITOR_EFI_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "shared/bootinfo.h"

/** UEFI 2.10, 7.2.3 EFI_MEMORY_DESCRIPTOR without its virtual address. */
struct efi_range {
    uint32_t type;
    uint64_t base;  /* bytes, physical */
    uint64_t pages; /* of 4 KiB; as the firmware says, however large */
    uint64_t attribute;
};

/** Descriptor @p index < info->efi_map.count. */
struct efi_range efi_range_read(const struct bootinfo *info, uint32_t index);

/** Its last byte; UINT64_MAX where it wraps; one below the base where it is empty. */
uint64_t efi_range_last(const struct efi_range *range);

/** E.g. "conventional"; "unknown" for a number that UEFI 2.10 does not have. */
const char *efi_type_name(uint32_t type);

/** Names of the bits of @p attribute, separated by spaces, into @p text. */
void efi_attribute_names(uint64_t attribute, char *text, size_t size_bytes);

#endif
