/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The 512-unit tile of the buddy allocator against plain loops over its units: ranks, best fit,
 * taking, giving, counting.
 */
#include "mm/buddy_tile.h"

#include <string.h>

#include "tests/ktest.h"

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return random_state ^ (random_state >> 29);
}

/* Sparse, dense or in between, with long runs now and then. */
static uint64_t random_word(void)
{
    switch (next_random() >> 61) {
    case 0:
        return next_random() & next_random() & next_random();
    case 1:
        return next_random() | next_random() | next_random();
    case 2:
        return UINT64_MAX;
    case 3:
        return bits_mask((unsigned)(next_random() >> 58)) << (next_random() >> 58);
    default:
        return next_random();
    }
}

static void reset(struct buddy_tile *tile)
{
    tile_reset(tile, (struct tile_identity){ .number = 1 }, TILE_OWNER_NONE);
}

static void random_tile(struct buddy_tile *tile)
{
    reset(tile);
    for (unsigned unit = 0; unit < TILE_UNITS; unit += TILE_WORD_UNITS) {
        for (uint64_t word = random_word(); word != 0; word &= word - 1) {
            tile_open(tile, unit + bits_lowest(word), unit + bits_lowest(word) + 1);
        }
    }
}

static bool run_is_free(const struct buddy_tile *tile, unsigned unit, unsigned order)
{
    for (unsigned i = 0; i < 1U << order; i++) {
        if (!tile_unit_is_free(tile, unit + i)) {
            return false;
        }
    }
    return true;
}

static uint64_t free_units(const struct buddy_tile *tile)
{
    uint64_t count = 0;
    for (unsigned unit = 0; unit < TILE_UNITS; unit++) {
        count += tile_unit_is_free(tile, unit) ? 1U : 0U;
    }
    return count;
}

/* The order of the largest aligned free run that contains `unit`, which is free. */
static unsigned run_order(const struct buddy_tile *tile, unsigned unit)
{
    unsigned order = 0;
    while (order < TILE_MAX_ORDER && run_is_free(tile, unit & ~((2U << order) - 1U), order + 1)) {
        order++;
    }
    return order;
}

static bool is_same(const struct buddy_tile *a, const struct buddy_tile *b)
{
    return a->summary == b->summary && memcmp(a->bitmap, b->bitmap, sizeof(a->bitmap)) == 0;
}

/* 1 + the order of the largest aligned free run; 0 for none. */
static unsigned slow_rank(const struct buddy_tile *tile)
{
    unsigned rank = 0;
    for (unsigned unit = 0; unit < TILE_UNITS; unit++) {
        if (tile_unit_is_free(tile, unit)) {
            rank = (unsigned)bits_max(rank, run_order(tile, unit) + 1U);
        }
    }
    return rank;
}

static void tile_rank_is_the_largest_aligned_run(struct ktest *t)
{
    random_state = t->seed;
    for (unsigned i = 0; i < 2000 && t->failures == 0; i++) {
        struct buddy_tile tile;
        random_tile(&tile);
        KTEST_EQ(t, tile_summary_rank(tile.summary), slow_rank(&tile));
        KTEST_TRUE(t, tile_is_consistent(&tile));
        KTEST_TRUE(t, tile_is_full(&tile) == (free_units(&tile) == TILE_UNITS));
    }
    struct buddy_tile empty;
    reset(&empty);
    KTEST_EQ(t, tile_summary_rank(empty.summary), 0);
    tile_open(&empty, 0, TILE_UNITS);
    KTEST_EQ(t, tile_summary_rank(empty.summary), TILE_MAX_ORDER + 1);
}

static void tile_take_gives_an_aligned_free_block(struct ktest *t)
{
    random_state = t->seed;
    for (unsigned i = 0; i < 4000 && t->failures == 0; i++) {
        struct buddy_tile tile;
        random_tile(&tile);
        const struct buddy_tile before = tile;
        const unsigned rank = tile_summary_rank(tile.summary);
        if (rank == 0) {
            continue;
        }
        const unsigned order = (unsigned)(next_random() >> 33) % rank;
        const unsigned unit = tile_take(&tile, order);
        KTEST_TRUE(t, bits_is_aligned(unit, BIT(order)));
        KTEST_TRUE(t, run_is_free(&before, unit, order));
        KTEST_EQ(t, free_units(&tile), free_units(&before) - BIT(order));
        KTEST_TRUE(t, tile_is_consistent(&tile));
        KTEST_TRUE(t, tile_give(&tile, unit, order));
        KTEST_TRUE(t, is_same(&tile, &before));
    }
}

/* Inside a word and among whole words the smallest run that fits is cut. */
static void tile_take_keeps_large_runs_whole(struct ktest *t)
{
    struct buddy_tile tile;
    reset(&tile);
    tile_open(&tile, 0, 32);    /* order 5 */
    tile_open(&tile, 40, 42);   /* order 1, in the same word */
    tile_open(&tile, 66, 67);   /* order 0 */
    tile_open(&tile, 128, 384); /* two words, then two words: 7 and 7 */
    tile_open(&tile, 448, 512); /* order 6 */
    KTEST_EQ(t, tile_take(&tile, 0), 66);
    KTEST_EQ(t, tile_take(&tile, 6), 448);
    KTEST_EQ(t, tile_take(&tile, 1), 40);
    KTEST_EQ(t, tile_take(&tile, 5), 0);
    KTEST_EQ(t, tile_take(&tile, 6), 128);
    KTEST_EQ(t, tile_take(&tile, 6), 192);
    KTEST_EQ(t, tile_take(&tile, 7), 256);
    KTEST_EQ(t, free_units(&tile), 0);
    KTEST_EQ(t, tile.summary, 0);
}

static void tile_take_from_word_takes_what_there_is(struct ktest *t)
{
    random_state = t->seed;
    for (unsigned i = 0; i < 4000 && t->failures == 0; i++) {
        struct buddy_tile tile;
        random_tile(&tile);
        const struct buddy_tile before = tile;
        const unsigned order = (unsigned)(next_random() >> 33) % TILE_WORD_ORDER;
        if (tile_summary_rank(tile.summary) <= order) {
            continue;
        }
        const unsigned want = 1 + (unsigned)(next_random() >> 33) % TILE_WORD_UNITS;
        unsigned first;
        const uint64_t taken = tile_take_from_word(&tile, order, want, &first);
        const unsigned count = (unsigned)__builtin_popcountll(taken);
        KTEST_TRUE(t, count >= 1 && count <= want);
        KTEST_EQ(t, free_units(&tile), free_units(&before) - (uint64_t)count * BIT(order));
        KTEST_TRUE(t, tile_is_consistent(&tile));
        for (uint64_t left = taken; left != 0; left &= left - 1) {
            KTEST_TRUE(t, run_is_free(&before, first + bits_lowest(left), order));
            KTEST_TRUE(t, tile_give(&tile, first + bits_lowest(left), order));
        }
        KTEST_TRUE(t, is_same(&tile, &before));
    }
}

static void tile_give_of_a_free_unit_is_refused(struct ktest *t)
{
    for (unsigned order = 0; order <= TILE_MAX_ORDER; order++) {
        const unsigned last = (TILE_UNITS - 1U) & ~((1U << order) - 1U);
        struct buddy_tile tile;
        reset(&tile);
        tile_open(&tile, TILE_UNITS - 1U, TILE_UNITS);
        const struct buddy_tile before = tile;
        KTEST_FALSE(t, tile_give(&tile, last, order));
        KTEST_TRUE(t, is_same(&tile, &before));
    }
}

static void tile_take_at_takes_free_blocks_only(struct ktest *t)
{
    random_state = t->seed;
    for (unsigned i = 0; i < 4000 && t->failures == 0; i++) {
        struct buddy_tile tile;
        random_tile(&tile);
        const struct buddy_tile before = tile;
        const unsigned order = (unsigned)(next_random() >> 33) % (TILE_MAX_ORDER + 1U);
        const unsigned unit = (unsigned)(next_random() >> 33) % TILE_UNITS & ~((1U << order) - 1U);
        const bool is_taken = tile_take_at(&tile, unit, order);
        KTEST_TRUE(t, is_taken == run_is_free(&before, unit, order));
        KTEST_TRUE(t, tile_is_consistent(&tile));
        KTEST_TRUE(t, !is_taken || tile_give(&tile, unit, order));
        KTEST_TRUE(t, is_same(&tile, &before));
    }
}

static void tile_counts_maximal_blocks(struct ktest *t)
{
    random_state = t->seed;
    for (unsigned i = 0; i < 2000 && t->failures == 0; i++) {
        struct buddy_tile tile;
        random_tile(&tile);
        uint64_t expected[TILE_MAX_ORDER + 1U] = { 0 };
        uint64_t counted[TILE_MAX_ORDER + 1U] = { 0 };
        for (unsigned unit = 0; unit < TILE_UNITS; unit++) {
            if (tile_unit_is_free(&tile, unit) &&
                bits_is_aligned(unit, BIT(run_order(&tile, unit)))) {
                expected[run_order(&tile, unit)]++;
            }
        }
        tile_count_blocks(&tile, counted);
        KTEST_EQ(t, memcmp(expected, counted, sizeof(expected)), 0);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(tile_rank_is_the_largest_aligned_run),
    KTEST_CASE(tile_take_gives_an_aligned_free_block),
    KTEST_CASE(tile_take_keeps_large_runs_whole),
    KTEST_CASE(tile_take_from_word_takes_what_there_is),
    KTEST_CASE(tile_give_of_a_free_unit_is_refused),
    KTEST_CASE(tile_take_at_takes_free_blocks_only),
    KTEST_CASE(tile_counts_maximal_blocks),
};
KTEST_SUITE(mm_buddy_tile, "mm.buddy_tile", cases);
