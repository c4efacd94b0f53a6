/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See bringup_plan.h. What fails leaves the plan as far as it came; nothing of it needs to be
 * undone.
 */
#include "bringup_plan.h"

#include <stdbool.h>

#include "lib/bits.h"
#include "mm/takeover.h"

static uint64_t usable_bytes(const struct memory_map *map)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        sum += map->entries[i].type == MMAP_AVAILABLE ? map->entries[i].length : 0;
    }
    return sum;
}

static enum kstatus make_areas(struct bringup_plan *plan, struct memory_map *map)
{
    const uint64_t before = usable_bytes(map);
    (void)phys_memory_areas_from_map(&plan->areas, map, &plan->dropped_bytes); /* a count */
    const uint64_t bytes = phys_memory_areas_bytes(&plan->areas);
    return bytes == usable_bytes(map) && bytes + plan->dropped_bytes == before ? K_OK : K_EPROTO;
}

static enum kstatus take(struct bringup_plan *plan, uint64_t frames, uint64_t times)
{
    enum kstatus status = K_OK;
    for (uint64_t i = 0; i < times && status == K_OK; i++) {
        phys_addr_t base;
        status = frame_allocator_allocate(&plan->bump.allocator, page_frame_count(frames), &base);
    }
    return status;
}

static void count_leftover(void *context, phys_addr_t base, page_frame_count_t count)
{
    (void)base;
    *(uint64_t *)context += count.value;
}

/* What bump gave and what it leaves is all that there is, by both ways of counting. */
static bool balances(const struct bringup_plan *plan)
{
    uint64_t leftover = 0;
    bump_allocator_leftover(&plan->bump, count_leftover, &leftover);
    return leftover == plan->free_frames && (plan->used_frames + plan->free_frames) << PAGE_SHIFT ==
                                                phys_memory_areas_bytes(&plan->areas);
}

enum kstatus bringup_plan_start(struct bringup_plan *plan, const struct bringup_needs *needs,
                                struct memory_map *map)
{
    plan->metadata_frames = 0;
    enum kstatus status = make_areas(plan, map);
    if (status != K_OK) {
        return status;
    }
    bump_allocator_init(&plan->bump, &plan->areas, needs->kernel_end);
    const uint64_t copy_frames = bits_align_up(needs->bootinfo_bytes, PAGE_SIZE) >> PAGE_SHIFT;
    status = take(plan, copy_frames, 1);
    if (status == K_OK) {
        status = take(plan, 1, needs->table_frames);
    }
    const struct page_frame_usage usage = frame_allocator_usage(&plan->bump.allocator);
    plan->used_frames = usage.used.value;
    plan->free_frames = usage.free.value;
    return status == K_OK && !balances(plan) ? K_EPROTO : status;
}

uint64_t bringup_plan_room_bytes(const struct bringup_plan *plan)
{
    const struct buddy_takeover_size size = buddy_takeover_size(&plan->bump);
    return stand_in_memory_bytes(size.pieces, size.bytes);
}

/* The first thing that the kernel asks of it, and gives back. */
static bool serves_a_frame(struct buddy_allocator *buddy)
{
    phys_addr_t frame;
    return buddy_allocate(buddy, 0, &frame) == K_OK && buddy_free(buddy, frame, 0) == K_OK;
}

/* Every frame that bump left is in the books of the page-frame allocator, which is sound. */
static enum kstatus check_buddy(struct bringup_plan *plan)
{
    const uint64_t left_by_bump = plan->free_frames;
    const struct buddy_statistics statistics = buddy_statistics(&plan->buddy);
    plan->metadata_frames = statistics.metadata_frames;
    plan->free_frames = statistics.free_frames;
    if (plan->metadata_frames + plan->free_frames != left_by_bump) {
        return K_EPROTO;
    }
    if (plan->free_frames == 0) {
        return K_ENOMEM;
    }
    const bool is_sound = serves_a_frame(&plan->buddy) && buddy_validate(&plan->buddy) == K_OK &&
                          buddy_usage(&plan->buddy).free.value == plan->free_frames;
    return is_sound ? K_OK : K_EPROTO;
}

enum kstatus bringup_plan_finish(struct bringup_plan *plan, void *room)
{
    const struct buddy_takeover_size size = buddy_takeover_size(&plan->bump);
    stand_in_memory_init(&plan->stand_in, size.pieces, size.bytes, room);
    stand_in_memory_use(&plan->stand_in);
    buddy_init(&plan->buddy, &plan->cache, 1);
    enum kstatus status = buddy_take_over(&plan->buddy, &plan->bump);
    if (status == K_OK) {
        status = check_buddy(plan);
    }
    stand_in_memory_use(NULL);
    return status;
}
