/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Adding RAM to the buddy allocator. A region is remembered as a range of untouched frames; its
 * zones (1 GiB) are made when blocks are needed (buddy_carve.c):
 *
 *      region       |....|==========================|........|
 *      zones      |      |             |            |          |
 *                  head    untouched: a record, O(1)     tail
 *
 * What is in a zone that others have frames in, the head or the tail, is made free at once, and
 * what they have untouched there as well: a zone that is made has no untouched frames.
 *
 * Metadata is planned first: how many directories, zones and leaves does the region touch that are
 * not known yet? Only the outermost ones can be known already, from a neighbour: had one in the
 * middle been known, the regions would overlap. So each kind is one run of numbers, and its slots
 * are two arrays: the low slots and the rest. The low ones are the first directory, zone and leaf,
 * and whatever else fits, in bytes that the last metadata frame of an earlier region has left over.
 * Where these do not suffice, all slots stand in the region itself, at its less aligned end, and
 * what the head writes stands together:
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
            ranges_overlap(first, end, area->untouched_first, area->untouched_end)) {
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
    struct buddy_area *const area = buddy->areas == NULL
                                        ? &buddy->first_area
                                        : physmap_ptr(phys_addr(base), sizeof(struct buddy_area));
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

/* Whether `frame` has to be made free at once: others have frames in its zone, or there is no area
 * to remember that it was not touched. */
static bool is_urgent(const struct buddy_allocator *buddy, const struct plan *plan, uint64_t frame)
{
    return plan->area == NULL || zone_is_known(buddy, frame >> ZONE_FRAMES_SHIFT);
}

/* Frees [first, end), all in one zone. */
static void open_now(struct buddy_allocator *buddy, const struct plan *plan, uint64_t first,
                     uint64_t end)
{
    const uint64_t number = first >> ZONE_FRAMES_SHIFT;
    buddy_core_open(buddy, &plan->slots, first, end, (uint8_t)(number % buddy->shard_count));
}

/* [first, end) is free, but not a byte of its metadata is written yet. */
static void keep_untouched(struct buddy_allocator *buddy, struct buddy_area *area, uint64_t first,
                           uint64_t end)
{
    area->untouched_first = first;
    area->untouched_end = end;
    area->next_untouched = buddy->untouched;
    buddy->untouched = area;
    count_add(&buddy->untouched_frames, end - first);
}

static void open_plan(struct buddy_allocator *buddy, const struct plan *plan)
{
    uint64_t first = plan->first;
    uint64_t end = plan->end;
    /* Before the free counts: nobody must ever see more free than there is. */
    count_add(&buddy->total_frames, end - first);
    if (is_urgent(buddy, plan, first)) {
        const uint64_t head_end = bits_min(bits_align_up(first + 1U, ZONE_FRAMES), end);
        open_now(buddy, plan, first, head_end);
        first = head_end;
    }
    if (first < end && is_urgent(buddy, plan, end - 1U)) {
        const uint64_t tail_first = bits_max(bits_align_down(end - 1U, ZONE_FRAMES), first);
        open_now(buddy, plan, tail_first, end);
        end = tail_first;
    }
    if (first < end) {
        keep_untouched(buddy, plan->area, first, end);
    }
}

/* Makes zone `number` where a neighbour has untouched frames in it: then the index tells what of it
 * is known, and two regions never have a slot for the same thing. */
static void carve_shared(struct buddy_allocator *buddy, uint64_t number)
{
    for (struct buddy_area *area = buddy->untouched; area != NULL; area = area->next_untouched) {
        const uint64_t first_zone = area->untouched_first >> ZONE_FRAMES_SHIFT;
        const uint64_t last_zone = (area->untouched_end - 1U) >> ZONE_FRAMES_SHIFT;
        if (area->untouched_first < area->untouched_end &&
            (number == first_zone || number == last_zone)) {
            buddy_core_carve(buddy, area, number, (uint8_t)(number % buddy->shard_count));
        }
    }
}

static enum kstatus add(struct buddy_allocator *buddy, struct plan *plan)
{
    enum kstatus status = K_OK;
    spinlock_lock(&buddy->region_lock);
    if (region_overlaps(buddy, plan->first, plan->end)) {
        status = K_EEXIST;
    } else {
        carve_shared(buddy, plan->first >> ZONE_FRAMES_SHIFT);
        carve_shared(buddy, (plan->end - 1U) >> ZONE_FRAMES_SHIFT);
        status = place_metadata(buddy, plan) ? K_OK : K_ENOMEM;
    }
    if (status == K_OK) {
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
