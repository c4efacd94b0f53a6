/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Adding RAM to the buddy allocator. A region is cut at zone (1 GiB) and leaf (2 MiB) boundaries:
 *
 *      region   |....|==========================|........|
 *      zones         |             |            |             1 GiB each
 *               edge   untouched range: O(1)      edge        edges: their zone and their two
 * ragged leaves are made at once
 *
 * Metadata is planned first: how many directories, zones and leaves does the region touch that are
 * not known yet? Only the outermost ones can be known already, from a neighbour: had one in the
 * middle been known, the regions would overlap. So each kind is one run of numbers, and its slots
 * are one array. The arrays go, in this order of preference,
 *
 *   1. into bytes that an earlier region's last metadata frame had left over;
 *   2. into the region itself, at its less aligned end, behind a struct buddy_area:
 *          | area | directories | zones | leaves | left-over |  first free frame ...
 *   3. for a region too small for that, into a block that is taken from the free memory.
 *
 * The plan covers the frames that step 2 then takes away too; that is under 0.1 % of the metadata
 * and keeps the sum free of circles.
 *
 * Failure plan: everything that can fail comes before the first change.
 */
#include "lib/string.h"
#include "mm/buddy_cache.h"
#include "mm/buddy_core.h"
#include "panic.h"

#define DIRECTORY_FRAMES_SHIFT (ZONE_FRAMES_SHIFT + DIRECTORY_SHIFT)

/* Frames [first, end) that are to become free, and the metadata they need. */
struct plan {
    uint64_t first;
    uint64_t end;
    uint64_t directories; /* how many */
    uint64_t zones;
    uint64_t leaves;
    struct buddy_slots slots;
    struct buddy_area *area; /* NULL where the metadata is not in the region */
};

/* ---- is it there already? -------------------------------------------------------------------- */

static bool ranges_overlap(uint64_t a_first, uint64_t a_end, uint64_t b_first, uint64_t b_end)
{
    return a_first < b_end && b_first < a_end;
}

static bool areas_overlap(const struct buddy_allocator *buddy, uint64_t first, uint64_t end)
{
    for (const struct buddy_area *area = buddy->areas; area != NULL; area = area->next) {
        if (ranges_overlap(first, end, area->first_frame, area->first_frame + area->frames) ||
            ranges_overlap(first, end, area->untouched_zone << ZONE_FRAMES_SHIFT,
                           area->untouched_end << ZONE_FRAMES_SHIFT)) {
            return true;
        }
    }
    return false;
}

/* Whether a frame of [first, end), all in leaf `unit` of `zone`, is managed. */
static bool leaf_overlaps(const struct buddy_zone *zone, unsigned unit, uint64_t first,
                          uint64_t end)
{
    if (entry_load(&zone->leaves[unit]) == 0) {
        return false;
    }
    const struct buddy_tile *const leaf = buddy_find_leaf(zone, unit);
    if (leaf == NULL) {
        return true; /* not made, but known: all of it is managed */
    }
    for (uint64_t frame = first; frame < end; frame++) {
        if (leaf->owner[frame_unit(frame)] != TILE_OWNER_HOLE) {
            return true;
        }
    }
    return false;
}

/* The same for [first, end) in one zone. */
static bool zone_overlaps(const struct buddy_zone *zone, uint64_t first, uint64_t end)
{
    while (first < end) {
        const uint64_t leaf_end = bits_align_down(first, LEAF_FRAMES) + LEAF_FRAMES;
        const uint64_t part_end = bits_min(leaf_end, end);
        if (leaf_overlaps(zone, frame_leaf_unit(first), first, part_end)) {
            return true;
        }
        first = part_end;
    }
    return false;
}

static bool region_overlaps(const struct buddy_allocator *buddy, uint64_t first, uint64_t end)
{
    if (areas_overlap(buddy, first, end)) {
        return true;
    }
    const uint64_t zones_end = ((end - 1U) >> ZONE_FRAMES_SHIFT) + 1U;
    uint64_t number = first >> ZONE_FRAMES_SHIFT;
    for (struct buddy_zone *zone; (zone = buddy_core_next_zone(buddy, &number, zones_end)) != NULL;
         number++) {
        const uint64_t zone_first = number << ZONE_FRAMES_SHIFT;
        if (zone_overlaps(zone, bits_max(first, zone_first),
                          bits_min(end, zone_first + ZONE_FRAMES))) {
            return true;
        }
    }
    return false;
}

/* ---- how much metadata? ---------------------------------------------------------------------- */

static bool directory_is_known(const struct buddy_allocator *buddy, uint64_t number)
{
    return buddy_find_directory(buddy, number) != NULL;
}

static bool zone_is_known(const struct buddy_allocator *buddy, uint64_t number)
{
    return buddy_find_zone(buddy, number) != NULL;
}

static bool leaf_is_known(const struct buddy_allocator *buddy, uint64_t number)
{
    const struct buddy_zone *const zone = buddy_find_zone(buddy, number >> TILE_UNITS_SHIFT);
    return zone != NULL && entry_load(&zone->leaves[number & TILE_UNIT_MASK]) != 0;
}

/* The run of unknown things of 2^shift frames in the plan's range. @return how many */
static uint64_t plan_run(const struct buddy_allocator *buddy, const struct plan *plan,
                         unsigned shift, bool (*is_known)(const struct buddy_allocator *, uint64_t),
                         uint64_t *first)
{
    uint64_t run_first = plan->first >> shift;
    uint64_t run_end = ((plan->end - 1U) >> shift) + 1U;
    if (is_known(buddy, run_first)) {
        run_first++;
    }
    if (run_end > run_first && is_known(buddy, run_end - 1U)) {
        run_end--;
    }
    *first = run_first;
    return run_end - run_first;
}

static void plan_metadata(const struct buddy_allocator *buddy, struct plan *plan)
{
    plan->directories = plan_run(buddy, plan, DIRECTORY_FRAMES_SHIFT, directory_is_known,
                                 &plan->slots.first_directory);
    plan->zones = plan_run(buddy, plan, ZONE_FRAMES_SHIFT, zone_is_known, &plan->slots.first_zone);
    plan->leaves = plan_run(buddy, plan, LEAF_FRAMES_SHIFT, leaf_is_known, &plan->slots.first_leaf);
}

static uint64_t plan_bytes(const struct plan *plan)
{
    return plan->directories * sizeof(struct buddy_directory) +
           plan->zones * sizeof(struct buddy_zone) + plan->leaves * sizeof(struct buddy_tile);
}

/* ---- where does it go? ----------------------------------------------------------------------- */

/* Lays the arrays out from `phys` on. */
static void place_slots(struct plan *plan, uint64_t phys)
{
    plan->slots.directories = phys;
    plan->slots.zones =
        plan->slots.directories + plan->directories * sizeof(struct buddy_directory);
    plan->slots.leaves = plan->slots.zones + plan->zones * sizeof(struct buddy_zone);
}

/* Keeps [base, end) for later if it is more than what is kept already. */
static void keep_spare(struct buddy_allocator *buddy, uint64_t base, uint64_t end)
{
    base = bits_align_up(base, METADATA_SLOT_ALIGN); /* at most `end`, which is page-aligned */
    if (end - base > buddy->spare_end - buddy->spare_base) {
        buddy->spare_base = base;
        buddy->spare_end = end;
    }
}

static bool place_in_spare(struct buddy_allocator *buddy, struct plan *plan)
{
    const uint64_t bytes = plan_bytes(plan);
    if (bytes > buddy->spare_end - buddy->spare_base) {
        return false;
    }
    place_slots(plan, buddy->spare_base);
    buddy->spare_base = bits_align_up(buddy->spare_base + bytes, METADATA_SLOT_ALIGN);
    return true;
}

static unsigned frame_alignment(uint64_t frame)
{
    return frame == 0 ? 64U : bits_lowest(frame);
}

static void create_area(struct buddy_allocator *buddy, struct plan *plan, uint64_t first,
                        uint64_t frames)
{
    const uint64_t base = first << PAGE_SHIFT;
    const uint64_t arrays = bits_align_up(base + sizeof(struct buddy_area), METADATA_SLOT_ALIGN);
    place_slots(plan, arrays);
    struct buddy_area *const area = physmap_ptr(phys_addr(base), sizeof(*area));
    *area = (struct buddy_area){
        .next = buddy->areas,
        .first_frame = first,
        .frames = frames,
        .slots = plan->slots,
    };
    plan->area = area;
    buddy->areas = area;
    buddy->metadata_frames += frames;
    keep_spare(buddy, arrays + plan_bytes(plan), base + (frames << PAGE_SHIFT));
}

static bool place_in_region(struct buddy_allocator *buddy, struct plan *plan)
{
    const uint64_t head =
        bits_align_up(sizeof(struct buddy_area), METADATA_SLOT_ALIGN) + plan_bytes(plan);
    const uint64_t frames = bits_align_up(head, PAGE_SIZE) >> PAGE_SHIFT;
    if (frames >= plan->end - plan->first) {
        return false;
    }
    if (frame_alignment(plan->first) < frame_alignment(plan->end)) {
        create_area(buddy, plan, plan->first, frames);
        plan->first += frames;
    } else {
        plan->end -= frames;
        create_area(buddy, plan, plan->end, frames);
    }
    return true;
}

static bool place_elsewhere(struct buddy_allocator *buddy, struct plan *plan)
{
    const uint64_t bytes = plan_bytes(plan);
    const unsigned order = bits_log2_ceil(bits_align_up(bytes, PAGE_SIZE) >> PAGE_SHIFT);
    const uint64_t frame = buddy_core_take(buddy, order);
    if (frame == BUDDY_NO_FRAME) {
        return false;
    }
    *buddy_find_owner(buddy, frame, order) = (uint8_t)(TILE_OWNER_METADATA + order + 1U);
    buddy->total_frames -= BIT(order);
    buddy->metadata_frames += BIT(order);
    place_slots(plan, frame << PAGE_SHIFT);
    keep_spare(buddy, (frame << PAGE_SHIFT) + bytes, (frame + BIT(order)) << PAGE_SHIFT);
    return true;
}

static bool place_metadata(struct buddy_allocator *buddy, struct plan *plan)
{
    return plan_bytes(plan) == 0 || place_in_spare(buddy, plan) || place_in_region(buddy, plan) ||
           place_elsewhere(buddy, plan);
}

/* ---- make it free ---------------------------------------------------------------------------- */

/* Frees [first, end), all in leaf `unit` but not all of it. */
static void open_leaf_part(struct buddy_allocator *buddy, struct buddy_zone *zone,
                           const struct buddy_slots *slots, uint64_t first, uint64_t end)
{
    const unsigned unit = frame_leaf_unit(first);
    struct buddy_tile *leaf = buddy_find_leaf(zone, unit);
    if (leaf == NULL) {
        buddy_core_reserve_leaves(zone, slots, unit, unit + 1U);
        leaf = buddy_core_make_leaf(zone, unit, TILE_OWNER_HOLE);
    }
    const unsigned first_unit = frame_unit(first);
    const unsigned count = (unsigned)(end - first); /* < 512 */
    memset(&leaf->owner[first_unit], TILE_OWNER_NONE, count);
    tile_open(leaf, first_unit, first_unit + count);
    buddy_core_settle(buddy, leaf);
}

/* Frees the whole leaves [first, end) of `zone`. */
static void open_leaves(struct buddy_allocator *buddy, struct buddy_zone *zone,
                        const struct buddy_slots *slots, uint64_t first, uint64_t end)
{
    const unsigned unit = frame_leaf_unit(first);
    const unsigned unit_end = unit + (unsigned)((end - first) >> LEAF_FRAMES_SHIFT);
    buddy_core_reserve_leaves(zone, slots, unit, unit_end);
    tile_open(&zone->tile, unit, unit_end);
    buddy_core_settle(buddy, &zone->tile);
}

/* Frees [first, end), all in one zone: ragged leaf, whole leaves, ragged leaf. */
static void open_edge(struct buddy_allocator *buddy, const struct buddy_slots *slots,
                      uint64_t first, uint64_t end)
{
    if (first >= end) {
        return;
    }
    const uint64_t number = first >> ZONE_FRAMES_SHIFT;
    struct buddy_zone *zone = buddy_find_zone(buddy, number);
    if (zone == NULL) {
        zone = buddy_core_make_zone(buddy, slots, number);
    }
    const uint64_t whole_first = bits_align_up(first, LEAF_FRAMES);
    const uint64_t whole_end = bits_align_down(end, LEAF_FRAMES);
    if (first < whole_first) {
        open_leaf_part(buddy, zone, slots, first, bits_min(whole_first, end));
    }
    if (whole_first < whole_end) {
        open_leaves(buddy, zone, slots, whole_first, whole_end);
    }
    if (whole_first <= whole_end && whole_end < end) {
        open_leaf_part(buddy, zone, slots, whole_end, end);
    }
}

/* Whole zones: not a byte of their metadata is written yet. */
static void open_untouched(struct buddy_allocator *buddy, const struct plan *plan,
                           uint64_t zones_first, uint64_t zones_end)
{
    struct buddy_area *const area = plan->area;
    /* 300 KiB of metadata and more: too much for left-over bytes, never too much for the region. */
    BUG_ON(area == NULL);
    area->untouched_zone = zones_first >> ZONE_FRAMES_SHIFT;
    area->untouched_end = zones_end >> ZONE_FRAMES_SHIFT;
    area->next_untouched = buddy->untouched;
    buddy->untouched = area;
}

static void open_plan(struct buddy_allocator *buddy, const struct plan *plan)
{
    const uint64_t zones_first = bits_align_up(plan->first, ZONE_FRAMES);
    const uint64_t zones_end = bits_align_down(plan->end, ZONE_FRAMES);
    if (zones_first < zones_end) {
        open_untouched(buddy, plan, zones_first, zones_end);
    }
    open_edge(buddy, &plan->slots, plan->first, bits_min(zones_first, plan->end));
    if (zones_first <= zones_end) {
        open_edge(buddy, &plan->slots, zones_end, plan->end);
    }
    buddy->total_frames += plan->end - plan->first;
    buddy->core_free_frames += plan->end - plan->first;
    buddy_cache_scale(buddy);
}

static enum kstatus add_locked(struct buddy_allocator *buddy, uint64_t first, uint64_t end)
{
    if (region_overlaps(buddy, first, end)) {
        return K_EEXIST;
    }
    struct plan plan = { .first = first, .end = end };
    plan_metadata(buddy, &plan);
    if (!place_metadata(buddy, &plan)) {
        return K_ENOMEM;
    }
    open_plan(buddy, &plan);
    return K_OK;
}

static enum kstatus check_range(phys_addr_t base, page_frame_count_t count, uint64_t *first,
                                uint64_t *end)
{
    if (!bits_is_aligned(base.value, PAGE_SIZE) || count.value == 0) {
        return K_EINVAL;
    }
    *first = base.value >> PAGE_SHIFT;
    if (__builtin_add_overflow(*first, count.value, end)) {
        return K_EOVERFLOW;
    }
    return *end > BUDDY_FRAME_LIMIT ? K_ERANGE : K_OK;
}

enum kstatus buddy_add_region(struct buddy_allocator *buddy, phys_addr_t base,
                              page_frame_count_t count)
{
    uint64_t first;
    uint64_t end;
    enum kstatus status = check_range(base, count, &first, &end);
    if (status != K_OK) {
        return status;
    }
    const uint64_t token = arch_irq_save();
    spinlock_lock(&buddy->lock);
    status = add_locked(buddy, first, end);
    spinlock_unlock(&buddy->lock);
    if (status == K_ENOMEM) {
        /* What the caches hold may do. */
        buddy_cache_drain_all(buddy);
        spinlock_lock(&buddy->lock);
        status = add_locked(buddy, first, end);
        spinlock_unlock(&buddy->lock);
    }
    arch_irq_restore(token);
    return status;
}
