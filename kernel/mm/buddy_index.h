/* SPDX-License-Identifier: GPL-2.0-only
 *
 * From a frame number to the tile and the owner byte that speak for it, and where the metadata of a
 * region stands. Internal to the buddy_*.c files; buddy_core.h tells what tiles are for.
 *
 *     buddy_allocator.directories[256]      by physical address bits 45..38
 *       `- buddy_directory.zones[256]       by bits 37..30
 *            `- buddy_zone: tile            1 GiB: which of its 512 leaves are wholly free
 *                 `- leaves[512]            by bits 29..21
 *                      `- buddy_tile        2 MiB: which of its 512 frames are free
 *
 * Each region that is added sets a slot aside for every directory, zone and leaf that it may ever
 * need (struct buddy_slots). A slot holds junk until the thing is made in it. The entry of a leaf
 * therefore has three states:
 *
 *     0              no such RAM
 *     pointer        its slot is known, nothing was written there yet: wholly free, or inside a
 *                    larger block
 *     pointer + 1    made
 *
 * The entries are pointers and not physical addresses: the direct map never moves once it is up,
 * and each step would else pay for the way there.
 *
 * Concurrency: the look-ups need no lock. An entry is published with release order once what it
 * points to is complete, and never goes back.
 */
#ifndef MM_BUDDY_INDEX_H
#define MM_BUDDY_INDEX_H

#include <stddef.h>

#include <arch/physmap.h>

#include "mm/buddy_allocator.h"
#include "mm/buddy_tile.h"

#define LEAF_FRAMES_SHIFT TILE_UNITS_SHIFT
#define LEAF_FRAMES       BIT(LEAF_FRAMES_SHIFT)
#define ZONE_FRAMES_SHIFT (2U * TILE_UNITS_SHIFT)
#define ZONE_FRAMES       BIT(ZONE_FRAMES_SHIFT)
#define ZONE_ORDER_BASE   LEAF_FRAMES_SHIFT /* order in frames of a zone's unit */
#define DIRECTORY_SHIFT   8U                /* log2 zones */
#define BUDDY_FRAME_LIMIT BIT(BUDDY_ADDRESS_BITS - PAGE_SHIFT)
#define BUDDY_ZONE_LIMIT  (BUDDY_FRAME_LIMIT >> ZONE_FRAMES_SHIFT)
#define LEAF_ENTRY_MADE   1U

_Static_assert(BUDDY_INDEX_ENTRIES == BIT(DIRECTORY_SHIFT), "a directory's entries");
_Static_assert(BUDDY_FRAME_LIMIT >> (ZONE_FRAMES_SHIFT + DIRECTORY_SHIFT) == BUDDY_INDEX_ENTRIES,
               "the two index stages cover every frame number");

/** 1 GiB. */
struct buddy_zone {
    struct buddy_tile tile;
    _Atomic uintptr_t leaves[TILE_UNITS];
};

/** Second stage of the index: 256 GiB. */
struct buddy_directory {
    _Atomic(struct buddy_zone *) zones[BUDDY_INDEX_ENTRIES];
};

/** The directory numbered @p number, or NULL. */
static inline struct buddy_directory *buddy_find_directory(const struct buddy_allocator *buddy,
                                                           uint64_t number)
{
    return atomic_load_explicit(&buddy->directories[number], memory_order_acquire);
}

/** The zone of physical address @p number << 30, or NULL where none was made. */
static inline struct buddy_zone *buddy_find_zone(const struct buddy_allocator *buddy,
                                                 uint64_t number)
{
    const struct buddy_directory *const directory =
        buddy_find_directory(buddy, number >> DIRECTORY_SHIFT);
    if (UNLIKELY(directory == NULL)) {
        return NULL;
    }
    return atomic_load_explicit(&directory->zones[number & bits_mask(DIRECTORY_SHIFT)],
                                memory_order_acquire);
}

/** Whether leaf @p unit of @p zone is RAM of a region, made or not. */
static inline bool buddy_leaf_is_known(const struct buddy_zone *zone, unsigned unit)
{
    return atomic_load_explicit(&zone->leaves[unit], memory_order_acquire) != 0;
}

/** Leaf @p unit of @p zone, or NULL where none was made. */
static inline struct buddy_tile *buddy_find_leaf(const struct buddy_zone *zone, unsigned unit)
{
    const uintptr_t entry = atomic_load_explicit(&zone->leaves[unit], memory_order_acquire);
    return LIKELY((entry & LEAF_ENTRY_MADE) != 0) ? (struct buddy_tile *)(entry - LEAF_ENTRY_MADE)
                                                  : NULL;
}

/** Number in its leaf of frame @p frame. */
static inline unsigned frame_unit(uint64_t frame)
{
    return (unsigned)(frame & TILE_UNIT_MASK);
}

/** Number in its zone of frame @p frame's leaf. */
static inline unsigned frame_leaf_unit(uint64_t frame)
{
    return frame_unit(frame >> LEAF_FRAMES_SHIFT);
}

/** The owner byte that a block of 2^@p order frames at @p frame has, or NULL where there is none.
 */
static inline _Atomic uint8_t *buddy_find_owner(const struct buddy_allocator *buddy, uint64_t frame,
                                                unsigned order)
{
    struct buddy_zone *const zone = buddy_find_zone(buddy, frame >> ZONE_FRAMES_SHIFT);
    if (UNLIKELY(zone == NULL)) {
        return NULL;
    }
    if (order >= ZONE_ORDER_BASE) {
        return &zone->tile.owner[frame_leaf_unit(frame)];
    }
    const uintptr_t entry =
        atomic_load_explicit(&zone->leaves[frame_leaf_unit(frame)], memory_order_acquire);
    if (UNLIKELY((entry & LEAF_ENTRY_MADE) == 0)) {
        return NULL;
    }
    struct buddy_tile *const leaf = (struct buddy_tile *)(entry - LEAF_ENTRY_MADE);
    return &leaf->owner[frame_unit(frame)];
}

static inline uint8_t owner_load(const _Atomic uint8_t *owner)
{
    return atomic_load_explicit(owner, memory_order_relaxed);
}

static inline void owner_store(_Atomic uint8_t *owner, unsigned value)
{
    atomic_store_explicit(owner, (uint8_t)value, memory_order_relaxed); /* value <= 0xff */
}

/** Sets the byte to 0 where it is @p value; one of several CPUs that try has success. */
static inline bool owner_clear(_Atomic uint8_t *owner, unsigned value)
{
    uint8_t expected = (uint8_t)value;
    return atomic_compare_exchange_strong_explicit(owner, &expected, TILE_OWNER_NONE,
                                                   memory_order_relaxed, memory_order_relaxed);
}

/** The first frame of unit @p unit of @p tile. */
static inline uint64_t tile_frame(const struct buddy_tile *tile, unsigned unit)
{
    const uint64_t number = ((uint64_t)tile->number << TILE_UNITS_SHIFT) + unit;
    return tile->is_zone ? number << LEAF_FRAMES_SHIFT : number;
}

/** The first made zone in [*@p number, @p end); *@p number is set to its number. NULL for none. */
struct buddy_zone *buddy_next_zone(const struct buddy_allocator *buddy, uint64_t *number,
                                   uint64_t end);

/** Makes zone @p number in its slot, for shard @p shard, without any leaf; with its directory where
 *  that is missing. The regions' lock is held. */
struct buddy_zone *buddy_make_zone(struct buddy_allocator *buddy, const struct buddy_slots *slots,
                                   uint64_t number, uint8_t shard);

/** Tells @p zone the slots of its leaves [@p unit, @p end). */
void buddy_reserve_leaves(struct buddy_zone *zone, const struct buddy_slots *slots, unsigned unit,
                          unsigned end);

/** Makes leaf @p unit of @p zone, whose slot is known; no frame is free, every owner is @p owner.
 *  The shard's lock is held. */
struct buddy_tile *buddy_make_leaf(struct buddy_zone *zone, unsigned unit, uint8_t owner);

#endif
