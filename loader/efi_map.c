/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The firmware's memory map as bytes with a stride: see efi_map.h. Stateless; nothing here follows
 * an address found in the map. Loader and host.
 */
#include "efi_map.h"

#include <stddef.h>

#include "lib/bits.h"
#include "mm/addr.h"

/* Where a descriptor's fields lie, in bytes (UEFI 2.10, 7.2.3, EFI_MEMORY_DESCRIPTOR). Four bytes
 * of padding follow the type; the virtual address at 16 means nothing before SetVirtualAddressMap.
 */
#define OFFSET_TYPE      0U
#define OFFSET_START     8U
#define OFFSET_PAGES     24U
#define OFFSET_ATTRIBUTE 32U

#define STRIDE_ALIGNMENT 8U

/* The bits that say how a range can be cached. */
#define CACHING_ATTRIBUTES                                                                       \
    (EFI_MAP_ATTRIBUTE_UC | EFI_MAP_ATTRIBUTE_WC | EFI_MAP_ATTRIBUTE_WT | EFI_MAP_ATTRIBUTE_WB | \
     EFI_MAP_ATTRIBUTE_UCE)

static const char *geometry_fault(const struct efi_map *map)
{
    if (map->bytes == NULL || map->size_bytes == 0) {
        return "the memory map is empty";
    }
    if (map->descriptor_size < EFI_MAP_DESCRIPTOR_MIN) {
        return "the descriptor size is smaller than a descriptor";
    }
    if (!bits_is_aligned(map->descriptor_size, STRIDE_ALIGNMENT)) {
        return "the descriptor size is no multiple of 8";
    }
    if (map->size_bytes % map->descriptor_size != 0) {
        return "the descriptor size does not divide the size of the memory map";
    }
    return NULL;
}

enum kstatus efi_map_check(const struct efi_map *map, const char **why)
{
    const char *const fault = geometry_fault(map);
    if (fault != NULL) {
        *why = fault;
        return K_EINVAL;
    }
    return K_OK;
}

uint64_t efi_map_count(const struct efi_map *map)
{
    return map->size_bytes / map->descriptor_size;
}

/* Fields may be unaligned. A freestanding compiler calls memcpy() for each, this it does not. */
static uint32_t read_u32(const uint8_t *bytes)
{
    uint32_t value;
    __builtin_memcpy(&value, bytes, sizeof(value));
    return value;
}

static uint64_t read_u64(const uint8_t *bytes)
{
    uint64_t value;
    __builtin_memcpy(&value, bytes, sizeof(value));
    return value;
}

struct efi_map_descriptor efi_map_get(const struct efi_map *map, uint64_t index)
{
    const uint8_t *const bytes = (const uint8_t *)map->bytes + index * map->descriptor_size;
    return (struct efi_map_descriptor){
        .type = read_u32(bytes + OFFSET_TYPE),
        .physical_start = read_u64(bytes + OFFSET_START),
        .pages = read_u64(bytes + OFFSET_PAGES),
        .attribute = read_u64(bytes + OFFSET_ATTRIBUTE),
    };
}

struct type_facts {
    enum mmap_reason reason; /* by the type alone */
    bool ram;
    const char *name;
};

static const struct type_facts known_types[] = {
    [EFI_MAP_RESERVED] = { MMAP_REASON_FIRMWARE_RESERVED, false, "Reserved" },
    [EFI_MAP_LOADER_CODE] = { MMAP_REASON_AVAILABLE, true, "LoaderCode" },
    [EFI_MAP_LOADER_DATA] = { MMAP_REASON_AVAILABLE, true, "LoaderData" },
    [EFI_MAP_BOOT_SERVICES_CODE] = { MMAP_REASON_AVAILABLE, true, "BootServicesCode" },
    [EFI_MAP_BOOT_SERVICES_DATA] = { MMAP_REASON_AVAILABLE, true, "BootServicesData" },
    [EFI_MAP_RUNTIME_CODE] = { MMAP_REASON_RUNTIME, true, "RuntimeServicesCode" },
    [EFI_MAP_RUNTIME_DATA] = { MMAP_REASON_RUNTIME, true, "RuntimeServicesData" },
    [EFI_MAP_CONVENTIONAL] = { MMAP_REASON_AVAILABLE, true, "Conventional" },
    [EFI_MAP_UNUSABLE] = { MMAP_REASON_BAD, true, "Unusable" },
    [EFI_MAP_ACPI_RECLAIM] = { MMAP_REASON_ACPI, true, "ACPIReclaim" },
    [EFI_MAP_ACPI_NVS] = { MMAP_REASON_NVS, true, "ACPINVS" },
    [EFI_MAP_MMIO] = { MMAP_REASON_MMIO, false, "MMIO" },
    [EFI_MAP_MMIO_PORT] = { MMAP_REASON_MMIO_PORT, false, "MMIOPort" },
    [EFI_MAP_PAL_CODE] = { MMAP_REASON_PAL, false, "PALCode" },
    [EFI_MAP_PERSISTENT] = { MMAP_REASON_PERSISTENT, true, "Persistent" },
    [EFI_MAP_UNACCEPTED] = { MMAP_REASON_UNACCEPTED, false, "Unaccepted" },
};

static const struct type_facts unknown_type = { MMAP_REASON_UNKNOWN_TYPE, false, "OEM/unknown" };

static const struct type_facts *facts_of(uint32_t type)
{
    return type < ARRAY_COUNT(known_types) ? &known_types[type] : &unknown_type;
}

/* What the attributes of free memory forbid; boot-services and loader memory is RAM that the
 * firmware itself runs in, so only conventional memory is asked (design.md section 4's table). */
static enum mmap_reason conventional_reason(uint64_t attribute)
{
    if ((attribute & EFI_MAP_ATTRIBUTE_SP) != 0) {
        return MMAP_REASON_SPECIAL_PURPOSE;
    }
    if ((attribute & CACHING_ATTRIBUTES) != 0 && (attribute & EFI_MAP_ATTRIBUTE_WB) == 0) {
        return MMAP_REASON_NOT_WRITE_BACK;
    }
    return MMAP_REASON_AVAILABLE;
}

enum mmap_reason efi_map_reason(uint32_t type, uint64_t attribute)
{
    enum mmap_reason reason = facts_of(type)->reason;
    if (type == EFI_MAP_CONVENTIONAL) {
        reason = conventional_reason(attribute);
    }
    const bool runtime = (attribute & EFI_MAP_ATTRIBUTE_RUNTIME) != 0;
    if (runtime && reason > MMAP_REASON_RUNTIME_ATTRIBUTE) {
        reason = MMAP_REASON_RUNTIME_ATTRIBUTE; /* the first of the list wins */
    }
    return reason;
}

bool efi_map_type_is_ram(uint32_t type)
{
    return facts_of(type)->ram;
}

bool efi_map_touches_ram(const struct efi_map *map, uint64_t start, uint64_t end)
{
    const uint64_t count = efi_map_count(map);
    for (uint64_t i = 0; i < count; i++) {
        const struct efi_map_descriptor descriptor = efi_map_get(map, i);
        uint64_t descriptor_end;
        if (__builtin_mul_overflow(descriptor.pages, PAGE_SIZE, &descriptor_end) ||
            __builtin_add_overflow(descriptor.physical_start, descriptor_end, &descriptor_end)) {
            descriptor_end = UINT64_MAX;
        }
        if (efi_map_type_is_ram(descriptor.type) && descriptor.physical_start < end &&
            start < descriptor_end) {
            return true;
        }
    }
    return false;
}

const char *efi_map_type_name(uint32_t type)
{
    return facts_of(type)->name;
}
