/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The memory-map entry that loader and kernel share: the layout and the types of a Multiboot2
 * memory map (Multiboot2 Specification 2.0, "Memory map"), our private types, and the reason that
 * goes with every entry (docs/memory-map.md). Fixed layout; every world includes it.
 */
#ifndef SHARED_MULTIBOOT2_MMAP_H
#define SHARED_MULTIBOOT2_MMAP_H

#include <stddef.h>
#include <stdint.h>

struct multiboot2_mmap_entry {
    uint64_t address;  /* bytes, physical */
    uint64_t length;   /* bytes */
    uint32_t type;     /* enum multiboot2_mmap_type */
    uint32_t reserved; /* 0 */
};
_Static_assert(sizeof(struct multiboot2_mmap_entry) == 24, "Multiboot2 fixes 24 bytes");
_Static_assert(offsetof(struct multiboot2_mmap_entry, length) == 8, "Multiboot2 layout");
_Static_assert(offsetof(struct multiboot2_mmap_entry, type) == 16, "Multiboot2 layout");

enum multiboot2_mmap_type {
    MMAP_AVAILABLE = 1,
    MMAP_RESERVED = 2,
    MMAP_ACPI_RECLAIMABLE = 3,
    MMAP_ACPI_NVS = 4,
    MMAP_BAD_RAM = 5,
    /* Private: a Multiboot2 consumer reads any other number as reserved. */
    MMAP_KERNEL = 0x1000, /* kernel image and what lives as long as it */
    MMAP_LOADER = 0x1001, /* reclaimed once the kernel runs on its own tables */
    MMAP_LOW = 0x1002,    /* RAM below 1 MiB */
};

/**
 * Why a range has its type. The order is the priority: where several reasons apply to a byte the
 * first of this list wins, and the type follows from the reason (mmap_reason_type()).
 * MMAP_REASON_PINNED_ACPI is a pin on an ACPI table: it shows as reason `acpi`, type 3.
 */
enum mmap_reason {
    MMAP_REASON_BAD,
    MMAP_REASON_DROPPED,
    MMAP_REASON_FIRMWARE_RESERVED,
    MMAP_REASON_UNKNOWN_TYPE,
    MMAP_REASON_MMIO,
    MMAP_REASON_MMIO_PORT,
    MMAP_REASON_PAL,
    MMAP_REASON_RUNTIME,
    MMAP_REASON_RUNTIME_ATTRIBUTE,
    MMAP_REASON_PERSISTENT,
    MMAP_REASON_UNACCEPTED,
    MMAP_REASON_SPECIAL_PURPOSE,
    MMAP_REASON_NOT_WRITE_BACK,
    MMAP_REASON_PINNED,
    MMAP_REASON_FRAMEBUFFER,
    MMAP_REASON_NVS,
    MMAP_REASON_ACPI,
    MMAP_REASON_KERNEL,
    MMAP_REASON_LOW,
    MMAP_REASON_LOADER,
    MMAP_REASON_AVAILABLE,
    MMAP_REASON_COUNT,
};

/** What was repaired in the firmware's map; the names are in mmap_repair_name(). */
enum mmap_repair_kind {
    MMAP_REPAIR_ZERO_LENGTH,
    MMAP_REPAIR_UNALIGNED,
    MMAP_REPAIR_WRAPS,
    MMAP_REPAIR_ABOVE_MAXPHYADDR,
    MMAP_REPAIR_OVERLAP,
    MMAP_REPAIR_TRIMMED,
    MMAP_REPAIR_TOO_MANY_AREAS,
    MMAP_REPAIR_BEYOND_DIRECT_MAP,
    MMAP_REPAIR_MEM_LIMIT,
    MMAP_REPAIR_COUNT,
};

#define MMAP_REPAIR_NO_ENTRY UINT32_MAX

struct mmap_repair {
    uint32_t kind;   /* enum mmap_repair_kind */
    uint32_t reason; /* enum mmap_reason that holds there afterwards */
    uint32_t entry;  /* index of the firmware's descriptor, or MMAP_REPAIR_NO_ENTRY */
    uint32_t other;  /* overlap: index of the other descriptor, else MMAP_REPAIR_NO_ENTRY */
    uint64_t base;   /* bytes, physical: the range concerned */
    uint64_t size;   /* bytes */
};
_Static_assert(sizeof(struct mmap_repair) == 32, "part of the bootinfo contract");

#endif
