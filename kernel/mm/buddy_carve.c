/* SPDX-License-Identifier: GPL-2.0-only
 *
 * RAM becomes blocks: the part of a region that lies in one zone is made free, with the metadata
 * that this takes. Part of the core, see buddy_core.h.
 *
 *     part of a region         [---------------------[          in one zone
 *     leaves            |   hole   |       |       |       |
 *                              ^^^^  whole   whole  ^^         whole leaves: set bits of the zone
 *                             ragged leaves                    ragged ones: split, set bits of them
 *
 * A region that was just added is a range of frames of which nothing is written; parts are carved
 * off its ends as blocks are needed: ragged ends first, to keep whole zones whole.
 */
#include "mm/buddy_core.h"

/* Frees [first, end), all in leaf `unit` but not all of it. */
static void open_leaf_part(struct buddy_allocator *buddy, struct buddy_zone *zone,
                           const struct buddy_slots *slots, uint64_t first, uint64_t end)
{
    const unsigned unit = frame_leaf_unit(first);
    struct buddy_tile *leaf = buddy_find_leaf(zone, unit);
    if (leaf == NULL) {
        buddy_reserve_leaves(zone, slots, unit, unit + 1U);
        leaf = buddy_make_leaf(zone, unit, TILE_OWNER_HOLE);
    }
    const unsigned first_unit = frame_unit(first);
    const unsigned end_unit = first_unit + (unsigned)(end - first); /* <= 512 */
    for (unsigned i = first_unit; i < end_unit; i++) {
        owner_store(&leaf->owner[i], TILE_OWNER_NONE);
    }
    tile_open(leaf, first_unit, end_unit);
    buddy_core_settle(buddy, leaf);
}

/* Frees the whole leaves [first, end) of `zone`. */
static void open_leaves(struct buddy_allocator *buddy, struct buddy_zone *zone,
                        const struct buddy_slots *slots, uint64_t first, uint64_t end)
{
    const unsigned unit = frame_leaf_unit(first);
    const unsigned unit_end = unit + (unsigned)((end - first) >> LEAF_FRAMES_SHIFT);
    buddy_reserve_leaves(zone, slots, unit, unit_end);
    tile_open(&zone->tile, unit, unit_end);
    buddy_core_settle(buddy, &zone->tile);
}

/* Frees [first, end) of `zone`: ragged leaf, whole leaves, ragged leaf. */
static void open_zone_part(struct buddy_allocator *buddy, struct buddy_zone *zone,
                           const struct buddy_slots *slots, uint64_t first, uint64_t end)
{
    const uint64_t whole_first = bits_align_up(first, LEAF_FRAMES);
    const uint64_t whole_end = bits_align_down(end, LEAF_FRAMES);
    if (first < whole_first) {
        open_leaf_part(buddy, zone, slots, first, bits_min(whole_first, end));
    }
    if (whole_first < whole_end) {
        open_leaves(buddy, zone, slots, whole_first, whole_end);
    }
    if (whole_first <= whole_end && whole_end < end) {
        open_leaf_part(buddy, zone, slots, whole_end, end);
    }
}

void buddy_core_open(struct buddy_allocator *buddy, const struct buddy_slots *slots, uint64_t first,
                     uint64_t end, uint8_t shard)
{
    const uint64_t number = first >> ZONE_FRAMES_SHIFT;
    struct buddy_zone *zone = buddy_find_zone(buddy, number);
    if (zone == NULL) {
        zone = buddy_make_zone(buddy, slots, number, shard);
    }
    struct buddy_shard *const owner = buddy_shard_of(buddy, &zone->tile);
    spinlock_lock(&owner->lock);
    open_zone_part(buddy, zone, slots, first, end);
    count_add(&owner->free_frames, end - first);
    spinlock_unlock(&owner->lock);
}

void buddy_core_carve(struct buddy_allocator *buddy, struct buddy_area *area, uint64_t number,
                      uint8_t shard)
{
    const uint64_t zone_first = number << ZONE_FRAMES_SHIFT;
    const uint64_t first = bits_max(area->untouched_first, zone_first);
    const uint64_t end = bits_min(area->untouched_end, zone_first + ZONE_FRAMES);
    if (first == area->untouched_first) {
        area->untouched_first = end;
    } else {
        area->untouched_end = first;
    }
    /* Before the other count: nobody must ever see more free than there is. */
    count_add(&buddy->untouched_frames, first - end);
    buddy_core_open(buddy, &area->slots, first, end, shard);
}

/* The first zone of an untouched range, or the last where only that one is ragged. */
static uint64_t zone_to_carve(const struct buddy_area *area)
{
    const bool is_tail_best = bits_is_aligned(area->untouched_first, ZONE_FRAMES) &&
                              !bits_is_aligned(area->untouched_end, ZONE_FRAMES);
    return (is_tail_best ? area->untouched_end - 1U : area->untouched_first) >> ZONE_FRAMES_SHIFT;
}

/* Carves from the area on top; those that have nothing left drop out on the way. */
bool buddy_core_carve_any(struct buddy_allocator *buddy, uint8_t shard)
{
    if (count_read(&buddy->untouched_frames) == 0) {
        return false;
    }
    spinlock_lock(&buddy->region_lock);
    struct buddy_area *area = buddy->untouched;
    while (area != NULL && area->untouched_first == area->untouched_end) {
        area = area->next_untouched;
    }
    buddy->untouched = area;
    if (area != NULL) {
        buddy_core_carve(buddy, area, zone_to_carve(area), shard);
    }
    spinlock_unlock(&buddy->region_lock);
    return area != NULL;
}
