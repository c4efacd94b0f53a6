/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See bringup_plan.h. Stateless.
 */
#include "bringup_plan.h"

#include <stdbool.h>

#include "lib/bits.h"

/* The page-frame allocator's metadata takes less than one frame in so many (docs/allocator.md). */
#define FRAMES_FOR_ONE_OF_METADATA 1024U

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

enum kstatus bringup_plan_run(struct bringup_plan *plan, const struct bringup_needs *needs,
                              struct memory_map *map)
{
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
    if (status == K_OK && !balances(plan)) {
        status = K_EPROTO;
    }
    const uint64_t metadata_frames = usage.total.value / FRAMES_FOR_ONE_OF_METADATA + 1;
    return status == K_OK && plan->free_frames <= metadata_frames ? K_ENOMEM : status;
}
