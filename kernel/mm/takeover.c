/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See takeover.h.
 *
 * The bound on what is touched. Of a region's zones (1 GiB) those are made that hold its ends, two,
 * and one more where frames are taken: a region too small for its own metadata borrows some, and
 * there is the one allocation behind. All of these together take less than a zone, so that no
 * second one is made for them. A zone that is made asks for its own slot, for a directory's, and
 * for that of each leaf (2 MiB) which the region has in it.
 */
#include "mm/takeover.h"

#include "mm/buddy_index.h"

/* A run of a few frames may not hold its own metadata: it is added once larger ones are there. */
#define SMALL_RUN_FRAMES 512U

/* From so many frames on a region holds its own metadata: its record, and for each end directory,
 * zone and leaf; every further leaf brings 512 frames with it. What is smaller borrows less. */
#define BORROWER_FRAMES 8U
_Static_assert(sizeof(struct buddy_area) +
                       2 * (sizeof(struct buddy_directory) + sizeof(struct buddy_zone) +
                            sizeof(struct buddy_tile)) <
                   (BORROWER_FRAMES - 1) * PAGE_SIZE,
               "a region of so many frames has room for its metadata");
_Static_assert((PHYS_MEMORY_AREA_MAX + 1U) * BORROWER_FRAMES + 1U < ZONE_FRAMES,
               "one zone has room for all that is taken");
#define ZONES_A_RUN 3U /* made of a run at most */

struct taking_over {
    struct buddy_allocator *buddy;
    enum kstatus status;
    bool is_small_turn;
};

static void add_run(void *context, phys_addr_t base, page_frame_count_t count)
{
    struct taking_over *const taking = context;
    const bool is_small = count.value < SMALL_RUN_FRAMES;
    if (is_small == taking->is_small_turn && taking->status == K_OK) {
        taking->status = buddy_add_region(taking->buddy, base, count);
    }
}

enum kstatus buddy_take_over(struct buddy_allocator *buddy, const struct bump_allocator *bump)
{
    struct taking_over taking = { .buddy = buddy, .status = K_OK };
    bump_allocator_leftover(bump, add_run, &taking);
    taking.is_small_turn = true;
    bump_allocator_leftover(bump, add_run, &taking);
    return taking.status;
}

/* Runs lie below 2^46, so no sum here comes near 2^64. */
static void count_run(void *context, phys_addr_t base, page_frame_count_t count)
{
    struct buddy_takeover_size *const size = context;
    const uint64_t last_frame = (base.value >> PAGE_SHIFT) + count.value - 1U;
    const uint64_t zones =
        (last_frame >> ZONE_FRAMES_SHIFT) - (base.value >> (PAGE_SHIFT + ZONE_FRAMES_SHIFT)) + 1U;
    const uint64_t leaves =
        (last_frame >> LEAF_FRAMES_SHIFT) - (base.value >> (PAGE_SHIFT + LEAF_FRAMES_SHIFT)) + 1U;
    const uint64_t made = bits_min(zones, ZONES_A_RUN);
    const uint64_t slots = bits_min(leaves, made * TILE_UNITS);
    size->pieces += 1U + 2U * made + slots;
    size->bytes += sizeof(struct buddy_area) +
                   made * (sizeof(struct buddy_directory) + sizeof(struct buddy_zone)) +
                   slots * sizeof(struct buddy_tile);
}

struct buddy_takeover_size buddy_takeover_size(const struct bump_allocator *bump)
{
    struct buddy_takeover_size size = { 0 };
    bump_allocator_leftover(bump, count_run, &size);
    return size;
}
