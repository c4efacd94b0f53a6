/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Names of the reasons and repair kinds of multiboot2_mmap.h as the report and the logs print them,
 * and the mmap type that follows from a reason. Tables only; every world may include it.
 */
#ifndef SHARED_MMAP_NAMES_H
#define SHARED_MMAP_NAMES_H

#include "shared/multiboot2_mmap.h"

/** Name of @p reason; "?" for a number that is no reason. */
static inline const char *mmap_reason_name(uint32_t reason)
{
    static const char *const names[MMAP_REASON_COUNT] = {
        [MMAP_REASON_BAD] = "bad",
        [MMAP_REASON_DROPPED] = "dropped",
        [MMAP_REASON_FIRMWARE_RESERVED] = "firmware-reserved",
        [MMAP_REASON_UNKNOWN_TYPE] = "unknown-type",
        [MMAP_REASON_MMIO] = "mmio",
        [MMAP_REASON_MMIO_PORT] = "mmio-port",
        [MMAP_REASON_PAL] = "pal",
        [MMAP_REASON_RUNTIME] = "runtime",
        [MMAP_REASON_RUNTIME_ATTRIBUTE] = "runtime-attribute",
        [MMAP_REASON_PERSISTENT] = "persistent",
        [MMAP_REASON_UNACCEPTED] = "unaccepted",
        [MMAP_REASON_SPECIAL_PURPOSE] = "special-purpose",
        [MMAP_REASON_NOT_WRITE_BACK] = "not-write-back",
        [MMAP_REASON_PINNED] = "pinned",
        [MMAP_REASON_FRAMEBUFFER] = "framebuffer",
        [MMAP_REASON_NVS] = "nvs",
        [MMAP_REASON_ACPI] = "acpi",
        [MMAP_REASON_KERNEL] = "kernel",
        [MMAP_REASON_LOW] = "low",
        [MMAP_REASON_LOADER] = "loader",
        [MMAP_REASON_AVAILABLE] = "available",
    };
    return reason < MMAP_REASON_COUNT ? names[reason] : "?";
}

/** The mmap type that goes with @p reason (an enum mmap_reason; anything else reads as reserved).
 */
static inline uint32_t mmap_reason_type(uint32_t reason)
{
    switch (reason) {
    case MMAP_REASON_BAD:
        return MMAP_BAD_RAM;
    case MMAP_REASON_NVS:
        return MMAP_ACPI_NVS;
    case MMAP_REASON_ACPI:
        return MMAP_ACPI_RECLAIMABLE;
    case MMAP_REASON_KERNEL:
        return MMAP_KERNEL;
    case MMAP_REASON_LOW:
        return MMAP_LOW;
    case MMAP_REASON_LOADER:
        return MMAP_LOADER;
    case MMAP_REASON_AVAILABLE:
        return MMAP_AVAILABLE;
    default:
        return MMAP_RESERVED;
    }
}

/** Name of the repair @p kind; "?" for a number that is none. */
static inline const char *mmap_repair_name(uint32_t kind)
{
    static const char *const names[MMAP_REPAIR_COUNT] = {
        [MMAP_REPAIR_ZERO_LENGTH] = "zero-length",
        [MMAP_REPAIR_UNALIGNED] = "unaligned",
        [MMAP_REPAIR_WRAPS] = "wraps",
        [MMAP_REPAIR_ABOVE_MAXPHYADDR] = "above-maxphyaddr",
        [MMAP_REPAIR_OVERLAP] = "overlap",
        [MMAP_REPAIR_TRIMMED] = "trimmed",
        [MMAP_REPAIR_TOO_MANY_AREAS] = "too-many-areas",
        [MMAP_REPAIR_BEYOND_DIRECT_MAP] = "beyond-direct-map",
        [MMAP_REPAIR_MEM_LIMIT] = "mem-limit",
    };
    return kind < MMAP_REPAIR_COUNT ? names[kind] : "?";
}

#endif
