/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See bringup_plan.h. What fails leaves the plan as far as it came; nothing of it needs to be
 * undone.
 */
#include "bringup_plan.h"

#include <stdbool.h>

#include "lib/bits.h"
#include "lib/compiler.h"
#include "mm/takeover.h"
#include "table_count.h"

#define ROOM_ALIGN 64U /* of stand_in_memory_init() */

/* ---- areas ------------------------------------------------------------------------------------
 */

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

static void count_leftover(void *context, phys_addr_t base, page_frame_count_t count)
{
    (void)base;
    *(uint64_t *)context += count.value;
}

/* Notes what bump gave and what it leaves. That is all there is, by both ways of counting. */
static enum kstatus note_bump_usage(struct bringup_plan *plan)
{
    const struct page_frame_usage usage = frame_allocator_usage(&plan->bump.allocator);
    uint64_t leftover = 0;
    bump_allocator_leftover(&plan->bump, count_leftover, &leftover);
    plan->table_frames = usage.used.value - plan->bootinfo_frames;
    plan->free_frames = usage.free.value;
    const uint64_t frames = usage.used.value + usage.free.value;
    return leftover == usage.free.value &&
                   frames << PAGE_SHIFT == phys_memory_areas_bytes(&plan->areas)
               ? K_OK
               : K_EPROTO;
}

/* ---- how many tables --------------------------------------------------------------------------
 */

/* Page 0, each guard frame, and each of the three borders of code and rodata. */
#define CUTS(layout) (4U + (layout)->guard_count)

/* Low memory is as a rule mapped by 2 MiB, but any of these may be in pieces. */
#define LOW_TABLES (2U + LOW_REMAP_END / SIZE_2M)

#define MMIO_TABLES ((MMIO_POOL_END - MMIO_POOL_START) / (512 * SIZE_1G))

/* The most tables that kernel_tables_build() can make. */
static uint64_t count_from_above(const struct bringup_plan *plan)
{
    const struct bringup_needs *const needs = &plan->needs;
    return 1 + table_count_max(&plan->map, &needs->features, CUTS(&needs->layout)) + LOW_TABLES +
           MMIO_TABLES;
}

/* ---- start ------------------------------------------------------------------------------------
 */

/* As the kernel's start_bump(). */
static void start_bump(struct bringup_plan *plan)
{
    phys_addr_t image_end = { 0 };
    (void)virt_to_phys(plan->needs.layout.image.start_brk, &image_end); /* fails without an image */
    bump_allocator_init(&plan->bump, &plan->areas, image_end);
}

enum kstatus bringup_plan_start(struct bringup_plan *plan, const struct bringup_needs *needs,
                                struct memory_map *map)
{
    plan->needs = *needs;
    plan->bootinfo_frames = bits_align_up(needs->bootinfo_bytes, PAGE_SIZE) >> PAGE_SHIFT;
    plan->metadata_frames = 0;
    enum kstatus status = make_areas(plan, map);
    if (status != K_OK) {
        return status;
    }
    plan->map = *map;
    plan->table_frames_max = count_from_above(plan);
    start_bump(plan);
    phys_addr_t copy;
    status = frame_allocator_allocate(&plan->bump.allocator,
                                      page_frame_count(plan->bootinfo_frames), &copy);
    return status == K_OK ? note_bump_usage(plan) : status;
}

/* ---- room -------------------------------------------------------------------------------------
 */

/* What stands in for tables and metadata: the most of both. Taking tables from bump only makes its
 * leftover, and so the metadata, smaller. */
static struct buddy_takeover_size stand_in_size(const struct bringup_plan *plan)
{
    struct buddy_takeover_size size = buddy_takeover_size(&plan->bump);
    size.pieces += plan->table_frames_max;
    size.bytes += plan->table_frames_max << PAGE_SHIFT;
    return size;
}

/* The room begins with the audit's list of ranges. */
static uint64_t ranges_bytes(const struct bringup_plan *plan)
{
    return bits_align_up(plan->map.count * sizeof(struct phys_frame_range), ROOM_ALIGN);
}

uint64_t bringup_plan_room_bytes(const struct bringup_plan *plan)
{
    const struct buddy_takeover_size size = stand_in_size(plan);
    return ranges_bytes(plan) + stand_in_memory_bytes(size.pieces, size.bytes);
}

/* ---- tables -----------------------------------------------------------------------------------
 */

static enum kstatus allocate_for_tables(struct frame_allocator *allocator, page_frame_count_t count,
                                        phys_addr_t *base)
{
    struct bringup_plan *const plan =
        CONTAINER_OF(allocator, struct bringup_plan, table_frames_source);
    const enum kstatus status = frame_allocator_allocate(&plan->bump.allocator, count, base);
    if (status == K_OK) {
        /* As a whole, before the mapper asks for its first word. */
        (void)stand_in_memory_ptr(&plan->stand_in, *base, page_frame_count_bytes(count));
    }
    return status;
}

/* As bump, but without its word: it is the way of a plan that fails. */
static enum kstatus free_no_table(struct frame_allocator *allocator, phys_addr_t base,
                                  page_frame_count_t count)
{
    (void)allocator;
    (void)base;
    (void)count;
    return K_ENOTSUP;
}

static struct page_frame_usage table_frames_usage(struct frame_allocator *allocator)
{
    struct bringup_plan *const plan =
        CONTAINER_OF(allocator, struct bringup_plan, table_frames_source);
    return frame_allocator_usage(&plan->bump.allocator);
}

static const struct frame_allocator_ops table_frames_ops = {
    .allocate = allocate_for_tables,
    .free = free_no_table,
    .usage = table_frames_usage,
};

static enum kstatus build_and_audit(struct bringup_plan *plan, struct phys_frame_range *ranges,
                                    page_audit_visitor visit, void *context)
{
    const struct bringup_needs *const needs = &plan->needs;
    enum kstatus status =
        page_mapper_create(&plan->mapper, &plan->table_frames_source, &needs->features);
    if (status == K_OK) {
        plan->mapper.makes_boot_tables = true; /* as in the kernel */
        status = kernel_tables_build(&plan->mapper, &plan->map, &needs->layout);
    }
    if (status != K_OK) {
        return status;
    }
    const struct kernel_tables_audit audit = {
        .root = plan->mapper.root,
        .features = &needs->features,
        .map = &plan->map,
        .layout = &needs->layout,
        .low_is_mapped = true,
        .ranges = ranges,
        .visit = visit,
        .context = context,
    };
    return kernel_tables_audit(&audit, &plan->audit);
}

/* What bump gave is what was built, and what the audit has found. */
static bool tables_are_counted(const struct bringup_plan *plan)
{
    return plan->table_frames == plan->mapper.table_frames &&
           (plan->audit.violation_count != 0 || plan->audit.table_frames == plan->table_frames);
}

enum kstatus bringup_plan_build_tables(struct bringup_plan *plan, void *room,
                                       page_audit_visitor visit, void *context)
{
    const struct buddy_takeover_size size = stand_in_size(plan);
    stand_in_memory_init(&plan->stand_in, size.pieces, size.bytes,
                         (uint8_t *)room + ranges_bytes(plan));
    plan->table_frames_source.ops = &table_frames_ops;
    stand_in_memory_use(&plan->stand_in);
    enum kstatus status = build_and_audit(plan, room, visit, context);
    stand_in_memory_use(NULL);
    if (status == K_OK) {
        status = note_bump_usage(plan);
    }
    return status == K_OK && !tables_are_counted(plan) ? K_EPROTO : status;
}

enum kstatus bringup_plan_count_tables(struct bringup_plan *plan)
{
    enum kstatus status = K_OK;
    for (uint64_t i = 0; i < plan->table_frames_max && status == K_OK; i++) {
        phys_addr_t frame;
        status = frame_allocator_allocate_one(&plan->bump.allocator, &frame);
    }
    return status == K_OK ? note_bump_usage(plan) : status;
}

/* ---- page-frame allocator ---------------------------------------------------------------------
 */

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

enum kstatus bringup_plan_finish(struct bringup_plan *plan)
{
    stand_in_memory_use(&plan->stand_in);
    buddy_init(&plan->buddy, &plan->cache, 1);
    enum kstatus status = buddy_take_over(&plan->buddy, &plan->bump);
    if (status == K_OK) {
        status = check_buddy(plan);
    }
    stand_in_memory_use(NULL);
    return status;
}
