/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The core of the buddy allocator: tiles, their lists, the index that finds them, and RAM that was
 * never touched. Internal to the buddy_*.c files.
 *
 * Data structures
 *
 *     buddy_allocator.directories[256]      by physical address bits 45..38
 *       `- buddy_directory.zones[256]       by bits 37..30
 *            `- buddy_zone: tile            1 GiB: which of its 512 leaves are wholly free
 *                 `- leaves[512]            by bits 29..21
 *                      `- buddy_tile        2 MiB: which of its 512 frames are free
 *
 *     lists[0..8]    leaves, lists[9..18] zones, each by its largest free order; list_mask tells
 *                    which are not empty. A leaf that is full (wholly free) or empty hangs on none.
 *     untouched      areas with whole zones whose metadata has a place but was never written:
 *                    carving one zone costs the same whether 1 GiB or 16 TiB are left.
 *
 * Where metadata lives: each region that is added sets aside a slot for every directory, zone and
 * leaf that it may ever need (struct buddy_slots). A slot holds junk until it is made. An entry of
 * the index is a physical address with ENTRY_RESERVED (the slot is known) and ENTRY_MADE (it may be
 * read); 0 means: none.
 *
 * Invariants (buddy_validate() checks them)
 *   1. A wholly free leaf is a set bit in its zone and nothing else; its own bitmap, where it is
 *      made, says full. So a made leaf with all units free belongs to the zone's level: free there,
 *      or part of an allocated block of order >= 9, or in a cache as one.
 *   2. A tile hangs on the list of its largest free order.
 *   3. A unit is free, or inside exactly one allocated block (owner byte at its first unit), or in
 *      a CPU's cache (owner byte 0), or a hole.
 *   4. core_free_frames = free bits of split leaves + 512 per free bit of zones + untouched ranges.
 *
 * Failure plan: nothing here allocates metadata, so nothing but shortage of frames can fail; a
 * contradiction between bitmap and request is a broken invariant and stops the machine.
 *
 * Locking: all functions are called with buddy_allocator.lock held, but for the inline look-ups:
 * index entries are published with release order after what they point to is complete, and never
 * change again.
 */
#ifndef MM_BUDDY_CORE_H
#define MM_BUDDY_CORE_H

#include <stddef.h>

#include <arch/physmap.h>

#include "mm/buddy_allocator.h"
#include "mm/buddy_tile.h"

#define LEAF_FRAMES_SHIFT   TILE_UNITS_SHIFT
#define LEAF_FRAMES         BIT(LEAF_FRAMES_SHIFT)
#define ZONE_FRAMES_SHIFT   (2U * TILE_UNITS_SHIFT)
#define ZONE_FRAMES         BIT(ZONE_FRAMES_SHIFT)
#define ZONE_ORDER_BASE     LEAF_FRAMES_SHIFT /* order in frames of a zone's unit */
#define DIRECTORY_SHIFT     8U                /* log2 zones */
#define BUDDY_FRAME_LIMIT   BIT(BUDDY_ADDRESS_BITS - PAGE_SHIFT)
#define BUDDY_ZONE_LIMIT    (BUDDY_FRAME_LIMIT >> ZONE_FRAMES_SHIFT)
#define BUDDY_NO_FRAME      UINT64_MAX
#define METADATA_SLOT_ALIGN 64U

_Static_assert(BUDDY_INDEX_ENTRIES == BIT(DIRECTORY_SHIFT), "a directory's entries");
_Static_assert(BUDDY_FRAME_LIMIT >> (ZONE_FRAMES_SHIFT + DIRECTORY_SHIFT) == BUDDY_INDEX_ENTRIES,
               "the two index stages cover every frame number");

#define ENTRY_RESERVED  UINT64_C(1)
#define ENTRY_MADE      UINT64_C(2)
#define ENTRY_FLAG_BITS (ENTRY_RESERVED | ENTRY_MADE)

/** Second stage of the index: 256 GiB. */
struct buddy_directory {
    _Atomic uint64_t zones[BUDDY_INDEX_ENTRIES];
};

/** 1 GiB. */
struct buddy_zone {
    struct buddy_tile tile;
    uint8_t padding[32]; /* so that the table begins on a cache line */
    _Atomic uint64_t leaves[TILE_UNITS];
};
_Static_assert(sizeof(struct buddy_zone) % METADATA_SLOT_ALIGN == 0, "slots stay aligned");

/** Where a region's metadata goes: slot i is for the directory, zone or leaf number first + i. */
struct buddy_slots {
    uint64_t directories; /* physical addresses */
    uint64_t zones;
    uint64_t leaves;
    uint64_t first_directory;
    uint64_t first_zone;
    uint64_t first_leaf;
};

/** A region that brought its own metadata; lives at the start of that. */
struct buddy_area {
    struct buddy_area *next;
    struct buddy_area *next_untouched;
    uint64_t first_frame; /* the metadata's own frames */
    uint64_t frames;
    uint64_t untouched_zone; /* whole zones [untouched_zone, untouched_end) are not made yet */
    uint64_t untouched_end;
    struct buddy_slots slots;
};

static inline uint64_t entry_load(const _Atomic uint64_t *entry)
{
    return atomic_load_explicit(entry, memory_order_acquire);
}

static inline void *entry_pointer(uint64_t entry, uint64_t size_bytes)
{
    return physmap_ptr(phys_addr(entry & ~ENTRY_FLAG_BITS), size_bytes);
}

/** The directory numbered @p number, or NULL. */
static inline struct buddy_directory *buddy_find_directory(const struct buddy_allocator *buddy,
                                                           uint64_t number)
{
    const uint64_t entry = entry_load(&buddy->directories[number]);
    return entry == 0 ? NULL : entry_pointer(entry, sizeof(struct buddy_directory));
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
    const uint64_t entry = entry_load(&directory->zones[number & bits_mask(DIRECTORY_SHIFT)]);
    return entry == 0 ? NULL : entry_pointer(entry, sizeof(struct buddy_zone));
}

/** Leaf @p unit of @p zone, or NULL where none was made. */
static inline struct buddy_tile *buddy_find_leaf(const struct buddy_zone *zone, unsigned unit)
{
    const uint64_t entry = entry_load(&zone->leaves[unit]);
    return (entry & ENTRY_MADE) == 0 ? NULL : entry_pointer(entry, sizeof(struct buddy_tile));
}

static inline unsigned frame_leaf_unit(uint64_t frame)
{
    return (unsigned)(frame >> LEAF_FRAMES_SHIFT) & TILE_UNIT_MASK;
}

static inline unsigned frame_unit(uint64_t frame)
{
    return (unsigned)frame & TILE_UNIT_MASK;
}

/** The owner byte for a block of @p order at @p frame (below BUDDY_FRAME_LIMIT), or NULL where
 *  there is none. */
static inline uint8_t *buddy_find_owner(const struct buddy_allocator *buddy, uint64_t frame,
                                        unsigned order)
{
    struct buddy_zone *const zone = buddy_find_zone(buddy, frame >> ZONE_FRAMES_SHIFT);
    if (UNLIKELY(zone == NULL)) {
        return NULL;
    }
    if (order >= ZONE_ORDER_BASE) {
        return &zone->tile.owner[frame_leaf_unit(frame)];
    }
    struct buddy_tile *const leaf = buddy_find_leaf(zone, frame_leaf_unit(frame));
    return UNLIKELY(leaf == NULL) ? NULL : &leaf->owner[frame_unit(frame)];
}

/** The same for a block that is known to be managed. */
static inline uint8_t *buddy_owner(const struct buddy_allocator *buddy, uint64_t frame,
                                   unsigned order)
{
    const uint64_t number = frame >> ZONE_FRAMES_SHIFT;
    const uint64_t directory_entry = entry_load(&buddy->directories[number >> DIRECTORY_SHIFT]);
    const struct buddy_directory *const directory =
        entry_pointer(directory_entry, sizeof(struct buddy_directory));
    const uint64_t zone_entry = entry_load(&directory->zones[number & bits_mask(DIRECTORY_SHIFT)]);
    struct buddy_zone *const zone = entry_pointer(zone_entry, sizeof(struct buddy_zone));
    if (order >= ZONE_ORDER_BASE) {
        return &zone->tile.owner[frame_leaf_unit(frame)];
    }
    const uint64_t leaf_entry = entry_load(&zone->leaves[frame_leaf_unit(frame)]);
    struct buddy_tile *const leaf = entry_pointer(leaf_entry, sizeof(struct buddy_tile));
    return &leaf->owner[frame_unit(frame)];
}

/** The first made zone in [*@p number, @p end); *@p number is set to its number. NULL for none. */
struct buddy_zone *buddy_core_next_zone(const struct buddy_allocator *buddy, uint64_t *number,
                                        uint64_t end);

/** Makes zone @p number in its slot, without any leaf, with its directory where that is missing. */
struct buddy_zone *buddy_core_make_zone(struct buddy_allocator *buddy,
                                        const struct buddy_slots *slots, uint64_t number);

/** Makes leaf @p unit of @p zone, whose slot is known; no frame is free, every owner is @p owner.
 */
struct buddy_tile *buddy_core_make_leaf(struct buddy_zone *zone, unsigned unit, uint8_t owner);

/** Tells @p zone the slots of its leaves [@p unit, @p end). */
void buddy_core_reserve_leaves(struct buddy_zone *zone, const struct buddy_slots *slots,
                               unsigned unit, unsigned end);

/** The list that @p tile belongs on by its bitmap, or TILE_ON_NO_LIST. */
uint8_t buddy_core_list_for(const struct buddy_tile *tile);

/** Puts @p tile on the list that fits its bitmap; a leaf that became full goes up to its zone. To
 *  be called after each change of a bitmap. */
void buddy_core_settle(struct buddy_allocator *buddy, struct buddy_tile *tile);

/** Takes a block; no owner byte is written. @return its first frame, or BUDDY_NO_FRAME. */
uint64_t buddy_core_take(struct buddy_allocator *buddy, unsigned order);

/** Takes up to @p want blocks. @return how many; fewer only where no more are free. */
unsigned buddy_core_take_many(struct buddy_allocator *buddy, unsigned order, unsigned want,
                              uint64_t *frames);

/** Takes a block that ends at or below frame @p limit. @return as buddy_core_take(). */
uint64_t buddy_core_take_below(struct buddy_allocator *buddy, unsigned order, uint64_t limit);

/** Gives back one block, whose owner byte is 0 again. */
void buddy_core_give(struct buddy_allocator *buddy, uint64_t frame, unsigned order);

/** Gives back @p count blocks; neighbours in the array that share a bitmap word go together. */
void buddy_core_give_many(struct buddy_allocator *buddy, unsigned order, unsigned count,
                          const uint64_t *frames);

#endif
