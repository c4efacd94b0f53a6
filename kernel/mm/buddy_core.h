/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The core of the buddy allocator: free blocks in shards, each with its lock; RAM that was never
 * touched. Internal to the buddy_*.c files; this is where to start reading them.
 *
 *     buddy_allocator.c   allocate, free, the check of every free
 *     buddy_cache.*       per-CPU stacks of blocks: most calls end here, without a lock
 *     buddy_core.*        shards: takes blocks from tiles, gives them back
 *     buddy_below.c       the same below an address limit
 *     buddy_carve.c       makes the tiles of RAM that was not touched before
 *     buddy_tile.*        512 units: bitmap, summary, owner bytes
 *     buddy_index.*       from a frame number to its tile
 *     buddy_region.c      adding RAM, room for metadata
 *
 * Blocks. RAM is looked at in two sizes of tile: a leaf is 2 MiB (512 frames), a zone is 1 GiB (512
 * leaves). Blocks of order 0..8 are runs of free bits in a leaf, those of order 9..18 in a zone.
 *
 *     zone     | free leaf | split leaf | part of an order-10 block | free leaf | ...
 *                              |
 *     leaf                 |1111 0000 0000 0110 ...|       1 = free frame
 *
 * Every tile hangs on the list of its largest free order; a mask tells which lists are not empty. A
 * leaf that is full (wholly free) has nothing to give at its level: it is parked on a list of its
 * own, as is any tile without a free unit.
 *
 *     shard.lists[0..8]  leaves    [9..18]  zones    [19]  parked        shard.list_mask
 *
 * A block is cut from the list with the smallest order that suffices. Freeing sets bits; merging is
 * nothing but the tile's larger runs, and a leaf that became full is one set bit in its zone.
 *
 * Shards. A zone belongs to one shard for good, with its leaves; each shard has a lock, lists and a
 * count of its own, and there are as many as there are CPUs with a cache. A CPU takes from its home
 * shard, then carves untouched RAM for it, then takes from the other shards; it gives a block back
 * to the shard that it belongs to.
 *
 * Untouched RAM: a region is a range of frames, without any metadata written, until a zone or a
 * part of one is carved off it. So bring-up costs the same whether 1 GiB or 16 TiB are left.
 *
 * Invariants (buddy_validate() checks them)
 *   1. A wholly free leaf is a set bit in its zone and nothing else; its own bitmap, where it is
 *      made, says full. So a made leaf with all units free belongs to the zone's level: free there,
 *      or part of an allocated block of order >= 9, or in a cache as one.
 *   2. A tile hangs on the list of its largest free order, or is parked, in its own shard.
 *   3. A unit is free, or inside exactly one allocated block (owner byte at its first unit), or in
 *      a CPU's cache (owner byte 0), or a hole.
 *   4. shard.free_frames = free bits of split leaves + 512 per free bit of zones.
 *   5. Untouched frames are in zones that are not made, of one region only.
 *
 * Failure plan: nothing here allocates metadata, so nothing but shortage of frames can fail; a
 * contradiction between bitmap and request is a broken invariant and stops the machine.
 *
 * Locks, in the order in which they are taken: drain_lock (emptying the caches), region_lock
 * (regions, untouched ranges, making zones), a shard's lock (its tiles but for owner bytes); never
 * two shards' at once. Interrupts are off under all of them.
 */
#ifndef MM_BUDDY_CORE_H
#define MM_BUDDY_CORE_H

#include <stddef.h>

#include "mm/buddy_index.h"

#define BUDDY_NO_FRAME UINT64_MAX

/** Adds to a count that only the holder of its lock writes and everybody may read. */
static inline void count_add(_Atomic uint64_t *count, uint64_t difference)
{
    const uint64_t value = atomic_load_explicit(count, memory_order_relaxed);
    atomic_store_explicit(count, value + difference, memory_order_relaxed);
}

static inline uint64_t count_read(const _Atomic uint64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

/** Whether blocks are filled with junk; the caches then stay empty. */
static inline bool buddy_is_poisoning(const struct buddy_allocator *buddy)
{
    return atomic_load_explicit(&buddy->is_poisoning, memory_order_relaxed);
}

/** Number of the shard that this CPU takes from first. */
static inline uint8_t buddy_home_shard(const struct buddy_allocator *buddy)
{
    const uint32_t cpu = arch_cpu_number();
    /* Almost always the first: a division is slow. Below BUDDY_CPU_LIMIT either way. */
    /* cppcheck-suppress zerodiv ; shard_count is at least 1 (buddy_init) */
    return (uint8_t)(LIKELY(cpu < buddy->shard_count) ? cpu : cpu % buddy->shard_count);
}

/** The shard that owns @p tile. */
static inline struct buddy_shard *buddy_shard_of(struct buddy_allocator *buddy,
                                                 const struct buddy_tile *tile)
{
    return &buddy->shards[tile->shard];
}

/** Free frames but for those in caches. */
uint64_t buddy_core_free_frames(const struct buddy_allocator *buddy);

/** Makes all lists of @p shard empty. */
void buddy_core_init_lists(struct buddy_shard *shard);

/** The list that @p tile belongs on by its bitmap. */
uint8_t buddy_core_list_for(const struct buddy_tile *tile);

/** Puts @p tile on the list that fits its bitmap. To be called after units were taken from it; the
 *  shard's lock is held. */
void buddy_core_relink(struct buddy_shard *shard, struct buddy_tile *tile);

/** The same after units of @p tile became free: a leaf that is now full goes up to its zone. */
void buddy_core_settle(struct buddy_allocator *buddy, struct buddy_tile *tile);

/** Moves the wholly free leaf @p unit, whose zone has just given it away, down to its own level.
 *  The shard's lock is held. */
struct buddy_tile *buddy_core_split_leaf(struct buddy_zone *zone, unsigned unit);

/** Frees frames [@p first, @p end) of one zone, none of which is managed yet; makes the zone in its
 *  slot, for shard @p shard, where it is missing. The regions' lock is held, no shard's. */
void buddy_core_open(struct buddy_allocator *buddy, const struct buddy_slots *slots, uint64_t first,
                     uint64_t end, uint8_t shard);

/** The same for what of zone @p number is in @p area's untouched range, whose first or last zone it
 *  is. */
void buddy_core_carve(struct buddy_allocator *buddy, struct buddy_area *area, uint64_t number,
                      uint8_t shard);

/** The same for any untouched range. No lock is held. @return false: there is none */
bool buddy_core_carve_any(struct buddy_allocator *buddy, uint8_t shard);

/** Takes up to @p want blocks, best fit first; no owner byte is written. No shard's lock is held.
 *  @return how many; 0 only where no block of that order is free outside the caches. */
unsigned buddy_core_take(struct buddy_allocator *buddy, unsigned order, unsigned want,
                         struct buddy_block *blocks);

/** Takes a block that ends at or below frame @p limit. @return as buddy_core_take() of one. */
unsigned buddy_core_take_below(struct buddy_allocator *buddy, unsigned order, uint64_t limit,
                               struct buddy_block *block);

/** Gives back @p count blocks, whose owner bytes are 0 again; neighbours in the array that share a
 *  bitmap word go together. No shard's lock is held. */
void buddy_core_give(struct buddy_allocator *buddy, unsigned order, unsigned count,
                     const struct buddy_block *blocks);

#endif
