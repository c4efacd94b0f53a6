/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A tile: 512 equal units with one bit (free or not) and one owner byte each, and a summary that
 * finds a free block without a search. The buddy allocator stacks two levels of them:
 *
 *     leaf  2 MiB = 512 frames       blocks of order 0..8 (in frames)
 *     zone  1 GiB = 512 leaves       blocks of order 9..18
 *
 * One code serves both; here an order counts log2 units of the tile, 0..9.
 *
 *     bitmap[0]   bitmap[1]                    bitmap[7]      bit set = unit is free
 *    |0 ..... 63|64 .... 127| ...            |448 ... 511|
 *     summary byte 0, byte 1 ...               byte 7         0 = nothing free in that word,
 *                                                             else 1 + its largest aligned order
 *
 * There is no record of single blocks: a free block is an aligned run of set bits, so setting bits
 * is all that coalescing takes. Pure over the tile; whoever calls holds the lock of its shard.
 */
#ifndef MM_BUDDY_TILE_H
#define MM_BUDDY_TILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define TILE_UNITS       512U
#define TILE_UNITS_SHIFT 9U
#define TILE_UNIT_MASK   (TILE_UNITS - 1U)
#define TILE_WORD_UNITS  64U
#define TILE_WORDS       (TILE_UNITS / TILE_WORD_UNITS)
#define TILE_WORD_ORDER  6U /* a whole word */
#define TILE_MAX_ORDER   9U /* the whole tile */

#define TILE_FULL_SUMMARY                                                   \
    UINT64_C(0x0707070707070707) /* eight words of rank TILE_WORD_ORDER + 1 \
                                  */

/** Owner bytes: 1..19 = order in frames + 1 of the allocated block that begins here. */
#define TILE_OWNER_NONE     0x00U /* not the first unit of an allocated block */
#define TILE_OWNER_METADATA 0x80U /* + order + 1: a block that the allocator took for itself */
#define TILE_OWNER_HOLE     0xffU /* not managed: no RAM, or not added */

/** List number of a tile that has nothing to take. */
#define TILE_PARKED 19U

/** A place in a ring. Pointers, not physical addresses: the direct map never moves once it is up,
 *  and a step would else cost a walk of the index. */
struct tile_link {
    struct tile_link *next;
    struct tile_link *previous;
};

struct buddy_tile {
    uint64_t summary;
    struct tile_link link; /* with the tiles of its shard that have the same largest free order */
    uint32_t number;       /* leaf: physical address >> 21; zone: physical address >> 30 */
    uint8_t list;          /* the list it hangs on */
    uint8_t shard;         /* whose lists; number, shard and is_zone never change */
    bool is_zone;
    uint64_t bitmap[TILE_WORDS];
    /* Written without a lock by the CPU that hands out or takes back the block; atomic because
     * another CPU's wild free may read it meanwhile. */
    _Atomic uint8_t owner[TILE_UNITS];
};

_Static_assert(sizeof(struct buddy_tile) == 608, "metadata per 2 MiB; 304 KiB per GiB");

/** What a tile is for good. */
struct tile_identity {
    uint32_t number;
    uint8_t shard;
    bool is_zone;
};

/** Makes @p tile, which nobody else knows yet, empty: no unit free, every owner byte @p owner,
 *  parked, its link a ring of its own. */
void tile_reset(struct buddy_tile *tile, struct tile_identity identity, uint8_t owner);

/** 1 + the largest order of an aligned run of set bits in @p word; 0 for an empty word. */
unsigned tile_word_rank(uint64_t word);

/** 1 + the largest order that @p summary can serve (0..10); 0 where nothing is free. */
unsigned tile_summary_rank(uint64_t summary);

/** Takes an aligned block of 2^@p order free units out of the best-fitting run. The caller knows
 *  that the tile has one (tile_summary_rank() > order). @return number of its first unit. */
unsigned tile_take(struct buddy_tile *tile, unsigned order);

/**
 * Takes up to @p want blocks of 2^@p order units (order < TILE_WORD_ORDER), all out of one word.
 * The caller knows that the tile has one.
 * @param first_unit receives the number of the word's first unit
 * @return mask of the first units of the blocks taken, relative to @p first_unit
 */
uint64_t tile_take_from_word(struct buddy_tile *tile, unsigned order, unsigned want,
                             unsigned *first_unit);

/** Takes the very block at @p unit. @return false, nothing changed, where it is not all free. */
bool tile_take_at(struct buddy_tile *tile, unsigned unit, unsigned order);

/** Gives back the block at @p unit. @return false, nothing changed, where one unit is free. */
bool tile_give(struct buddy_tile *tile, unsigned unit, unsigned order);

/** Gives back the units of word @p word that are set in @p mask. @return as tile_give(). */
bool tile_give_mask(struct buddy_tile *tile, unsigned word, uint64_t mask);

/** Frees units [@p first, @p end), none of which is free; no alignment asked. */
void tile_open(struct buddy_tile *tile, unsigned first, unsigned end);

/** Adds the number of maximal free blocks of each order to @p blocks[0..9]. */
void tile_count_blocks(const struct buddy_tile *tile, uint64_t blocks[TILE_MAX_ORDER + 1U]);

/** Whether the summary tells the truth about the bitmap. */
bool tile_is_consistent(const struct buddy_tile *tile);

/** Whether every unit is free. */
static inline bool tile_is_full(const struct buddy_tile *tile)
{
    return tile->summary == TILE_FULL_SUMMARY;
}

static inline bool tile_unit_is_free(const struct buddy_tile *tile, unsigned unit)
{
    return (tile->bitmap[unit / TILE_WORD_UNITS] & BIT(unit % TILE_WORD_UNITS)) != 0;
}

#endif
