/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See buddy_core.h. Blocks are taken in three steps: pick the list with the smallest largest order
 * that suffices, cut the blocks out of that list's first tile, put the tile where it now belongs.
 *
 *     order < 9, a leaf has room          leaf -> blocks
 *     order < 9, no leaf has              zone -> leaf (now split) -> blocks
 *     order >= 9                          zone -> blocks
 *     nothing on any list of the shard    carve an untouched zone for it, then as above
 *
 * A batch takes each shard's lock once.
 */
#include "mm/buddy_core.h"

#include "panic.h"

/* ---- lists ----------------------------------------------------------------------------------- */

#define RANKS (TILE_MAX_ORDER + 2U)
#define NONE  TILE_PARKED

/* By tile_summary_rank(): a zone without anything free is parked, a leaf also when it is full. */
static const uint8_t leaf_lists[RANKS] = { NONE, 0, 1, 2, 3, 4, 5, 6, 7, 8, NONE };
static const uint8_t zone_lists[RANKS] = { NONE, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 };

uint8_t buddy_core_list_for(const struct buddy_tile *tile)
{
    const uint8_t *const lists = tile->is_zone ? zone_lists : leaf_lists;
    return lists[tile_summary_rank(tile->summary)];
}

void buddy_core_init_lists(struct buddy_shard *shard)
{
    for (unsigned list = 0; list < BUDDY_LIST_COUNT; list++) {
        shard->lists[list] = (struct tile_link){ &shard->lists[list], &shard->lists[list] };
    }
}

/* Rings need no branch to unlink, and next to none of those that are left can be predicted. */
void buddy_core_relink(struct buddy_shard *shard, struct buddy_tile *tile)
{
    const uint8_t list = buddy_core_list_for(tile);
    struct tile_link *const link = &tile->link;
    if (list == tile->list) {
        return;
    }
    link->previous->next = link->next;
    link->next->previous = link->previous;
    const struct tile_link *const old_head = &shard->lists[tile->list];
    const uint32_t is_empty = old_head->next == old_head ? 1U : 0U;
    shard->list_mask &= ~(is_empty << tile->list);

    struct tile_link *const head = &shard->lists[list];
    *link = (struct tile_link){ head->next, head };
    head->next->previous = link;
    head->next = link;
    shard->list_mask |= UINT32_C(1) << list;
    tile->list = list;
}

void buddy_core_settle(struct buddy_allocator *buddy, struct buddy_tile *tile)
{
    struct buddy_shard *const shard = buddy_shard_of(buddy, tile);
    buddy_core_relink(shard, tile);
    if (tile->is_zone || !tile_is_full(tile)) {
        return;
    }
    struct buddy_zone *const zone = buddy_find_zone(buddy, tile->number >> TILE_UNITS_SHIFT);
    BUG_ON(!tile_give(&zone->tile, tile->number & TILE_UNIT_MASK, 0));
    buddy_core_relink(shard, &zone->tile);
}

/* ---- take ------------------------------------------------------------------------------------ */

uint64_t buddy_core_free_frames(const struct buddy_allocator *buddy)
{
    uint64_t frames = count_read(&buddy->untouched_frames);
    for (uint32_t shard = 0; shard < buddy->shard_count; shard++) {
        frames += count_read(&buddy->shards[shard].free_frames);
    }
    return frames;
}

/* The tile that a block of 2^order frames is best cut from, or NULL. */
static struct buddy_tile *pick_tile(const struct buddy_shard *shard, unsigned order)
{
    const uint32_t useful = (UINT32_C(1) << TILE_PARKED) - (UINT32_C(1) << order);
    const uint32_t fitting = shard->list_mask & useful;
    if (fitting == 0) {
        return NULL;
    }
    return CONTAINER_OF(shard->lists[bits_lowest(fitting)].next, struct buddy_tile, link);
}

struct buddy_tile *buddy_core_split_leaf(struct buddy_zone *zone, unsigned unit)
{
    struct buddy_tile *leaf = buddy_find_leaf(zone, unit);
    if (leaf == NULL) {
        leaf = buddy_make_leaf(zone, unit, TILE_OWNER_NONE);
        tile_open(leaf, 0, TILE_UNITS);
    }
    return leaf;
}

/* A leaf with a free block of 2^order frames, order < 9, or NULL; the caller takes and relinks. */
static struct buddy_tile *pick_leaf(struct buddy_shard *shard, unsigned order)
{
    struct buddy_tile *const tile = pick_tile(shard, order);
    if (tile == NULL || !tile->is_zone) {
        return tile;
    }
    const unsigned unit = tile_take(tile, 0);
    buddy_core_relink(shard, tile);
    return buddy_core_split_leaf(CONTAINER_OF(tile, struct buddy_zone, tile), unit);
}

static struct buddy_block block_at(struct buddy_tile *tile, unsigned unit)
{
    return (struct buddy_block){ tile_frame(tile, unit), &tile->owner[unit] };
}

/* Cuts up to `want` blocks of 2^order units, order < 6, out of one word of `tile`; the lowest comes
 * last, so that a stack hands them out upwards. @return how many */
static unsigned cut_word(struct buddy_tile *tile, unsigned order, unsigned want,
                         struct buddy_block *blocks)
{
    unsigned first_unit;
    uint64_t heads = tile_take_from_word(tile, order, want, &first_unit);
    const struct buddy_block first = block_at(tile, first_unit);
    const unsigned frames_shift = tile->is_zone ? ZONE_ORDER_BASE : 0U;
    const unsigned count = bits_count(heads);
    for (unsigned i = count; i > 0; i--) {
        const unsigned unit = bits_lowest(heads);
        heads &= heads - 1U;
        blocks[i - 1U] = (struct buddy_block){ first.frame + ((uint64_t)unit << frames_shift),
                                               first.owner + unit };
    }
    return count;
}

/* Takes up to `want` blocks out of one tile. @return how many */
static unsigned take_from_tile(struct buddy_shard *shard, unsigned order, unsigned want,
                               struct buddy_block *blocks)
{
    const bool is_small = order < ZONE_ORDER_BASE;
    struct buddy_tile *const tile = is_small ? pick_leaf(shard, order) : pick_tile(shard, order);
    if (tile == NULL) {
        return 0;
    }
    const unsigned tile_order = is_small ? order : order - ZONE_ORDER_BASE;
    unsigned count = 1;
    if (want > 1 && tile_order < TILE_WORD_ORDER) {
        count = cut_word(tile, tile_order, want, blocks);
    } else {
        blocks[0] = block_at(tile, tile_take(tile, tile_order));
    }
    buddy_core_relink(shard, tile);
    return count;
}

static unsigned take_from_shard(struct buddy_shard *shard, unsigned order, unsigned want,
                                struct buddy_block *blocks)
{
    unsigned count = 0;
    unsigned got;
    spinlock_lock(&shard->lock);
    do {
        got = take_from_tile(shard, order, want - count, blocks + count);
        count += got;
    } while (got != 0 && count < want);
    count_add(&shard->free_frames, -((uint64_t)count << order));
    spinlock_unlock(&shard->lock);
    return count;
}

unsigned buddy_core_take(struct buddy_allocator *buddy, unsigned order, unsigned want,
                         struct buddy_block *blocks)
{
    const uint8_t home = buddy_home_shard(buddy);
    unsigned count;
    do {
        count = take_from_shard(&buddy->shards[home], order, want, blocks);
    } while (count == 0 && buddy_core_carve_any(buddy, home));
    for (uint32_t i = 1; count == 0 && i < buddy->shard_count; i++) {
        count =
            take_from_shard(&buddy->shards[(home + i) % buddy->shard_count], order, want, blocks);
    }
    return count;
}

/* ---- give ------------------------------------------------------------------------------------ */

/* Number of the block's first unit in its tile. */
static unsigned block_unit(const struct buddy_block *block, unsigned order)
{
    return order < ZONE_ORDER_BASE ? frame_unit(block->frame) : frame_leaf_unit(block->frame);
}

static struct buddy_tile *block_tile(const struct buddy_block *block, unsigned order)
{
    const uintptr_t first = (uintptr_t)block->owner - block_unit(block, order);
    return (struct buddy_tile *)(first - offsetof(struct buddy_tile, owner));
}

/* Bit s: a block belongs to shard s. */
static uint32_t shards_of(const struct buddy_allocator *buddy, unsigned order, unsigned count,
                          const struct buddy_block *blocks)
{
    if (buddy->shard_count == 1) {
        return 1;
    }
    uint32_t shards = 0;
    uint64_t last_zone = BUDDY_NO_FRAME;
    for (unsigned i = 0; i < count; i++) {
        const uint64_t zone = blocks[i].frame >> ZONE_FRAMES_SHIFT;
        if (zone != last_zone) {
            shards |= UINT32_C(1) << block_tile(&blocks[i], order)->shard;
        }
        last_zone = zone;
    }
    return shards;
}

/* Gives back the blocks at the head of `blocks` that lie in one word of `tile`. @return how many */
static unsigned give_word(struct buddy_tile *tile, unsigned tile_order, unsigned count,
                          const struct buddy_block *blocks)
{
    const uint64_t units = bits_mask(1U << tile_order);
    const size_t word = (size_t)(blocks->owner - tile->owner) / TILE_WORD_UNITS;
    /* Where the owner bytes of the word's units begin. */
    const uintptr_t first = (uintptr_t)&tile->owner[word * TILE_WORD_UNITS];
    uint64_t mask = 0;
    uint64_t sum = 0; /* equals the mask as long as no unit comes twice */
    unsigned i = 0;
    for (; i < count; i++) {
        const uintptr_t unit = (uintptr_t)blocks[i].owner - first;
        if (unit >= TILE_WORD_UNITS) {
            break;
        }
        mask |= units << unit;
        sum += units << unit;
    }
    BUG_ON(sum != mask || !tile_give_mask(tile, (unsigned)word, mask));
    return i;
}

static unsigned give_alone(struct buddy_tile *tile, unsigned tile_order,
                           const struct buddy_block *block)
{
    BUG_ON(!tile_give(tile, (unsigned)(block->owner - tile->owner), tile_order));
    return 1;
}

/* Gives back the first of `blocks`, and those behind it that can go with it. @return how many */
static unsigned give_some(struct buddy_allocator *buddy, struct buddy_tile *tile, unsigned order,
                          unsigned count, const struct buddy_block *blocks)
{
    const unsigned tile_order = order < ZONE_ORDER_BASE ? order : order - ZONE_ORDER_BASE;
    const uint64_t summary = tile->summary;
    const unsigned given = count > 1 && tile_order < TILE_WORD_ORDER
                               ? give_word(tile, tile_order, count, blocks)
                               : give_alone(tile, tile_order, blocks);
    if (tile->summary != summary) {
        buddy_core_settle(buddy, tile);
    }
    return given;
}

/* Gives back those of the blocks that belong to `shard`. */
static void give_to_shard(struct buddy_allocator *buddy, struct buddy_shard *shard, unsigned order,
                          unsigned count, const struct buddy_block *blocks)
{
    unsigned given = 0;
    spinlock_lock(&shard->lock);
    for (unsigned i = 0; i < count;) {
        struct buddy_tile *const tile = block_tile(&blocks[i], order);
        if (buddy_shard_of(buddy, tile) == shard) {
            const unsigned some = give_some(buddy, tile, order, count - i, &blocks[i]);
            given += some;
            i += some;
        } else {
            i++;
        }
    }
    count_add(&shard->free_frames, (uint64_t)given << order);
    spinlock_unlock(&shard->lock);
}

static void give_one(struct buddy_allocator *buddy, unsigned order, const struct buddy_block *block)
{
    struct buddy_tile *const tile = block_tile(block, order);
    struct buddy_shard *const shard = buddy_shard_of(buddy, tile);
    spinlock_lock(&shard->lock);
    (void)give_some(buddy, tile, order, 1, block); /* one */
    count_add(&shard->free_frames, BIT(order));
    spinlock_unlock(&shard->lock);
}

void buddy_core_give(struct buddy_allocator *buddy, unsigned order, unsigned count,
                     const struct buddy_block *blocks)
{
    if (count == 1) {
        give_one(buddy, order, blocks);
        return;
    }
    uint32_t shards = shards_of(buddy, order, count, blocks);
    /* Each CPU begins with another shard, so that they do not queue one behind the other. */
    for (uint32_t shard = buddy_home_shard(buddy); shards != 0; shard++) {
        const uint32_t number = shard % BUDDY_CPU_LIMIT;
        if (((shards >> number) & 1U) != 0) {
            give_to_shard(buddy, &buddy->shards[number], order, count, blocks);
            shards &= ~(UINT32_C(1) << number);
        }
    }
}
