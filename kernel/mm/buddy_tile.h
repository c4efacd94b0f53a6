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
 * is all that coalescing takes. Pure over the tile; whoever calls holds the core's lock.
 */
#ifndef MM_BUDDY_TILE_H
#define MM_BUDDY_TILE_H

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

/** Owner bytes: 1..19 = order in frames + 1 of the allocated block that begins here. */
#define TILE_OWNER_NONE     0x00U /* not the first unit of an allocated block */
#define TILE_OWNER_METADATA 0x80U /* + order + 1: a block that the allocator took for itself */
#define TILE_OWNER_HOLE     0xffU /* not managed: no RAM, or not added */

#define TILE_ON_NO_LIST 0xffU

/**
 * The lists are of pointers, not of physical addresses: the direct map never moves once it is up,
 * and a list step would else cost a walk of the index.
 */
struct buddy_tile {
    uint64_t summary;
    struct buddy_tile *next; /* in the list of tiles with the same largest free order */
    struct buddy_tile *previous;
    uint32_t number; /* leaf: physical address >> 21; zone: physical address >> 30 */
    uint16_t free_units;
    uint8_t list; /* the list it hangs on, or TILE_ON_NO_LIST */
    bool is_zone;
    uint64_t bitmap[TILE_WORDS];
    uint8_t owner[TILE_UNITS];
};

_Static_assert(sizeof(struct buddy_tile) == 608, "metadata per 2 MiB; 304 KiB per GiB");

/** Makes @p tile empty: no unit free, every owner byte @p owner, on no list. */
void tile_reset(struct buddy_tile *tile, uint32_t number, bool is_zone, uint8_t owner);

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

/** Whether summary and free count tell the truth about the bitmap. */
bool tile_is_consistent(const struct buddy_tile *tile);

static inline bool tile_unit_is_free(const struct buddy_tile *tile, unsigned unit)
{
    return (tile->bitmap[unit / TILE_WORD_UNITS] & BIT(unit % TILE_WORD_UNITS)) != 0;
}

#endif
