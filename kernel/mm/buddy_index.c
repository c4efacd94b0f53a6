/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See buddy_index.h: making directories, zones and leaves in their slots, and walking the zones.
 */
#include "mm/buddy_index.h"

#include "lib/string.h"

/* Where the thing numbered `number` goes; each takes `size_bytes`. */
static phys_addr_t slot_address(const struct buddy_slot_run *run, uint64_t number,
                                uint64_t size_bytes)
{
    const uint64_t index = number - run->first;
    return phys_addr(index < run->low_count ? run->low + index * size_bytes
                                            : run->high + (index - run->low_count) * size_bytes);
}

static struct buddy_directory *make_directory(struct buddy_allocator *buddy,
                                              const struct buddy_slots *slots, uint64_t number)
{
    const phys_addr_t slot =
        slot_address(&slots->directories, number, sizeof(struct buddy_directory));
    struct buddy_directory *const directory = physmap_ptr(slot, sizeof(*directory));
    memset(directory, 0, sizeof(*directory));
    /* Release: whoever sees the entry sees what it points to complete. */
    atomic_store_explicit(&buddy->directories[number], directory, memory_order_release);
    return directory;
}

struct buddy_zone *buddy_make_zone(struct buddy_allocator *buddy, const struct buddy_slots *slots,
                                   uint64_t number, uint8_t shard)
{
    struct buddy_directory *directory = buddy_find_directory(buddy, number >> DIRECTORY_SHIFT);
    if (directory == NULL) {
        directory = make_directory(buddy, slots, number >> DIRECTORY_SHIFT);
    }
    const phys_addr_t slot = slot_address(&slots->zones, number, sizeof(struct buddy_zone));
    struct buddy_zone *const zone = physmap_ptr(slot, sizeof(*zone));
    const struct tile_identity identity = {
        .number = (uint32_t)number, /* < 2^16 */
        .shard = shard,
        .is_zone = true,
    };
    tile_reset(&zone->tile, identity, TILE_OWNER_NONE);
    memset(zone->leaves, 0, sizeof(zone->leaves));
    atomic_store_explicit(&directory->zones[number & bits_mask(DIRECTORY_SHIFT)], zone,
                          memory_order_release);
    return zone;
}

void buddy_reserve_leaves(struct buddy_zone *zone, const struct buddy_slots *slots, unsigned unit,
                          unsigned end)
{
    const uint64_t number = (uint64_t)zone->tile.number << TILE_UNITS_SHIFT;
    for (; unit < end; unit++) {
        const phys_addr_t slot =
            slot_address(&slots->leaves, number + unit, sizeof(struct buddy_tile));
        const uintptr_t entry = (uintptr_t)physmap_ptr(slot, sizeof(struct buddy_tile));
        atomic_store_explicit(&zone->leaves[unit], entry, memory_order_release);
    }
}

struct buddy_tile *buddy_make_leaf(struct buddy_zone *zone, unsigned unit, uint8_t owner)
{
    const uintptr_t entry = atomic_load_explicit(&zone->leaves[unit], memory_order_relaxed);
    struct buddy_tile *const leaf = (struct buddy_tile *)entry;
    const struct tile_identity identity = {
        .number = (zone->tile.number << TILE_UNITS_SHIFT) + unit,
        .shard = zone->tile.shard,
        .is_zone = false,
    };
    tile_reset(leaf, identity, owner);
    atomic_store_explicit(&zone->leaves[unit], entry + LEAF_ENTRY_MADE, memory_order_release);
    return leaf;
}

struct buddy_zone *buddy_next_zone(const struct buddy_allocator *buddy, uint64_t *number,
                                   uint64_t end)
{
    uint64_t candidate = *number;
    while (candidate < end) {
        if (buddy_find_directory(buddy, candidate >> DIRECTORY_SHIFT) == NULL) {
            candidate = bits_align_down(candidate, BIT(DIRECTORY_SHIFT)) + BIT(DIRECTORY_SHIFT);
            continue;
        }
        struct buddy_zone *const zone = buddy_find_zone(buddy, candidate);
        if (zone != NULL) {
            *number = candidate;
            return zone;
        }
        candidate++;
    }
    return NULL;
}
