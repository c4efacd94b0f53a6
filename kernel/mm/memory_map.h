/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The kernel's view of the memory map in bootinfo: entries with reasons, firmware RAM ranges, and
 * the accounting over both (design: docs/memory-map.md). The arrays belong to the caller (the
 * bootinfo copy); this unit reads them, and changes types only through the functions below. Pure.
 */
#ifndef MM_MEMORY_MAP_H
#define MM_MEMORY_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "kstatus.h"
#include "mm/addr.h"

/** Entries sorted by address, disjoint; reasons[i] goes with entries[i]. */
struct memory_map {
    struct multiboot2_mmap_entry *entries;
    uint32_t *reasons;
    uint32_t count;
    const struct bootinfo_ram_range *ram; /* sorted, disjoint */
    uint32_t ram_count;
};

/** Bytes by class (design.md section 6). Invariant of a good map: memory_accounting_balances(). */
struct memory_accounting {
    uint64_t firmware_ram;
    uint64_t usable;
    uint64_t kernel;
    uint64_t loader;
    uint64_t low;
    uint64_t acpi;
    uint64_t nvs;
    uint64_t reserved;
    uint64_t bad;
    uint64_t dropped;
};

/** Sums every class over the firmware's RAM, O(entries + ram ranges). */
void memory_map_account(const struct memory_map *map, struct memory_accounting *accounting);

/** Whether all classes add up to firmware_ram, to the byte. */
bool memory_accounting_balances(const struct memory_accounting *accounting);

/** Whether memory of mmap @p type belongs into the direct map (1, 3, 4, 0x1000-0x1002). */
bool memory_map_type_is_mapped(uint32_t type);

/** Gives entry @p index the type and reason of @p reason (an enum mmap_reason). */
void memory_map_set(struct memory_map *map, uint32_t index, uint32_t reason);

/** Joins neighbouring entries of equal type and reason; the count shrinks. */
void memory_map_merge(struct memory_map *map);

#endif
