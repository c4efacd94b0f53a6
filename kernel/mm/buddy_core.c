/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See buddy_core.h. A block is taken in three steps: pick the list with the smallest largest order
 * that suffices, cut the block out of that list's first tile, put the tile where it now belongs.
 *
 *     order < 9, a leaf has room          leaf -> block
 *     order < 9, no leaf has              zone -> leaf (now split) -> block
 *     order >= 9                          zone -> block
 *     nothing on any list                 carve an untouched zone, then as above
 */
#include "mm/buddy_core.h"

#include "lib/string.h"
#include "panic.h"

/* ---- index ----------------------------------------------------------------------------------- */

static void entry_publish(_Atomic uint64_t *entry, uint64_t phys, uint64_t flags)
{
    /* Release: whoever sees the entry sees what it points to complete. */
    atomic_store_explicit(entry, phys | flags, memory_order_release);
}

static struct buddy_directory *make_directory(struct buddy_allocator *buddy,
                                              const struct buddy_slots *slots, uint64_t number)
{
    const uint64_t phys =
        slots->directories + (number - slots->first_directory) * sizeof(struct buddy_directory);
    struct buddy_directory *const directory =
        physmap_ptr(phys_addr(phys), sizeof(struct buddy_directory));
    memset(directory, 0, sizeof(*directory));
    entry_publish(&buddy->directories[number], phys, ENTRY_FLAG_BITS);
    return directory;
}

struct buddy_zone *buddy_core_make_zone(struct buddy_allocator *buddy,
                                        const struct buddy_slots *slots, uint64_t number)
{
    struct buddy_directory *directory = buddy_find_directory(buddy, number >> DIRECTORY_SHIFT);
    if (directory == NULL) {
        directory = make_directory(buddy, slots, number >> DIRECTORY_SHIFT);
    }
    const uint64_t phys = slots->zones + (number - slots->first_zone) * sizeof(struct buddy_zone);
    struct buddy_zone *const zone = physmap_ptr(phys_addr(phys), sizeof(struct buddy_zone));
    tile_reset(&zone->tile, (uint32_t)number, true, TILE_OWNER_NONE); /* number < 2^16 */
    memset(zone->leaves, 0, sizeof(zone->leaves));
    entry_publish(&directory->zones[number & bits_mask(DIRECTORY_SHIFT)], phys, ENTRY_FLAG_BITS);
    return zone;
}

void buddy_core_reserve_leaves(struct buddy_zone *zone, const struct buddy_slots *slots,
                               unsigned unit, unsigned end)
{
    const uint64_t number = ((uint64_t)zone->tile.number << TILE_UNITS_SHIFT) + unit;
    uint64_t phys = slots->leaves + (number - slots->first_leaf) * sizeof(struct buddy_tile);
    for (; unit < end; unit++) {
        entry_publish(&zone->leaves[unit], phys, ENTRY_RESERVED);
        phys += sizeof(struct buddy_tile);
    }
}

struct buddy_tile *buddy_core_make_leaf(struct buddy_zone *zone, unsigned unit, uint8_t owner)
{
    const uint64_t phys = entry_load(&zone->leaves[unit]) & ~ENTRY_FLAG_BITS;
    struct buddy_tile *const leaf = physmap_ptr(phys_addr(phys), sizeof(struct buddy_tile));
    const uint32_t number = (zone->tile.number << TILE_UNITS_SHIFT) + unit;
    tile_reset(leaf, number, false, owner);
    entry_publish(&zone->leaves[unit], phys, ENTRY_FLAG_BITS);
    return leaf;
}

struct buddy_zone *buddy_core_next_zone(const struct buddy_allocator *buddy, uint64_t *number,
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

/* ---- lists ----------------------------------------------------------------------------------- */

uint8_t buddy_core_list_for(const struct buddy_tile *tile)
{
    const unsigned rank = tile_summary_rank(tile->summary);
    if (rank == 0 || (rank > TILE_MAX_ORDER && !tile->is_zone)) {
        return TILE_ON_NO_LIST;
    }
    return (uint8_t)(rank - 1U + (tile->is_zone ? ZONE_ORDER_BASE : 0U));
}

static void unlink_tile(struct buddy_allocator *buddy, struct buddy_tile *tile)
{
    if (tile->previous != NULL) {
        tile->previous->next = tile->next;
    } else {
        buddy->lists[tile->list] = tile->next;
        if (tile->next == NULL) {
            buddy->list_mask &= ~(UINT32_C(1) << tile->list);
        }
    }
    if (tile->next != NULL) {
        tile->next->previous = tile->previous;
    }
}

static void link_tile(struct buddy_allocator *buddy, struct buddy_tile *tile, uint8_t list)
{
    tile->previous = NULL;
    tile->next = buddy->lists[list];
    if (tile->next != NULL) {
        tile->next->previous = tile;
    }
    buddy->lists[list] = tile;
    buddy->list_mask |= UINT32_C(1) << list;
}

static void relink(struct buddy_allocator *buddy, struct buddy_tile *tile)
{
    const uint8_t list = buddy_core_list_for(tile);
    if (list == tile->list) {
        return;
    }
    if (tile->list != TILE_ON_NO_LIST) {
        unlink_tile(buddy, tile);
    }
    if (list != TILE_ON_NO_LIST) {
        link_tile(buddy, tile, list);
    }
    tile->list = list;
}

void buddy_core_settle(struct buddy_allocator *buddy, struct buddy_tile *tile)
{
    relink(buddy, tile);
    if (tile->is_zone || tile->free_units != TILE_UNITS) {
        return;
    }
    struct buddy_zone *const zone = buddy_find_zone(buddy, tile->number >> TILE_UNITS_SHIFT);
    BUG_ON(!tile_give(&zone->tile, tile->number & TILE_UNIT_MASK, 0));
    relink(buddy, &zone->tile);
}

/* ---- take ------------------------------------------------------------------------------------ */

static struct buddy_zone *carve_zone(struct buddy_allocator *buddy, struct buddy_area *area)
{
    struct buddy_zone *const zone =
        buddy_core_make_zone(buddy, &area->slots, area->untouched_zone++);
    buddy_core_reserve_leaves(zone, &area->slots, 0, TILE_UNITS);
    tile_open(&zone->tile, 0, TILE_UNITS);
    relink(buddy, &zone->tile);
    return zone;
}

/* Carves from the area on top; those that have nothing left drop out on the way. */
static bool carve_any_zone(struct buddy_allocator *buddy)
{
    for (struct buddy_area *area; (area = buddy->untouched) != NULL;) {
        if (area->untouched_zone < area->untouched_end) {
            (void)carve_zone(buddy, area); /* it is on its list now, where the caller looks */
            return true;
        }
        buddy->untouched = area->next_untouched;
    }
    return false;
}

/* The tile that a block of 2^order frames is best cut from, or NULL. */
static struct buddy_tile *pick_tile(struct buddy_allocator *buddy, unsigned order)
{
    const uint32_t fitting = (uint32_t)~bits_mask(order); /* 32 lists are more than there are */
    if ((buddy->list_mask & fitting) == 0 && !carve_any_zone(buddy)) {
        return NULL;
    }
    return buddy->lists[bits_lowest(buddy->list_mask & fitting)];
}

/* Moves the wholly free leaf `unit`, whose zone has just given it away, down to its own level. */
static struct buddy_tile *split_leaf(struct buddy_zone *zone, unsigned unit)
{
    struct buddy_tile *leaf = buddy_find_leaf(zone, unit);
    if (leaf == NULL) {
        leaf = buddy_core_make_leaf(zone, unit, TILE_OWNER_NONE);
        tile_open(leaf, 0, TILE_UNITS);
    }
    return leaf;
}

/* A leaf with a free block of 2^order frames, order < 9, or NULL; the caller takes and settles. */
static struct buddy_tile *pick_leaf(struct buddy_allocator *buddy, unsigned order)
{
    struct buddy_tile *const tile = pick_tile(buddy, order);
    if (tile == NULL || !tile->is_zone) {
        return tile;
    }
    const unsigned unit = tile_take(tile, 0);
    relink(buddy, tile);
    return split_leaf(CONTAINER_OF(tile, struct buddy_zone, tile), unit);
}

static uint64_t tile_frame(const struct buddy_tile *tile, unsigned unit)
{
    const uint64_t number = ((uint64_t)tile->number << TILE_UNITS_SHIFT) + unit;
    return tile->is_zone ? number << LEAF_FRAMES_SHIFT : number;
}

uint64_t buddy_core_take(struct buddy_allocator *buddy, unsigned order)
{
    const bool is_small = order < ZONE_ORDER_BASE;
    struct buddy_tile *const tile = is_small ? pick_leaf(buddy, order) : pick_tile(buddy, order);
    if (tile == NULL) {
        return BUDDY_NO_FRAME;
    }
    const unsigned unit = tile_take(tile, is_small ? order : order - ZONE_ORDER_BASE);
    relink(buddy, tile);
    buddy->core_free_frames -= BIT(order);
    return tile_frame(tile, unit);
}

/* Blocks out of one word of one leaf. */
static unsigned take_from_word(struct buddy_allocator *buddy, unsigned order, unsigned want,
                               uint64_t *frames)
{
    struct buddy_tile *const leaf = pick_leaf(buddy, order);
    if (leaf == NULL) {
        return 0;
    }
    unsigned first_unit;
    uint64_t blocks = tile_take_from_word(leaf, order, want, &first_unit);
    relink(buddy, leaf);
    const uint64_t first_frame = tile_frame(leaf, first_unit);
    unsigned count = 0;
    for (; blocks != 0; blocks &= blocks - 1U) {
        frames[count++] = first_frame + bits_lowest(blocks);
    }
    buddy->core_free_frames -= (uint64_t)count << order;
    return count;
}

unsigned buddy_core_take_many(struct buddy_allocator *buddy, unsigned order, unsigned want,
                              uint64_t *frames)
{
    unsigned count = 0;
    while (count < want) {
        unsigned got = 0;
        if (order < TILE_WORD_ORDER) {
            got = take_from_word(buddy, order, want - count, frames + count);
        } else {
            frames[count] = buddy_core_take(buddy, order);
            got = frames[count] == BUDDY_NO_FRAME ? 0 : 1;
        }
        if (got == 0) {
            break;
        }
        count += got;
    }
    return count;
}

/* ---- take below a limit ---------------------------------------------------------------------- */

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

/* The same for leaf `leaf_unit` of `zone`: split already, or to be split. */
static uint64_t take_below_in_leaf(struct buddy_allocator *buddy, struct buddy_zone *zone,
                                   unsigned leaf_unit, unsigned order, uint64_t limit)
{
    const uint64_t first_frame = tile_frame(&zone->tile, leaf_unit);
    const uint64_t end = units_below(first_frame, limit, 0);
    if (end < BIT(order)) {
        return BUDDY_NO_FRAME;
    }
    struct buddy_tile *leaf = buddy_find_leaf(zone, leaf_unit);
    if (tile_take_at(&zone->tile, leaf_unit, 0)) {
        relink(buddy, &zone->tile);
        leaf = split_leaf(zone, leaf_unit);
    } else if (leaf == NULL || leaf->free_units == TILE_UNITS) {
        return BUDDY_NO_FRAME; /* inside a larger allocated block */
    }
    unsigned unit;
    if (!take_lowest(leaf, order, end, &unit)) {
        return BUDDY_NO_FRAME;
    }
    relink(buddy, leaf);
    return first_frame + unit;
}

static uint64_t take_below_in_zone(struct buddy_allocator *buddy, struct buddy_zone *zone,
                                   unsigned order, uint64_t limit)
{
    if (order >= ZONE_ORDER_BASE) {
        const uint64_t end = units_below(tile_frame(&zone->tile, 0), limit, LEAF_FRAMES_SHIFT);
        unsigned unit;
        if (!take_lowest(&zone->tile, order - ZONE_ORDER_BASE, end, &unit)) {
            return BUDDY_NO_FRAME;
        }
        relink(buddy, &zone->tile);
        return tile_frame(&zone->tile, unit);
    }
    uint64_t frame = BUDDY_NO_FRAME;
    for (unsigned unit = 0; unit < TILE_UNITS && frame == BUDDY_NO_FRAME; unit++) {
        frame = take_below_in_leaf(buddy, zone, unit, order, limit);
    }
    return frame;
}

static struct buddy_area *lowest_untouched(const struct buddy_allocator *buddy)
{
    struct buddy_area *lowest = NULL;
    for (struct buddy_area *area = buddy->untouched; area != NULL; area = area->next_untouched) {
        if (area->untouched_zone < area->untouched_end &&
            (lowest == NULL || area->untouched_zone < lowest->untouched_zone)) {
            lowest = area;
        }
    }
    return lowest;
}

uint64_t buddy_core_take_below(struct buddy_allocator *buddy, unsigned order, uint64_t limit)
{
    const uint64_t end = bits_min(limit, BUDDY_FRAME_LIMIT - 1U) / ZONE_FRAMES + 1U;
    uint64_t frame = BUDDY_NO_FRAME;
    uint64_t number = 0;
    for (struct buddy_zone *zone;
         frame == BUDDY_NO_FRAME && (zone = buddy_core_next_zone(buddy, &number, end)) != NULL;
         number++) {
        frame = take_below_in_zone(buddy, zone, order, limit);
    }
    struct buddy_area *const area = lowest_untouched(buddy);
    if (frame == BUDDY_NO_FRAME && area != NULL &&
        (area->untouched_zone << ZONE_FRAMES_SHIFT) + BIT(order) <= limit) {
        frame = take_below_in_zone(buddy, carve_zone(buddy, area), order, limit);
    }
    if (frame != BUDDY_NO_FRAME) {
        buddy->core_free_frames -= BIT(order);
    }
    return frame;
}

/* ---- give ------------------------------------------------------------------------------------ */

static struct buddy_tile *tile_of(const struct buddy_allocator *buddy, uint64_t frame,
                                  unsigned order)
{
    struct buddy_zone *const zone = buddy_find_zone(buddy, frame >> ZONE_FRAMES_SHIFT);
    return order >= ZONE_ORDER_BASE ? &zone->tile : buddy_find_leaf(zone, frame_leaf_unit(frame));
}

void buddy_core_give(struct buddy_allocator *buddy, uint64_t frame, unsigned order)
{
    struct buddy_tile *const tile = tile_of(buddy, frame, order);
    const bool is_given = tile->is_zone
                              ? tile_give(tile, frame_leaf_unit(frame), order - ZONE_ORDER_BASE)
                              : tile_give(tile, frame_unit(frame), order);
    BUG_ON(!is_given);
    buddy->core_free_frames += BIT(order);
    buddy_core_settle(buddy, tile);
}

static void give_mask(struct buddy_allocator *buddy, uint64_t word_frame, uint64_t mask)
{
    struct buddy_tile *const leaf = tile_of(buddy, word_frame, 0);
    BUG_ON(!tile_give_mask(leaf, frame_unit(word_frame) / TILE_WORD_UNITS, mask));
    buddy->core_free_frames += (uint64_t)bits_count(mask);
    buddy_core_settle(buddy, leaf);
}

/* The units of the blocks at the head of `frames` that lie in one word. @return how many blocks */
static unsigned gather_word(uint64_t block, unsigned count, const uint64_t *frames, uint64_t *mask)
{
    const uint64_t word_frame = bits_align_down(frames[0], TILE_WORD_UNITS);
    uint64_t twice = 0;
    unsigned i = 0;
    *mask = 0;
    for (; i < count && frames[i] - word_frame < TILE_WORD_UNITS; i++) {
        const uint64_t units = block << (frames[i] - word_frame);
        twice |= *mask & units;
        *mask |= units;
    }
    BUG_ON(twice != 0);
    return i;
}

void buddy_core_give_many(struct buddy_allocator *buddy, unsigned order, unsigned count,
                          const uint64_t *frames)
{
    if (order >= TILE_WORD_ORDER) {
        for (unsigned i = 0; i < count; i++) {
            buddy_core_give(buddy, frames[i], order);
        }
        return;
    }
    const uint64_t block = bits_mask(1U << order);
    for (unsigned i = 0; i < count;) {
        const uint64_t word_frame = bits_align_down(frames[i], TILE_WORD_UNITS);
        uint64_t mask;
        i += gather_word(block, count - i, frames + i, &mask);
        give_mask(buddy, word_frame, mask);
    }
}
