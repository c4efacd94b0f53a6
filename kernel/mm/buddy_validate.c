/* SPDX-License-Identifier: GPL-2.0-only
 *
 * buddy_validate(): counts everything again, the slow way, and compares. Checks the invariants that
 * buddy_core.h lists; stops at the first that is broken and names it. For tests.
 */
#include "mm/buddy_cache.h"
#include "mm/buddy_core.h"
#include "printk.h"

/* What the walk has counted. */
struct audit {
    const struct buddy_allocator *buddy;
    const char *broken;   /* the first broken invariant, NULL while all is well */
    uint64_t where;       /* frame number */
    uint64_t free_frames; /* in shards */
    uint64_t shard_free_frames[BUDDY_CPU_LIMIT];
    uint64_t untouched_frames;
    uint64_t allocated_frames;
    uint64_t metadata_frames;
    uint64_t unaccounted_frames; /* neither free nor in a block: to be found in the caches */
    uint64_t cached_frames;
    uint64_t listed_tiles; /* that say they are on a list other than the parked ones' */
    uint8_t zone_shard;    /* of the zone that is being walked */
};

static bool expect(struct audit *audit, bool ok, const char *invariant, uint64_t frame)
{
    if (!ok && audit->broken == NULL) {
        audit->broken = invariant;
        audit->where = frame;
    }
    return ok;
}

/* What is the same for leaves and zones. */
static void audit_tile(struct audit *audit, const struct buddy_tile *tile, uint64_t number,
                       uint64_t first_frame)
{
    expect(audit, tile->number == number, "a tile knows its number", first_frame);
    expect(audit, tile_is_consistent(tile), "summary and count fit the bitmap", first_frame);
    expect(audit, tile->list == buddy_core_list_for(tile), "a tile is on the list of its order",
           first_frame);
    audit->listed_tiles += tile->list != TILE_PARKED ? 1U : 0U;
}

/* The block whose head is `unit`: inside the tile, aligned, nothing in it free or owned. `base` is
 * the order in frames of one unit. @return units in the block */
static unsigned audit_block(struct audit *audit, const struct buddy_tile *tile, unsigned unit,
                            unsigned base, uint64_t first_frame)
{
    const uint8_t owner = owner_load(&tile->owner[unit]);
    const bool is_metadata = owner >= TILE_OWNER_METADATA;
    const unsigned order = (owner & ~TILE_OWNER_METADATA) - 1U;
    const uint64_t frame = first_frame + ((uint64_t)unit << base);
    if (!expect(audit, order >= base && order - base <= TILE_MAX_ORDER,
                "an owner byte is of its level", frame) ||
        !expect(audit, bits_is_aligned(unit, BIT(order - base)), "a block is aligned", frame)) {
        return 1;
    }
    const unsigned count = 1U << (order - base);
    for (unsigned i = unit; i < unit + count; i++) {
        expect(audit, !tile_unit_is_free(tile, i), "a block's units are not free", frame);
        expect(audit, i == unit || owner_load(&tile->owner[i]) == TILE_OWNER_NONE,
               "blocks do not overlap", frame);
    }
    *(is_metadata ? &audit->metadata_frames : &audit->allocated_frames) += BIT(order);
    return count;
}

static void audit_leaf(struct audit *audit, const struct buddy_tile *leaf, uint64_t first_frame)
{
    audit_tile(audit, leaf, first_frame >> LEAF_FRAMES_SHIFT, first_frame);
    expect(audit, !leaf->is_zone, "a leaf is no zone", first_frame);
    expect(audit, leaf->shard == audit->zone_shard, "a leaf is in its zone's shard", first_frame);
    for (unsigned unit = 0; unit < TILE_UNITS;) {
        const bool is_free = tile_unit_is_free(leaf, unit);
        const uint8_t owner = owner_load(&leaf->owner[unit]);
        unsigned count = 1;
        if (owner == TILE_OWNER_HOLE) {
            expect(audit, !is_free, "a hole is not free", first_frame + unit);
        } else if (owner != TILE_OWNER_NONE) {
            count = audit_block(audit, leaf, unit, 0, first_frame);
        } else {
            *(is_free ? &audit->free_frames : &audit->unaccounted_frames) += 1U;
        }
        unit += count;
    }
}

/* A leaf that is free or part of a larger block keeps no records of its own. */
static void audit_whole_leaf(struct audit *audit, const struct buddy_tile *leaf, uint64_t frame)
{
    audit_tile(audit, leaf, frame >> LEAF_FRAMES_SHIFT, frame);
    expect(audit, tile_is_full(leaf), "a free leaf's bitmap says full", frame);
    for (unsigned unit = 0; unit < TILE_UNITS; unit++) {
        expect(audit, owner_load(&leaf->owner[unit]) == TILE_OWNER_NONE,
               "a free leaf has no owner bytes", frame + unit);
    }
}

/* Unit `unit` of `zone`, which is no head of a block. */
static void audit_zone_unit(struct audit *audit, const struct buddy_zone *zone, unsigned unit,
                            uint64_t frame)
{
    const bool is_free = tile_unit_is_free(&zone->tile, unit);
    const struct buddy_tile *const leaf = buddy_find_leaf(zone, unit);
    if (!buddy_leaf_is_known(zone, unit)) {
        expect(audit, !is_free, "a free leaf has a slot", frame);
    } else if (leaf != NULL && !tile_is_full(leaf)) {
        expect(audit, !is_free, "a split leaf is not free as a whole", frame);
        audit_leaf(audit, leaf, frame);
    } else {
        *(is_free ? &audit->free_frames : &audit->unaccounted_frames) += LEAF_FRAMES;
        if (leaf != NULL) {
            audit_whole_leaf(audit, leaf, frame);
        }
    }
}

static void audit_zone(struct audit *audit, const struct buddy_zone *zone, uint64_t number)
{
    const uint64_t first_frame = number << ZONE_FRAMES_SHIFT;
    audit_tile(audit, &zone->tile, number, first_frame);
    expect(audit, zone->tile.is_zone, "a zone is a zone", first_frame);
    audit->zone_shard = zone->tile.shard;
    for (unsigned unit = 0; unit < TILE_UNITS;) {
        unsigned count = 1;
        if (owner_load(&zone->tile.owner[unit]) != TILE_OWNER_NONE) {
            count = audit_block(audit, &zone->tile, unit, ZONE_ORDER_BASE, first_frame);
        } else {
            audit_zone_unit(audit, zone, unit, first_frame + ((uint64_t)unit << LEAF_FRAMES_SHIFT));
        }
        unit += count;
    }
}

static void audit_areas(struct audit *audit)
{
    for (const struct buddy_area *area = audit->buddy->areas; area != NULL; area = area->next) {
        audit->metadata_frames += area->frames;
    }
    for (const struct buddy_area *area = audit->buddy->untouched; area != NULL;
         area = area->next_untouched) {
        const uint64_t first = area->untouched_first;
        const uint64_t end = area->untouched_end;
        audit->untouched_frames += end - first;
        expect(audit, first <= end, "untouched ranges are ranges", first);
        if (first < end) {
            uint64_t number = first >> ZONE_FRAMES_SHIFT;
            const uint64_t number_end = ((end - 1U) >> ZONE_FRAMES_SHIFT) + 1U;
            expect(audit, buddy_next_zone(audit->buddy, &number, number_end) == NULL,
                   "an untouched zone is not made", first);
        }
    }
}

static uint64_t audit_list(struct audit *audit, uint32_t shard, unsigned list)
{
    const struct buddy_shard *const lists = &audit->buddy->shards[shard];
    const struct tile_link *const head = &lists->lists[list];
    uint64_t count = 0;
    for (struct tile_link *link = head->next; link != head; link = link->next) {
        const struct buddy_tile *const tile = CONTAINER_OF(link, struct buddy_tile, link);
        expect(audit, tile->list == list, "a list holds its own tiles", tile->number);
        expect(audit, tile->shard == shard, "a tile is in its own shard", tile->number);
        expect(audit, link->next->previous == link, "links go both ways", tile->number);
        count++;
    }
    const bool is_marked = ((lists->list_mask >> list) & 1U) != 0;
    expect(audit, is_marked == (count != 0), "the mask tells which lists are empty", list);
    return count;
}

static void audit_lists(struct audit *audit)
{
    uint64_t listed = 0;
    for (uint32_t shard = 0; shard < audit->buddy->shard_count; shard++) {
        for (unsigned list = 0; list < BUDDY_ORDER_COUNT; list++) {
            listed += audit_list(audit, shard, list);
        }
        expect(audit,
               audit->shard_free_frames[shard] ==
                   count_read(&audit->buddy->shards[shard].free_frames),
               "free frames of a shard", shard);
    }
    expect(audit, listed == audit->listed_tiles, "every tile with room is on a list", listed);
}

static void audit_cached(void *context, const struct buddy_block *block, unsigned order)
{
    struct audit *const audit = context;
    audit->cached_frames += BIT(order);
    expect(audit, bits_is_aligned(block->frame, BIT(order)), "a cached block is aligned",
           block->frame);
    expect(audit, block->owner == buddy_find_owner(audit->buddy, block->frame, order),
           "a cached block knows its owner byte", block->frame);
    expect(audit, owner_load(block->owner) == TILE_OWNER_NONE, "a cached block has no owner",
           block->frame);
}

static void audit_sums(struct audit *audit)
{
    const struct buddy_allocator *const buddy = audit->buddy;
    expect(audit, audit->untouched_frames == count_read(&buddy->untouched_frames),
           "untouched frames", audit->untouched_frames);
    expect(audit, audit->cached_frames == audit->unaccounted_frames, "cached frames",
           audit->unaccounted_frames);
    expect(audit, audit->metadata_frames == count_read(&buddy->metadata_frames), "metadata frames",
           audit->metadata_frames);
    expect(audit,
           audit->free_frames + audit->untouched_frames + audit->cached_frames +
                   audit->allocated_frames ==
               count_read(&buddy->total_frames),
           "total frames", count_read(&buddy->total_frames));
}

enum kstatus buddy_validate(struct buddy_allocator *buddy)
{
    struct audit audit = { .buddy = buddy };
    const uint64_t token = spinlock_lock_irqsave(&buddy->region_lock);
    uint64_t number = 0;
    for (struct buddy_zone *zone;
         (zone = buddy_next_zone(buddy, &number, BUDDY_ZONE_LIMIT)) != NULL; number++) {
        const uint64_t before = audit.free_frames;
        audit_zone(&audit, zone, number);
        audit.shard_free_frames[zone->tile.shard] += audit.free_frames - before;
    }
    audit_areas(&audit);
    audit_lists(&audit);
    buddy_cache_for_each(buddy, audit_cached, &audit);
    audit_sums(&audit);
    spinlock_unlock_irqrestore(&buddy->region_lock, token);
    if (audit.broken != NULL) {
        pr_err("buddy: broken invariant: %s (0x%" FMTx64 ")", audit.broken, audit.where);
    }
    return audit.broken == NULL ? K_OK : K_EIO;
}
