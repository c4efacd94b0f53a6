/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The firmware's memory map as bytes with a stride (UEFI 2.10, 7.2.3 GetMemoryMap): geometry check,
 * access to one descriptor, and what its type and attributes mean to us (design.md section 4).
 * Hostile input: nothing here trusts a field. Pure; loader and host.
 */
#ifndef LOADER_EFI_MAP_H
#define LOADER_EFI_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/multiboot2_mmap.h"

#include "kstatus.h"

/* UEFI 2.10, table 7.10 "Memory Type Usage after ExitBootServices()". */
enum efi_map_type {
    EFI_MAP_RESERVED = 0,
    EFI_MAP_LOADER_CODE = 1,
    EFI_MAP_LOADER_DATA = 2,
    EFI_MAP_BOOT_SERVICES_CODE = 3,
    EFI_MAP_BOOT_SERVICES_DATA = 4,
    EFI_MAP_RUNTIME_CODE = 5,
    EFI_MAP_RUNTIME_DATA = 6,
    EFI_MAP_CONVENTIONAL = 7,
    EFI_MAP_UNUSABLE = 8,
    EFI_MAP_ACPI_RECLAIM = 9,
    EFI_MAP_ACPI_NVS = 10,
    EFI_MAP_MMIO = 11,
    EFI_MAP_MMIO_PORT = 12,
    EFI_MAP_PAL_CODE = 13,
    EFI_MAP_PERSISTENT = 14,
    EFI_MAP_UNACCEPTED = 15,
};

/* UEFI 2.10, 7.2.3, EFI_MEMORY_DESCRIPTOR.Attribute. */
#define EFI_MAP_ATTRIBUTE_UC      (UINT64_C(1) << 0)
#define EFI_MAP_ATTRIBUTE_WC      (UINT64_C(1) << 1)
#define EFI_MAP_ATTRIBUTE_WT      (UINT64_C(1) << 2)
#define EFI_MAP_ATTRIBUTE_WB      (UINT64_C(1) << 3)
#define EFI_MAP_ATTRIBUTE_UCE     (UINT64_C(1) << 4)
#define EFI_MAP_ATTRIBUTE_SP      (UINT64_C(1) << 18)
#define EFI_MAP_ATTRIBUTE_RUNTIME (UINT64_C(1) << 63)

/** Bytes of the part of a descriptor that every version has. */
#define EFI_MAP_DESCRIPTOR_MIN 40U

/** The raw map. The bytes belong to the caller. */
struct efi_map {
    const void *bytes;
    uint64_t size_bytes;      /* used, not the buffer's capacity */
    uint64_t descriptor_size; /* the firmware's stride, bytes */
    uint32_t descriptor_version;
};

struct efi_map_descriptor {
    uint32_t type;
    uint64_t physical_start; /* bytes */
    uint64_t pages;          /* 4 KiB pages */
    uint64_t attribute;
};

/**
 * Whether the geometry can be walked.
 * @param why  receives a constant sentence fragment that names the fault, on error only
 * @return K_OK; K_EINVAL for a stride that is 0, < 40, no multiple of 8, or does not divide the
 *         size, or for a map without a byte
 */
MUST_CHECK enum kstatus efi_map_check(const struct efi_map *map, const char **why);

/** Number of descriptors of a map that efi_map_check() accepted. */
uint64_t efi_map_count(const struct efi_map *map);

/** Copies descriptor @p index < efi_map_count(); the source may be unaligned. */
struct efi_map_descriptor efi_map_get(const struct efi_map *map, uint64_t index);

/** The reason that @p type and @p attribute give (design.md section 4's table and order). SP and
 *  the caching attributes count for conventional memory only, RUNTIME for every type. */
enum mmap_reason efi_map_reason(uint32_t type, uint64_t attribute);

/** Whether design.md section 6 calls it RAM: types 1-10 and 14. */
bool efi_map_type_is_ram(uint32_t type);

/** Whether a descriptor that is RAM has a byte of [@p start, @p end). */
bool efi_map_touches_ram(const struct efi_map *map, uint64_t start, uint64_t end);

/** Name of an EFI memory type for log lines, e.g. "BootServicesData"; "OEM/unknown" otherwise. */
const char *efi_map_type_name(uint32_t type);

#endif
