/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The table of usable RAM (S10, S11). It is filled in one walk over the map: touching type-1
 * entries make one run, a run takes a slot. When the slots are out the smallest area makes room for
 * a larger run, and a second walk finds the entries that lie in no area any more and marks them:
 *
 *   entries   [1][1]   [2]  [1]      [1........]      (2 slots)
 *   runs      [----]        [-]      [---------]
 *   areas     [----]                 [---------]
 *   entries   [1][1]   [2]  [dropped][1........]
 *
 * Invariants: areas are sorted, disjoint, never touch each other and never are empty.
 * Cost: linear in the entries, plus 512 steps for each run beyond the 512th: firmware that needs
 * this has some hundreds of entries, and a heap would not pay.
 * The entries are sorted, disjoint and page-aligned where type 1: bootinfo_check() saw to that.
 * Holds no state; kernel and host.
 */
#include "mm/phys_memory_area.h"

#include <stdbool.h>

#include "lib/bits.h"
#include "lib/string.h"
#include "mm/memory_map.h"

uint64_t phys_memory_areas_bytes(const struct phys_memory_areas *areas)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < areas->count; i++) {
        sum += areas->area[i].size_bytes;
    }
    return sum;
}

static void insert_area(struct phys_memory_areas *areas, uint32_t index, phys_addr_t base,
                        uint64_t size_bytes)
{
    struct phys_memory_area *const slot = &areas->area[index];
    memmove(slot + 1, slot, (areas->count - index) * sizeof(*slot));
    *slot = (struct phys_memory_area){ base, size_bytes };
    areas->count++;
}

static void remove_area(struct phys_memory_areas *areas, uint32_t index)
{
    struct phys_memory_area *const slot = &areas->area[index];
    areas->count--;
    memmove(slot, slot + 1, (areas->count - index) * sizeof(*slot));
}

/* Index of the smallest area; of several the highest, because low memory is the scarcer. */
static uint32_t smallest_area(const struct phys_memory_areas *areas)
{
    uint32_t smallest = 0;
    for (uint32_t i = 1; i < areas->count; i++) {
        if (areas->area[i].size_bytes <= areas->area[smallest].size_bytes) {
            smallest = i;
        }
    }
    return smallest;
}

/* Appends a run that lies above all areas, unless every area is at least as large. */
static void keep_run(struct phys_memory_areas *areas, uint64_t base, uint64_t size_bytes)
{
    if (areas->count == PHYS_MEMORY_AREA_MAX) {
        const uint32_t victim = smallest_area(areas);
        if (areas->area[victim].size_bytes >= size_bytes) {
            return;
        }
        remove_area(areas, victim);
    }
    insert_area(areas, areas->count, phys_addr(base), size_bytes);
}

static bool is_usable(const struct multiboot2_mmap_entry *entry)
{
    return entry->type == MMAP_AVAILABLE && entry->length != 0;
}

/* Fills @p areas with the runs of @p map, the largest where there are too many. @return the number
 * of usable entries. */
static uint32_t collect_runs(struct phys_memory_areas *areas, const struct memory_map *map)
{
    uint32_t seen = 0;
    uint64_t base = 0;
    uint64_t end = 0; /* of the run under construction; base == end: there is none */
    for (uint32_t i = 0; i < map->count; i++) {
        const struct multiboot2_mmap_entry *const entry = &map->entries[i];
        if (!is_usable(entry)) {
            continue;
        }
        if (entry->address != end && base != end) {
            keep_run(areas, base, end - base);
        }
        if (entry->address != end || base == end) {
            base = entry->address;
        }
        end = entry->address + entry->length;
        seen++;
    }
    if (base != end) {
        keep_run(areas, base, end - base);
    }
    return seen;
}

/* Marks the usable entries that lie in no area. @return their bytes. */
static uint64_t drop_the_rest(const struct phys_memory_areas *areas, struct memory_map *map)
{
    uint64_t dropped_bytes = 0;
    uint32_t area = 0; /* those before it end at or below the entry */
    for (uint32_t i = 0; i < map->count; i++) {
        const struct multiboot2_mmap_entry *const entry = &map->entries[i];
        if (!is_usable(entry)) {
            continue;
        }
        while (area < areas->count && phys_memory_area_end(&areas->area[area]) <= entry->address) {
            area++;
        }
        if (area == areas->count || areas->area[area].base.value > entry->address) {
            dropped_bytes += entry->length;
            memory_map_set(map, i, MMAP_REASON_DROPPED);
        }
    }
    return dropped_bytes;
}

uint32_t phys_memory_areas_from_map(struct phys_memory_areas *areas, struct memory_map *map,
                                    uint64_t *dropped_bytes)
{
    areas->count = 0;
    const uint32_t seen = collect_runs(areas, map);
    *dropped_bytes = drop_the_rest(areas, map);
    return seen;
}

/* Index of the first area that starts above @p base, or the count. */
static uint32_t first_area_above(const struct phys_memory_areas *areas, uint64_t base)
{
    uint32_t index = 0;
    while (index < areas->count && areas->area[index].base.value <= base) {
        index++;
    }
    return index;
}

/* Makes one area of areas @p index and @p index + 1 where they touch. */
static void join_with_next(struct phys_memory_areas *areas, uint32_t index)
{
    struct phys_memory_area *const area = &areas->area[index];
    if (index + 1 < areas->count && phys_memory_area_end(area) == area[1].base.value) {
        area->size_bytes += area[1].size_bytes;
        remove_area(areas, index + 1);
    }
}

enum kstatus phys_memory_areas_add(struct phys_memory_areas *areas, phys_addr_t base,
                                   uint64_t size_bytes)
{
    uint64_t end;
    if (size_bytes == 0 || !bits_is_aligned(base.value | size_bytes, PAGE_SIZE) ||
        __builtin_add_overflow(base.value, size_bytes, &end)) {
        return K_EINVAL;
    }
    const uint32_t above = first_area_above(areas, base.value);
    const uint64_t below_end = above > 0 ? phys_memory_area_end(&areas->area[above - 1]) : 0;
    const uint64_t next_base = above < areas->count ? areas->area[above].base.value : UINT64_MAX;
    if (below_end > base.value || next_base < end) {
        return K_EINVAL;
    }
    if (above > 0 && below_end == base.value) {
        areas->area[above - 1].size_bytes += size_bytes;
        join_with_next(areas, above - 1);
        return K_OK;
    }
    if (next_base == end) {
        areas->area[above].base = base;
        areas->area[above].size_bytes += size_bytes;
        return K_OK;
    }
    if (areas->count == PHYS_MEMORY_AREA_MAX) {
        return K_ENOSPC;
    }
    insert_area(areas, above, base, size_bytes);
    return K_OK;
}
