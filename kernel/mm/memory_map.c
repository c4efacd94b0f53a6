/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The accounting over a memory map and the two changes that are made to one. The entries and the
 * firmware's RAM ranges are both sorted and disjoint, so the books are one merge of two lists:
 *
 *   ram      [--------------)        [-------------)
 *   entries  [ low )[ available )[ reserved )[ kernel )
 *   counted  [ low )[ avail.)        [ res. )[ krn )
 *
 * RAM that no entry covers is counted in no class; memory_accounting_balances() then says so.
 * Failure plan: none, nothing here can fail. Holds no state; loader, kernel and host.
 */
#include "mm/memory_map.h"

#include "shared/mmap_names.h"

#include "lib/bits.h"

static uint64_t entry_end(const struct multiboot2_mmap_entry *entry)
{
    return entry->address + entry->length;
}

static uint64_t ram_end(const struct bootinfo_ram_range *range)
{
    return range->base + range->size;
}

/* The class that a byte of entry @p index belongs to. */
static uint64_t *class_of(struct memory_accounting *accounting, const struct memory_map *map,
                          uint32_t index)
{
    if (map->reasons[index] == MMAP_REASON_DROPPED) {
        return &accounting->dropped;
    }
    switch (map->entries[index].type) {
    case MMAP_AVAILABLE:
        return &accounting->usable;
    case MMAP_ACPI_RECLAIMABLE:
        return &accounting->acpi;
    case MMAP_ACPI_NVS:
        return &accounting->nvs;
    case MMAP_BAD_RAM:
        return &accounting->bad;
    case MMAP_KERNEL:
        return &accounting->kernel;
    case MMAP_LOADER:
        return &accounting->loader;
    case MMAP_LOW:
        return &accounting->low;
    default: /* 2, and any number we do not know */
        return &accounting->reserved;
    }
}

static uint64_t ram_bytes(const struct memory_map *map)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < map->ram_count; i++) {
        sum += map->ram[i].size;
    }
    return sum;
}

void memory_map_account(const struct memory_map *map, struct memory_accounting *accounting)
{
    *accounting = (struct memory_accounting){ .firmware_ram = ram_bytes(map) };
    uint32_t entry = 0;
    uint32_t ram = 0;
    while (entry < map->count && ram < map->ram_count) {
        const struct multiboot2_mmap_entry *const e = &map->entries[entry];
        const struct bootinfo_ram_range *const r = &map->ram[ram];
        const uint64_t start = bits_max(e->address, r->base);
        const uint64_t end = bits_min(entry_end(e), ram_end(r));
        if (start < end) {
            *class_of(accounting, map, entry) += end - start;
        }
        /* Whichever ends first has met all that it can meet. */
        if (entry_end(e) <= ram_end(r)) {
            entry++;
        } else {
            ram++;
        }
    }
}

bool memory_accounting_balances(const struct memory_accounting *accounting)
{
    const uint64_t classes = accounting->usable + accounting->kernel + accounting->loader +
                             accounting->low + accounting->acpi + accounting->nvs +
                             accounting->reserved + accounting->bad + accounting->dropped;
    return classes == accounting->firmware_ram;
}

bool memory_map_type_is_mapped(uint32_t type)
{
    switch (type) {
    case MMAP_AVAILABLE:
    case MMAP_ACPI_RECLAIMABLE:
    case MMAP_ACPI_NVS:
    case MMAP_KERNEL:
    case MMAP_LOADER:
    case MMAP_LOW:
        return true;
    default:
        return false;
    }
}

void memory_map_set(struct memory_map *map, uint32_t index, uint32_t reason)
{
    map->reasons[index] = reason;
    map->entries[index].type = mmap_reason_type(reason);
}

/* Whether entry @p b continues entry @p a. */
static bool joins(const struct memory_map *map, uint32_t a, uint32_t b)
{
    return entry_end(&map->entries[a]) == map->entries[b].address &&
           map->entries[a].type == map->entries[b].type && map->reasons[a] == map->reasons[b];
}

void memory_map_merge(struct memory_map *map)
{
    if (map->count == 0) {
        return;
    }
    uint32_t last = 0; /* of those that stay */
    for (uint32_t i = 1; i < map->count; i++) {
        if (joins(map, last, i)) {
            map->entries[last].length += map->entries[i].length;
            continue;
        }
        last++;
        map->entries[last] = map->entries[i];
        map->reasons[last] = map->reasons[i];
    }
    map->count = last + 1;
}
