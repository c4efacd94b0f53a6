/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Blocks below an address limit, for devices that cannot reach all of RAM: part of the core, see
 * buddy_core.h. Searches upwards from address 0, zone by zone, whatever shard they belong to, and
 * carves the lowest untouched zone where the others have nothing. The slow path of drivers' set-up.
 */
#include "mm/buddy_core.h"

/* The lowest unit of `tile` where 2^order units are free and end within `end`; taken. */
static bool take_lowest(struct buddy_tile *tile, unsigned order, uint64_t end, unsigned *unit)
{
    if (tile_summary_rank(tile->summary) <= order) {
        return false;
    }
    for (unsigned i = 0; i + BIT(order) <= end; i += 1U << order) {
        if (tile_take_at(tile, i, order)) {
            *unit = i;
            return true;
        }
    }
    return false;
}

static uint64_t units_below(uint64_t first_frame, uint64_t limit, unsigned unit_shift)
{
    return limit <= first_frame ? 0 : bits_min((limit - first_frame) >> unit_shift, TILE_UNITS);
}

/* A block of `tile` below the limit, or BUDDY_NO_FRAME. `order` counts units of the tile. */
static uint64_t take_from_tile(struct buddy_shard *shard, struct buddy_tile *tile, unsigned order,
                               uint64_t limit)
{
    const unsigned unit_shift = tile->is_zone ? LEAF_FRAMES_SHIFT : 0U;
    unsigned unit;
    if (!take_lowest(tile, order, units_below(tile_frame(tile, 0), limit, unit_shift), &unit)) {
        return BUDDY_NO_FRAME;
    }
    buddy_core_relink(shard, tile);
    return tile_frame(tile, unit);
}

/* The same for leaf `unit` of `zone`: split already, or to be split. */
static uint64_t take_from_leaf(struct buddy_shard *shard, struct buddy_zone *zone, unsigned unit,
                               unsigned order, uint64_t limit)
{
    if (units_below(tile_frame(&zone->tile, unit), limit, 0) < BIT(order)) {
        return BUDDY_NO_FRAME;
    }
    struct buddy_tile *leaf = buddy_find_leaf(zone, unit);
    if (tile_take_at(&zone->tile, unit, 0)) {
        buddy_core_relink(shard, &zone->tile);
        leaf = buddy_core_split_leaf(zone, unit);
    } else if (leaf == NULL || tile_is_full(leaf)) {
        return BUDDY_NO_FRAME; /* inside a larger allocated block */
    }
    return take_from_tile(shard, leaf, order, limit);
}

static uint64_t take_from_zone(struct buddy_allocator *buddy, struct buddy_zone *zone,
                               unsigned order, uint64_t limit)
{
    struct buddy_shard *const shard = buddy_shard_of(buddy, &zone->tile);
    uint64_t frame = BUDDY_NO_FRAME;
    spinlock_lock(&shard->lock);
    if (order >= ZONE_ORDER_BASE) {
        frame = take_from_tile(shard, &zone->tile, order - ZONE_ORDER_BASE, limit);
    } else {
        for (unsigned unit = 0; unit < TILE_UNITS && frame == BUDDY_NO_FRAME; unit++) {
            frame = take_from_leaf(shard, zone, unit, order, limit);
        }
    }
    if (frame != BUDDY_NO_FRAME) {
        count_add(&shard->free_frames, -BIT(order));
    }
    spinlock_unlock(&shard->lock);
    return frame;
}

static struct buddy_area *lowest_untouched(const struct buddy_allocator *buddy)
{
    struct buddy_area *lowest = NULL;
    for (struct buddy_area *area = buddy->untouched; area != NULL; area = area->next_untouched) {
        if (area->untouched_first < area->untouched_end &&
            (lowest == NULL || area->untouched_first < lowest->untouched_first)) {
            lowest = area;
        }
    }
    return lowest;
}

/* Carves the lowest untouched frames where a block of them can end at or below the limit. */
static struct buddy_zone *carve_lowest(struct buddy_allocator *buddy, unsigned order,
                                       uint64_t limit)
{
    struct buddy_zone *zone = NULL;
    spinlock_lock(&buddy->region_lock);
    struct buddy_area *const area = lowest_untouched(buddy);
    if (area != NULL && bits_align_up(area->untouched_first, BIT(order)) + BIT(order) <= limit) {
        const uint64_t number = area->untouched_first >> ZONE_FRAMES_SHIFT;
        buddy_core_carve(buddy, area, number, buddy_home_shard(buddy));
        zone = buddy_find_zone(buddy, number);
    }
    spinlock_unlock(&buddy->region_lock);
    return zone;
}

unsigned buddy_core_take_below(struct buddy_allocator *buddy, unsigned order, uint64_t limit,
                               struct buddy_block *block)
{
    const uint64_t end = bits_min(limit, BUDDY_FRAME_LIMIT - 1U) / ZONE_FRAMES + 1U;
    uint64_t frame = BUDDY_NO_FRAME;
    uint64_t number = 0;
    for (struct buddy_zone *zone;
         frame == BUDDY_NO_FRAME && (zone = buddy_next_zone(buddy, &number, end)) != NULL;
         number++) {
        frame = take_from_zone(buddy, zone, order, limit);
    }
    for (struct buddy_zone *zone;
         frame == BUDDY_NO_FRAME && (zone = carve_lowest(buddy, order, limit)) != NULL;) {
        frame = take_from_zone(buddy, zone, order, limit);
    }
    if (frame == BUDDY_NO_FRAME) {
        return 0;
    }
    *block = (struct buddy_block){ frame, buddy_find_owner(buddy, frame, order) };
    return 1;
}
