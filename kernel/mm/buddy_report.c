/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What the buddy allocator can tell about itself: why a free is bad, and how much of what there is.
 * Reads the metadata under the locks that guard it, changes nothing, prints nothing.
 */
#include "lib/string.h"
#include "mm/buddy_cache.h"
#include "mm/buddy_core.h"

/* ---- bad frees ------------------------------------------------------------------------------- */

const char *buddy_bad_free_text(enum buddy_bad_free kind)
{
    switch (kind) {
    case BUDDY_FREE_IS_GOOD:
        return "good";
    case BUDDY_FREE_BAD_COUNT:
        return "no block has so many frames";
    case BUDDY_FREE_MISALIGNED:
        return "misaligned";
    case BUDDY_FREE_OUT_OF_RANGE:
        return "no such RAM";
    case BUDDY_FREE_HOLE:
        return "a hole";
    case BUDDY_FREE_METADATA:
        return "the allocator's metadata";
    case BUDDY_FREE_NOT_ALLOCATED:
        return "not allocated";
    case BUDDY_FREE_WRONG_ORDER:
        return "wrong order";
    case BUDDY_FREE_INTERIOR:
        return "inside an allocated block";
    }
    return "unknown";
}

/* Whether `frame` is in a region's own metadata; `is_untouched`: or in RAM that is free and was
 * never touched. */
static bool is_in_area(const struct buddy_allocator *buddy, uint64_t frame, bool *is_untouched)
{
    *is_untouched = false;
    for (const struct buddy_area *area = buddy->areas; area != NULL; area = area->next) {
        if (frame >= area->first_frame && frame - area->first_frame < area->frames) {
            return true;
        }
        *is_untouched |= frame >= area->untouched_first && frame < area->untouched_end;
    }
    return false;
}

/* The owner byte of the block that contains `frame`, 0 for none; `order` and `head` of it. */
static uint8_t find_block(const struct buddy_allocator *buddy, uint64_t frame, unsigned *order,
                          uint64_t *head)
{
    for (unsigned candidate = 0; candidate <= BUDDY_MAX_ORDER; candidate++) {
        const uint64_t start = bits_align_down(frame, BIT(candidate));
        const _Atomic uint8_t *const byte = buddy_find_owner(buddy, start, candidate);
        const uint8_t owner = byte == NULL ? TILE_OWNER_NONE : owner_load(byte);
        if (owner == candidate + 1U || owner == TILE_OWNER_METADATA + candidate + 1U) {
            *order = candidate;
            *head = start;
            return owner;
        }
    }
    return TILE_OWNER_NONE;
}

static bool is_hole(const struct buddy_allocator *buddy, uint64_t frame)
{
    const struct buddy_zone *const zone = buddy_find_zone(buddy, frame >> ZONE_FRAMES_SHIFT);
    if (zone == NULL || !buddy_leaf_is_known(zone, frame_leaf_unit(frame))) {
        return true;
    }
    const struct buddy_tile *const leaf = buddy_find_leaf(zone, frame_leaf_unit(frame));
    return leaf != NULL && owner_load(&leaf->owner[frame_unit(frame)]) == TILE_OWNER_HOLE;
}

static enum buddy_bad_free classify_unowned(const struct buddy_allocator *buddy, uint64_t frame)
{
    bool is_untouched;
    if (is_in_area(buddy, frame, &is_untouched)) {
        return BUDDY_FREE_METADATA;
    }
    if (is_untouched) {
        return BUDDY_FREE_NOT_ALLOCATED;
    }
    if (buddy_find_zone(buddy, frame >> ZONE_FRAMES_SHIFT) == NULL) {
        return BUDDY_FREE_OUT_OF_RANGE;
    }
    return is_hole(buddy, frame) ? BUDDY_FREE_HOLE : BUDDY_FREE_NOT_ALLOCATED;
}

static enum buddy_bad_free classify(const struct buddy_allocator *buddy, phys_addr_t base,
                                    page_frame_count_t count, struct buddy_free_report *report)
{
    if (!bits_is_power_of_two(count.value) || count.value > BIT(BUDDY_MAX_ORDER)) {
        return BUDDY_FREE_BAD_COUNT;
    }
    if (!bits_is_aligned(base.value, count.value << PAGE_SHIFT)) {
        return BUDDY_FREE_MISALIGNED;
    }
    if (base.value >= BIT(BUDDY_ADDRESS_BITS)) {
        return BUDDY_FREE_OUT_OF_RANGE;
    }
    const uint64_t frame = base.value >> PAGE_SHIFT;
    uint64_t head;
    const uint8_t owner = find_block(buddy, frame, &report->recorded_order, &head);
    if (owner == TILE_OWNER_NONE) {
        return classify_unowned(buddy, frame);
    }
    if (owner >= TILE_OWNER_METADATA) {
        return BUDDY_FREE_METADATA;
    }
    report->has_block = true;
    report->block = phys_addr(head << PAGE_SHIFT);
    if (head != frame) {
        return BUDDY_FREE_INTERIOR;
    }
    return BIT(report->recorded_order) == count.value ? BUDDY_FREE_IS_GOOD : BUDDY_FREE_WRONG_ORDER;
}

void buddy_describe_bad_free(struct buddy_allocator *buddy, phys_addr_t base,
                             page_frame_count_t count, struct buddy_free_report *report)
{
    *report = (struct buddy_free_report){ .has_block = false };
    const uint64_t token = spinlock_lock_irqsave(&buddy->region_lock);
    report->kind = classify(buddy, base, count, report);
    spinlock_unlock_irqrestore(&buddy->region_lock, token);
}

/* ---- statistics ------------------------------------------------------------------------------ */

static void count_zone(const struct buddy_zone *zone, uint64_t blocks[BUDDY_ORDER_COUNT])
{
    tile_count_blocks(&zone->tile, blocks + ZONE_ORDER_BASE);
    for (unsigned unit = 0; unit < TILE_UNITS; unit++) {
        const struct buddy_tile *const leaf = buddy_find_leaf(zone, unit);
        if (leaf != NULL && leaf->summary != 0 && !tile_is_full(leaf)) {
            tile_count_blocks(leaf, blocks); /* touches orders 0..8 only: it is not full */
        }
    }
}

/* Adds the maximal blocks of [first, end). */
static void count_untouched(uint64_t first, uint64_t end, uint64_t blocks[BUDDY_ORDER_COUNT])
{
    while (first < end) {
        const unsigned aligned = bits_lowest(first | BIT(BUDDY_MAX_ORDER));
        const unsigned order = (unsigned)bits_min(aligned, bits_log2_floor(end - first));
        const uint64_t count = order == BUDDY_MAX_ORDER ? (end - first) >> order : 1;
        blocks[order] += count;
        first += count << order;
    }
}

static void count_blocks(struct buddy_allocator *buddy, struct buddy_statistics *statistics)
{
    uint64_t *const blocks = statistics->free_blocks;
    uint64_t number = 0;
    for (struct buddy_zone *zone;
         (zone = buddy_next_zone(buddy, &number, BUDDY_ZONE_LIMIT)) != NULL; number++) {
        struct buddy_shard *const shard = buddy_shard_of(buddy, &zone->tile);
        spinlock_lock(&shard->lock);
        count_zone(zone, blocks);
        spinlock_unlock(&shard->lock);
    }
    for (const struct buddy_area *area = buddy->untouched; area != NULL;
         area = area->next_untouched) {
        count_untouched(area->untouched_first, area->untouched_end, blocks);
    }
    for (unsigned order = 0; order < BUDDY_ORDER_COUNT; order++) {
        if (blocks[order] != 0) {
            statistics->has_free_block = true;
            statistics->largest_free_order = order;
        }
    }
}

static void count_calls(const struct buddy_allocator *buddy, struct buddy_statistics *statistics)
{
    for (unsigned order = 0; order < BUDDY_ORDER_COUNT; order++) {
        statistics->allocations[order] = count_read(&buddy->allocations[order]);
        statistics->frees[order] = count_read(&buddy->frees[order]);
        for (uint32_t cpu = 0; cpu < buddy->cpu_count; cpu++) {
            const struct buddy_stack *const stack = &buddy->caches[cpu].stacks[order];
            statistics->allocations[order] += count_read(&stack->allocations);
            statistics->frees[order] += count_read(&stack->frees);
        }
    }
}

static void count_parts(const struct buddy_allocator *buddy, struct buddy_statistics *statistics)
{
    statistics->cpu_count = buddy->cpu_count;
    for (uint32_t cpu = 0; cpu < buddy->cpu_count; cpu++) {
        statistics->cpu_cached_frames[cpu] = buddy_cache_frames_of(buddy, cpu);
        statistics->cached_frames += statistics->cpu_cached_frames[cpu];
    }
    statistics->shard_count = buddy->shard_count;
    for (uint32_t shard = 0; shard < buddy->shard_count; shard++) {
        statistics->shard_free_frames[shard] = count_read(&buddy->shards[shard].free_frames);
    }
    statistics->untouched_frames = count_read(&buddy->untouched_frames);
}

struct buddy_statistics buddy_statistics(struct buddy_allocator *buddy)
{
    struct buddy_statistics statistics;
    memset(&statistics, 0, sizeof(statistics));
    const uint64_t token = spinlock_lock_irqsave(&buddy->region_lock);
    const struct page_frame_usage usage = buddy_usage(buddy);
    statistics.total_frames = usage.total.value;
    statistics.free_frames = usage.free.value;
    statistics.allocated_frames = usage.used.value;
    statistics.metadata_frames = count_read(&buddy->metadata_frames);
    count_parts(buddy, &statistics);
    count_blocks(buddy, &statistics);
    count_calls(buddy, &statistics);
    spinlock_unlock_irqrestore(&buddy->region_lock, token);
    return statistics;
}

static uint64_t made_leaves(const struct buddy_zone *zone)
{
    uint64_t count = 0;
    for (unsigned unit = 0; unit < TILE_UNITS; unit++) {
        count += buddy_find_leaf(zone, unit) != NULL ? 1U : 0U;
    }
    return count;
}

uint64_t buddy_touched_metadata_bytes(struct buddy_allocator *buddy)
{
    uint64_t bytes = 0;
    const uint64_t token = spinlock_lock_irqsave(&buddy->region_lock);
    for (const struct buddy_area *area = buddy->areas; area != NULL; area = area->next) {
        bytes += area == &buddy->first_area ? 0 : sizeof(*area);
    }
    for (uint64_t i = 0; i < BUDDY_INDEX_ENTRIES; i++) {
        bytes += buddy_find_directory(buddy, i) != NULL ? sizeof(struct buddy_directory) : 0U;
    }
    uint64_t number = 0;
    for (struct buddy_zone *zone;
         (zone = buddy_next_zone(buddy, &number, BUDDY_ZONE_LIMIT)) != NULL; number++) {
        bytes += sizeof(*zone) + made_leaves(zone) * sizeof(struct buddy_tile);
    }
    spinlock_unlock_irqrestore(&buddy->region_lock, token);
    return bytes;
}
