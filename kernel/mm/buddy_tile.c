/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See buddy_tile.h. Two sizes of the same game: inside a 64-bit word a unit is a bit, inside the
 * summary a word is a byte ("lane"). In both, "aligned runs of the next order" are found from runs
 * of this order by one shift and one mask:
 *
 *     word     1 1 1 1 0 1 1 1     bit 7 .. 0
 *     order 0  1 1 1 1 0 1 1 1     every free bit starts a run of 1
 *     order 1  0 1 0 1 0 0 0 1     runs & (runs >> 1), at even places only
 *     order 2  0 0 0 1 0 0 0 0     runs & (runs >> 2), at places divisible by 4
 *
 * To keep large blocks whole, a block is cut out of the smallest run that holds it: first a word
 * whose largest run fits exactly, then inside the word the smallest run.
 */
#include "mm/buddy_tile.h"

#include <stddef.h>

#include "lib/string.h"

#define EVERY_LANE      UINT64_C(0x0101010101010101)
#define LANE_HIGH_BITS  (EVERY_LANE << 7)
#define LANE_BITS       8U
#define FULL_WORD_RANK  (TILE_WORD_ORDER + 1U)
#define GROUP_MAX_ORDER (TILE_MAX_ORDER - TILE_WORD_ORDER) /* 3: eight words */

_Static_assert(TILE_FULL_SUMMARY == FULL_WORD_RANK * EVERY_LANE, "every word full");

/* Bits at which an aligned run of 2^order may start. */
static const uint64_t word_aligned[TILE_WORD_ORDER + 1U] = {
    UINT64_MAX,
    UINT64_C(0x5555555555555555),
    UINT64_C(0x1111111111111111),
    UINT64_C(0x0101010101010101),
    UINT64_C(0x0001000100010001),
    UINT64_C(0x0000000100000001),
    UINT64_C(0x0000000000000001),
};

/* The same for lanes. */
static const uint64_t lane_aligned[GROUP_MAX_ORDER + 1U] = {
    EVERY_LANE,
    UINT64_C(0x0001000100010001),
    UINT64_C(0x0000000100000001),
    UINT64_C(0x0000000000000001),
};

void tile_reset(struct buddy_tile *tile, struct tile_identity identity, uint8_t owner)
{
    memset(tile, 0, offsetof(struct buddy_tile, owner));
    tile->number = identity.number;
    tile->shard = identity.shard;
    tile->is_zone = identity.is_zone;
    tile->link = (struct tile_link){ &tile->link, &tile->link };
    tile->list = TILE_PARKED;
    memset(tile->owner, owner, sizeof(tile->owner));
}

/* The start bits of the free runs of 2^(order + 1), from those of 2^order. */
static uint64_t word_runs_up(uint64_t runs, unsigned order)
{
    return runs & (runs >> (1U << order)) & word_aligned[order + 1U];
}

/* The start bits of all aligned runs of 2^order free units. */
static uint64_t word_runs(uint64_t word, unsigned order)
{
    /* Shifts by 1, 2, 4 ... below 2^order, and by 0 from there on: no branch to predict. */
    const unsigned reach = (1U << order) - 1U;
    for (unsigned i = 0; i < TILE_WORD_ORDER; i++) {
        word &= word >> (reach & (1U << i));
    }
    return word & word_aligned[order];
}

/* Without a branch: in a busy word the orders that still have runs change all the time. */
unsigned tile_word_rank(uint64_t word)
{
    unsigned rank = word != 0 ? 1U : 0U;
    for (unsigned order = 0; order < TILE_WORD_ORDER; order++) {
        word = word_runs_up(word, order);
        rank += word != 0 ? 1U : 0U;
    }
    return rank;
}

/* Lanes whose word is wholly free, as 1 in the lane's lowest bit. A full word's rank is 7, the only
 * one that reaches bit 3 when 1 is added. */
static uint64_t full_lanes(uint64_t summary)
{
    return ((summary + EVERY_LANE) >> 3) & EVERY_LANE;
}

static uint64_t lane_runs_up(uint64_t runs, unsigned order)
{
    return runs & (runs >> (LANE_BITS << order)) & lane_aligned[order + 1U];
}

/* The start lanes of all aligned runs of 2^order lanes; see word_runs(). */
static uint64_t lane_runs(uint64_t lanes, unsigned order)
{
    const unsigned reach = (1U << order) - 1U;
    for (unsigned i = 0; i < GROUP_MAX_ORDER; i++) {
        lanes &= lanes >> (LANE_BITS * (reach & (1U << i)));
    }
    return lanes & lane_aligned[order];
}

/* The largest lane of a summary without full words: settles one bit of the answer at a time. */
static unsigned largest_lane(uint64_t summary)
{
    unsigned largest = 0;
    for (unsigned bit = 4; bit != 0; bit >>= 1) {
        const uint64_t having = summary & (bit * EVERY_LANE);
        largest += having != 0 ? bit : 0U;
        summary &= having != 0 ? (having / bit) * UINT64_C(0xff) : UINT64_MAX;
    }
    return largest;
}

unsigned tile_summary_rank(uint64_t summary)
{
    uint64_t runs = full_lanes(summary);
    if (runs == 0) {
        return largest_lane(summary);
    }
    unsigned rank = FULL_WORD_RANK;
    for (unsigned order = 0; order < GROUP_MAX_ORDER; order++) {
        runs = lane_runs_up(runs, order);
        rank += runs != 0 ? 1U : 0U;
    }
    return rank;
}

static void set_lane(struct buddy_tile *tile, unsigned word, unsigned rank)
{
    const unsigned shift = word * LANE_BITS;
    tile->summary = (tile->summary & ~(UINT64_C(0xff) << shift)) | ((uint64_t)rank << shift);
}

static void set_word(struct buddy_tile *tile, unsigned word, uint64_t bits)
{
    tile->bitmap[word] = bits;
    set_lane(tile, word, tile_word_rank(bits));
}

/* A word with a run of 2^order: one whose largest run is just that, else any. */
static unsigned pick_word(uint64_t summary, unsigned order)
{
    const uint64_t rank = order + 1U;
    /* A lane that equals rank becomes 0; the lowest zero byte is then found exactly. */
    const uint64_t difference = summary ^ (rank * EVERY_LANE);
    uint64_t hits = (difference - EVERY_LANE) & ~difference & LANE_HIGH_BITS;
    if (hits == 0) {
        /* Lanes are at most 7: adding 0x80 - rank sets the high bit of those >= rank. */
        hits = (summary + (0x80U - rank) * EVERY_LANE) & LANE_HIGH_BITS;
    }
    return bits_lowest(hits) / LANE_BITS;
}

/* The start bit of the smallest run in `word` that holds 2^order units; there is one. */
static unsigned pick_run(uint64_t word, unsigned order)
{
    if (word == UINT64_MAX) {
        return 0;
    }
    uint64_t runs = word_runs(word, order);
    for (; order < TILE_WORD_ORDER; order++) {
        const uint64_t up = word_runs_up(runs, order);
        const uint64_t lone = runs & ~(up | (up << (1U << order)));
        if (lone != 0) {
            return bits_lowest(lone);
        }
        runs = up;
    }
    return bits_lowest(runs);
}

/* The first word of the smallest group of full words that holds 2^order of them; there is one. */
static unsigned pick_group(uint64_t summary, unsigned order)
{
    uint64_t runs = lane_runs(full_lanes(summary), order);
    for (; order < GROUP_MAX_ORDER; order++) {
        const uint64_t up = lane_runs_up(runs, order);
        const uint64_t lone = runs & ~(up | (up << (LANE_BITS << order)));
        if (lone != 0) {
            return bits_lowest(lone) / LANE_BITS;
        }
        runs = up;
    }
    return bits_lowest(runs) / LANE_BITS;
}

/* The lanes of the 2^order words from `word` on. */
static uint64_t group_lanes(unsigned word, unsigned order)
{
    return bits_mask(LANE_BITS << order) << (word * LANE_BITS);
}

static void set_group(struct buddy_tile *tile, unsigned word, unsigned order, uint64_t bits)
{
    const uint64_t lanes = group_lanes(word, order);
    for (unsigned i = 0; i < 1U << order; i++) {
        tile->bitmap[word + i] = bits;
    }
    tile->summary = (tile->summary & ~lanes) | (bits == 0 ? 0 : TILE_FULL_SUMMARY & lanes);
}

unsigned tile_take(struct buddy_tile *tile, unsigned order)
{
    if (order >= TILE_WORD_ORDER) {
        const unsigned word = pick_group(tile->summary, order - TILE_WORD_ORDER);
        set_group(tile, word, order - TILE_WORD_ORDER, 0);
        return word * TILE_WORD_UNITS;
    }
    const unsigned word = pick_word(tile->summary, order);
    const unsigned bit = pick_run(tile->bitmap[word], order);
    set_word(tile, word, tile->bitmap[word] & ~(bits_mask(1U << order) << bit));
    return word * TILE_WORD_UNITS + bit;
}

/* The lowest `want` bits of `runs`, or all of them. */
static uint64_t lowest_bits(uint64_t runs, unsigned want)
{
    if (bits_count(runs) <= want) {
        return runs;
    }
    uint64_t rest = runs;
    for (; want > 0; want--) {
        rest &= rest - 1U;
    }
    return runs & ~rest;
}

uint64_t tile_take_from_word(struct buddy_tile *tile, unsigned order, unsigned want,
                             unsigned *first_unit)
{
    const unsigned word = pick_word(tile->summary, order);
    const uint64_t taken = lowest_bits(word_runs(tile->bitmap[word], order), want);
    /* Spreads each start bit over its run: the bits above it are clear, so there is no carry. */
    const uint64_t units = taken * bits_mask(1U << order);
    set_word(tile, word, tile->bitmap[word] & ~units);
    *first_unit = word * TILE_WORD_UNITS;
    return taken;
}

bool tile_take_at(struct buddy_tile *tile, unsigned unit, unsigned order)
{
    const unsigned word = unit / TILE_WORD_UNITS;
    if (order >= TILE_WORD_ORDER) {
        const uint64_t lanes = group_lanes(word, order - TILE_WORD_ORDER);
        if ((tile->summary & lanes) != (TILE_FULL_SUMMARY & lanes)) {
            return false;
        }
        set_group(tile, word, order - TILE_WORD_ORDER, 0);
    } else {
        const uint64_t mask = bits_mask(1U << order) << (unit % TILE_WORD_UNITS);
        if ((tile->bitmap[word] & mask) != mask) {
            return false;
        }
        set_word(tile, word, tile->bitmap[word] & ~mask);
    }
    return true;
}

bool tile_give(struct buddy_tile *tile, unsigned unit, unsigned order)
{
    const unsigned word = unit / TILE_WORD_UNITS;
    if (order < TILE_WORD_ORDER) {
        return tile_give_mask(tile, word, bits_mask(1U << order) << (unit % TILE_WORD_UNITS));
    }
    if ((tile->summary & group_lanes(word, order - TILE_WORD_ORDER)) != 0) {
        return false;
    }
    set_group(tile, word, order - TILE_WORD_ORDER, UINT64_MAX);
    return true;
}

bool tile_give_mask(struct buddy_tile *tile, unsigned word, uint64_t mask)
{
    const uint64_t bits = tile->bitmap[word];
    if ((bits & mask) != 0) {
        return false;
    }
    set_word(tile, word, bits | mask);
    return true;
}

void tile_open(struct buddy_tile *tile, unsigned first, unsigned end)
{
    while (first < end) {
        const unsigned word = first / TILE_WORD_UNITS;
        const unsigned bit = first % TILE_WORD_UNITS;
        const unsigned count = (unsigned)bits_min(end - first, TILE_WORD_UNITS - bit);
        set_word(tile, word, tile->bitmap[word] | (bits_mask(count) << bit));
        first += count;
    }
}

static void count_word_blocks(uint64_t word, uint64_t *blocks)
{
    uint64_t runs = word;
    for (unsigned order = 0; order < TILE_WORD_ORDER && runs != 0; order++) {
        const uint64_t up = word_runs_up(runs, order);
        blocks[order] += (uint64_t)bits_count(runs & ~(up | (up << (1U << order))));
        runs = up;
    }
}

void tile_count_blocks(const struct buddy_tile *tile, uint64_t blocks[TILE_MAX_ORDER + 1U])
{
    for (unsigned word = 0; word < TILE_WORDS; word++) {
        count_word_blocks(tile->bitmap[word] == UINT64_MAX ? 0 : tile->bitmap[word], blocks);
    }
    uint64_t runs = full_lanes(tile->summary);
    for (unsigned order = 0; order < GROUP_MAX_ORDER; order++) {
        const uint64_t up = lane_runs_up(runs, order);
        const uint64_t lone = runs & ~(up | (up << (LANE_BITS << order)));
        blocks[TILE_WORD_ORDER + order] += (uint64_t)bits_count(lone);
        runs = up;
    }
    blocks[TILE_MAX_ORDER] += runs;
}

bool tile_is_consistent(const struct buddy_tile *tile)
{
    for (unsigned word = 0; word < TILE_WORDS; word++) {
        const uint64_t rank = (tile->summary >> (word * LANE_BITS)) & 0xffU;
        if (rank != tile_word_rank(tile->bitmap[word])) {
            return false;
        }
    }
    return true;
}
