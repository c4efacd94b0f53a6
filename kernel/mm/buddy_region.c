/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Adding RAM to the buddy allocator. A region is cut at zone (1 GiB) and leaf (2 MiB) boundaries:
 *
 *      region   |....|==========================|........|
 *      zones         |             |            |             1 GiB each
 *               edge   untouched range: O(1)      edge        edges: their zone and their two
 *                                                             ragged leaves are made at once
 *
 * Metadata is planned first: how many directories, zones and leaves does the region touch that are
 * not known yet? Only the outermost ones can be known already, from a neighbour: had one in the
 * middle been known, the regions would overlap. So each kind is one run of numbers, and its slots
 * are two arrays: the low slots and the rest. The low ones are the first directory, zone and leaf,
 * and whatever else fits, in bytes that the last metadata frame of an earlier region has left over.
 * Where these do not suffice, all slots stand in the region itself, at its less aligned end, and
 * what the first edge writes stands together:
 *
 *      | area | low: directory, zone, leaf | directories | zones | leaves | left-over | free ...
 *
 * A region too small for that gets a block of the free memory for its metadata.
 *
 * Failure plan: everything that can fail comes before the first change; a block that was taken for
 * metadata and is not needed in the end goes back.
 */
#include "lib/string.h"
#include "mm/buddy_cache.h"
#include "mm/buddy_core.h"
#include "panic.h"

#define DIRECTORY_FRAMES_SHIFT (ZONE_FRAMES_SHIFT + DIRECTORY_SHIFT)
#define SLOT_ALIGN             32U
#define AREA_BYTES             bits_align_up(sizeof(struct buddy_area), SLOT_ALIGN)

_Static_assert(sizeof(struct buddy_directory) % SLOT_ALIGN == 0, "slots stay aligned");
_Static_assert(sizeof(struct buddy_zone) % SLOT_ALIGN == 0, "slots stay aligned");
_Static_assert(sizeof(struct buddy_tile) % SLOT_ALIGN == 0, "slots stay aligned");

/* Frames [first, end) that are to become free, and the metadata they need. */
struct plan {
    uint64_t first;
    uint64_t end;
    struct buddy_slots slots;
    struct buddy_area *area; /* NULL where the region holds no metadata */
    /* Free memory for the metadata, taken before: owner is NULL where there is none, and again
     * when it was used. */
    struct buddy_block loan;
    unsigned loan_order;
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
    if (!buddy_leaf_is_known(zone, unit)) {
        return false;
    }
    const struct buddy_tile *const leaf = buddy_find_leaf(zone, unit);
    if (leaf == NULL) {
        return true; /* not made, but known: all of it is managed */
    }
    for (uint64_t frame = first; frame < end; frame++) {
        if (owner_load(&leaf->owner[frame_unit(frame)]) != TILE_OWNER_HOLE) {
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
    for (struct buddy_zone *zone; (zone = buddy_next_zone(buddy, &number, zones_end)) != NULL;
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
    return zone != NULL && buddy_leaf_is_known(zone, (unsigned)(number & TILE_UNIT_MASK));
}

/* The run of unknown things of 2^shift frames in the plan's range. */
static void plan_run(const struct buddy_allocator *buddy, const struct plan *plan, unsigned shift,
                     bool (*is_known)(const struct buddy_allocator *, uint64_t),
                     struct buddy_slot_run *run)
{
    uint64_t first = plan->first >> shift;
    uint64_t end = ((plan->end - 1U) >> shift) + 1U;
    if (is_known(buddy, first)) {
        first++;
    }
    if (end > first && is_known(buddy, end - 1U)) {
        end--;
    }
    *run = (struct buddy_slot_run){ .first = first, .count = end - first };
}

static void plan_metadata(const struct buddy_allocator *buddy, struct plan *plan)
{
    struct buddy_slots *const slots = &plan->slots;
    plan_run(buddy, plan, DIRECTORY_FRAMES_SHIFT, directory_is_known, &slots->directories);
    plan_run(buddy, plan, ZONE_FRAMES_SHIFT, zone_is_known, &slots->zones);
    plan_run(buddy, plan, LEAF_FRAMES_SHIFT, leaf_is_known, &slots->leaves);
}

static uint64_t all_bytes(const struct buddy_slots *slots)
{
    return slots->directories.count * sizeof(struct buddy_directory) +
           slots->zones.count * sizeof(struct buddy_zone) +
           slots->leaves.count * sizeof(struct buddy_tile);
}

static uint64_t low_bytes(const struct buddy_slots *slots)
{
    return slots->directories.low_count * sizeof(struct buddy_directory) +
           slots->zones.low_count * sizeof(struct buddy_zone) +
           slots->leaves.low_count * sizeof(struct buddy_tile);
}

/* Chooses which slots are low ones, given `room_bytes` of left-over for them. @return false: there
 * is too little left over; the first of each kind are low all the same, elsewhere */
static bool choose_low(struct buddy_slots *slots, uint64_t room_bytes)
{
    const bool has_room_for_all = all_bytes(slots) <= room_bytes;
    const uint64_t most = has_room_for_all ? UINT64_MAX : 1U;
    slots->directories.low_count = bits_min(slots->directories.count, most);
    slots->zones.low_count = bits_min(slots->zones.count, most);
    slots->leaves.low_count = bits_min(slots->leaves.count, most);
    if (low_bytes(slots) > room_bytes) {
        return false;
    }
    const uint64_t more = (room_bytes - low_bytes(slots)) / sizeof(struct buddy_tile);
    slots->leaves.low_count += bits_min(slots->leaves.count - slots->leaves.low_count, more);
    return true;
}

/* ---- where does it go? ----------------------------------------------------------------------- */

/* Lays the low slots out from physical address `low` on. @return where they end */
static uint64_t lay_out_low(struct buddy_slots *slots, uint64_t low)
{
    slots->directories.low = low;
    slots->zones.low = low + slots->directories.low_count * sizeof(struct buddy_directory);
    slots->leaves.low = slots->zones.low + slots->zones.low_count * sizeof(struct buddy_zone);
    return low + low_bytes(slots);
}

/* The same for the rest. */
static uint64_t lay_out_high(struct buddy_slots *slots, uint64_t high)
{
    slots->directories.high = high;
    slots->zones.high = high + (slots->directories.count - slots->directories.low_count) *
                                   sizeof(struct buddy_directory);
    slots->leaves.high = slots->zones.high +
                         (slots->zones.count - slots->zones.low_count) * sizeof(struct buddy_zone);
    return high + all_bytes(slots) - low_bytes(slots);
}

static uint64_t spare_bytes(const struct buddy_allocator *buddy)
{
    return buddy->spare_end - buddy->spare_base;
}

/* Keeps [base, end) for later if it is more than what is kept already. */
static void keep_spare(struct buddy_allocator *buddy, uint64_t base, uint64_t end)
{
    if (end - base > spare_bytes(buddy)) {
        buddy->spare_base = base;
        buddy->spare_end = end;
    }
}

/* Lays out the slots that are not in left-over bytes yet, in [base, end). */
static void fill(struct buddy_allocator *buddy, struct plan *plan, uint64_t base, uint64_t end)
{
    if (choose_low(&plan->slots, spare_bytes(buddy))) {
        buddy->spare_base = lay_out_low(&plan->slots, buddy->spare_base);
    } else {
        base = lay_out_low(&plan->slots, base);
    }
    base = lay_out_high(&plan->slots, base);
    keep_spare(buddy, base, end);
}

static unsigned frame_alignment(uint64_t frame)
{
    return frame == 0 ? BUDDY_MAX_ORDER : (unsigned)bits_min(bits_lowest(frame), BUDDY_MAX_ORDER);
}

/* Cuts `frames` frames off the less aligned end of the region. @return the first of them */
static uint64_t cut_region(struct plan *plan, uint64_t frames)
{
    if (frame_alignment(plan->first) <= frame_alignment(plan->end)) {
        plan->first += frames;
        return plan->first - frames;
    }
    plan->end -= frames;
    return plan->end;
}

/* Metadata in the region: `frames` of them. The rest of the region may need a little less than was
 * planned for the whole; what is too much is left over. */
static void place_in_region(struct buddy_allocator *buddy, struct plan *plan, uint64_t frames)
{
    const uint64_t first = cut_region(plan, frames);
    const uint64_t base = first << PAGE_SHIFT;
    plan_metadata(buddy, plan);
    fill(buddy, plan, base + AREA_BYTES, base + (frames << PAGE_SHIFT));
    struct buddy_area *const area = physmap_ptr(phys_addr(base), sizeof(*area));
    *area = (struct buddy_area){
        .next = buddy->areas,
        .first_frame = first,
        .frames = frames,
        .slots = plan->slots,
    };
    plan->area = area;
    buddy->areas = area;
    count_add(&buddy->metadata_frames, frames);
}

static void place_in_loan(struct buddy_allocator *buddy, struct plan *plan)
{
    const uint64_t frames = BIT(plan->loan_order);
    const uint64_t base = plan->loan.frame << PAGE_SHIFT;
    owner_store(plan->loan.owner, TILE_OWNER_METADATA + plan->loan_order + 1U);
    plan->loan.owner = NULL;
    fill(buddy, plan, base, base + (frames << PAGE_SHIFT));
    count_add(&buddy->total_frames, -frames);
    count_add(&buddy->metadata_frames, frames);
}

static uint64_t whole_zones(const struct plan *plan)
{
    const uint64_t first = bits_align_up(plan->first, ZONE_FRAMES);
    const uint64_t end = bits_align_down(plan->end, ZONE_FRAMES);
    return first < end ? (end - first) >> ZONE_FRAMES_SHIFT : 0;
}

/* Finds room for the metadata. @return false, nothing changed: there is none; the block that would
 * do has the order plan->loan_order */
static bool place_metadata(struct buddy_allocator *buddy, struct plan *plan)
{
    plan_metadata(buddy, plan);
    const bool is_low_in_spare = choose_low(&plan->slots, spare_bytes(buddy));
    const uint64_t bytes =
        all_bytes(&plan->slots) - (is_low_in_spare ? low_bytes(&plan->slots) : 0U);
    if (bytes == 0 && whole_zones(plan) == 0) {
        fill(buddy, plan, 0, 0);
        return true;
    }
    const uint64_t frames = bits_align_up(AREA_BYTES + bytes, PAGE_SIZE) >> PAGE_SHIFT;
    if (frames < plan->end - plan->first) {
        place_in_region(buddy, plan, frames);
        return true;
    }
    const unsigned order = bits_log2_ceil(bits_align_up(bytes, PAGE_SIZE) >> PAGE_SHIFT);
    if (plan->loan.owner == NULL || plan->loan_order < order) {
        plan->loan_order = order;
        return false;
    }
    place_in_loan(buddy, plan);
    return true;
}

/* ---- make it free ---------------------------------------------------------------------------- */

/* Frees [first, end), all in leaf `unit` but not all of it. */
static void open_leaf_part(struct buddy_allocator *buddy, struct buddy_zone *zone,
                           const struct buddy_slots *slots, uint64_t first, uint64_t end)
{
    const unsigned unit = frame_leaf_unit(first);
    struct buddy_tile *leaf = buddy_find_leaf(zone, unit);
    if (leaf == NULL) {
        buddy_reserve_leaves(zone, slots, unit, unit + 1U);
        leaf = buddy_make_leaf(zone, unit, TILE_OWNER_HOLE);
    }
    const unsigned first_unit = frame_unit(first);
    const unsigned end_unit = first_unit + (unsigned)(end - first); /* <= 512 */
    for (unsigned i = first_unit; i < end_unit; i++) {
        owner_store(&leaf->owner[i], TILE_OWNER_NONE);
    }
    tile_open(leaf, first_unit, end_unit);
    buddy_core_settle(buddy, leaf);
}

/* Frees the whole leaves [first, end) of `zone`. */
static void open_leaves(struct buddy_allocator *buddy, struct buddy_zone *zone,
                        const struct buddy_slots *slots, uint64_t first, uint64_t end)
{
    const unsigned unit = frame_leaf_unit(first);
    const unsigned unit_end = unit + (unsigned)((end - first) >> LEAF_FRAMES_SHIFT);
    buddy_reserve_leaves(zone, slots, unit, unit_end);
    tile_open(&zone->tile, unit, unit_end);
    buddy_core_settle(buddy, &zone->tile);
}

/* Frees [first, end) of `zone`: ragged leaf, whole leaves, ragged leaf. */
static void open_zone_part(struct buddy_allocator *buddy, struct buddy_zone *zone,
                           const struct buddy_slots *slots, uint64_t first, uint64_t end)
{
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

/* Frees [first, end), all in one zone but not all of it; empty ranges are no matter. */
static void open_edge(struct buddy_allocator *buddy, const struct buddy_slots *slots,
                      uint64_t first, uint64_t end)
{
    if (first >= end) {
        return;
    }
    const uint64_t number = first >> ZONE_FRAMES_SHIFT;
    struct buddy_zone *zone = buddy_find_zone(buddy, number);
    if (zone == NULL) {
        zone = buddy_make_zone(buddy, slots, number, (uint8_t)(number % buddy->shard_count));
    }
    struct buddy_shard *const shard = buddy_shard_of(buddy, &zone->tile);
    spinlock_lock(&shard->lock);
    open_zone_part(buddy, zone, slots, first, end);
    count_add(&shard->free_frames, end - first);
    spinlock_unlock(&shard->lock);
}

/* Whole zones: not a byte of their metadata is written yet. */
static void open_untouched(struct buddy_allocator *buddy, const struct plan *plan)
{
    struct buddy_area *const area = plan->area;
    const uint64_t zones = whole_zones(plan);
    if (zones == 0) {
        return;
    }
    area->untouched_zone = bits_align_up(plan->first, ZONE_FRAMES) >> ZONE_FRAMES_SHIFT;
    area->untouched_end = area->untouched_zone + zones;
    area->next_untouched = buddy->untouched;
    buddy->untouched = area;
    count_add(&buddy->untouched_frames, zones << ZONE_FRAMES_SHIFT);
}

static void open_plan(struct buddy_allocator *buddy, const struct plan *plan)
{
    const uint64_t zones_first = bits_align_up(plan->first, ZONE_FRAMES);
    const uint64_t zones_end = bits_align_down(plan->end, ZONE_FRAMES);
    /* Before the free counts: nobody must ever see more free than there is. */
    count_add(&buddy->total_frames, plan->end - plan->first);
    open_untouched(buddy, plan);
    open_edge(buddy, &plan->slots, plan->first, bits_min(zones_first, plan->end));
    if (zones_first <= zones_end) {
        open_edge(buddy, &plan->slots, zones_end, plan->end);
    }
}

static enum kstatus add(struct buddy_allocator *buddy, struct plan *plan)
{
    enum kstatus status = K_OK;
    spinlock_lock(&buddy->region_lock);
    if (region_overlaps(buddy, plan->first, plan->end)) {
        status = K_EEXIST;
    } else if (!place_metadata(buddy, plan)) {
        status = K_ENOMEM;
    } else {
        open_plan(buddy, plan);
    }
    spinlock_unlock(&buddy->region_lock);
    return status;
}

/* Free memory for the metadata, from the caches where it must be. */
static bool take_loan(struct buddy_allocator *buddy, struct plan *plan)
{
    unsigned count = 0;
    if (plan->loan_order <= BUDDY_MAX_ORDER) {
        count = buddy_core_take(buddy, plan->loan_order, 1, &plan->loan);
    }
    if (count == 0 && plan->loan_order <= BUDDY_MAX_ORDER) {
        buddy_cache_drain_all(buddy);
        count = buddy_core_take(buddy, plan->loan_order, 1, &plan->loan);
    }
    return count != 0;
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
    struct plan plan = { .first = 0 };
    enum kstatus status = check_range(base, count, &plan.first, &plan.end);
    if (status != K_OK) {
        return status;
    }
    const uint64_t token = arch_irq_save();
    status = add(buddy, &plan);
    if (status == K_ENOMEM && take_loan(buddy, &plan)) {
        status = add(buddy, &plan);
        if (plan.loan.owner != NULL) {
            buddy_core_give(buddy, plan.loan_order, 1, &plan.loan);
        }
    }
    arch_irq_restore(token);
    return status;
}
