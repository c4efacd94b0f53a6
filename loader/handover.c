/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See handover.h. The tables themselves are made by the kernel's own units (direct_map,
 * page_mapper): what is special to the hand-over is the list of exceptions, the identity page, and
 * the pool.
 */
#include "handover.h"

#include <stdbool.h>
#include <stddef.h>

#include "table_count.h"

#define IDENTITY_FRAMES  3U  /* the jump page's second level, directory and table */
#define EXTENSION_FRAMES 32U /* an end of what handover_extend() finds takes one or two */

/* ---- the pool ---------------------------------------------------------------------------------
 */

static enum kstatus pool_allocate(struct frame_allocator *allocator, page_frame_count_t count,
                                  phys_addr_t *base)
{
    struct handover_pool *const pool = CONTAINER_OF(allocator, struct handover_pool, allocator);
    if (count.value > pool->count_frames - pool->used_frames) {
        return K_ENOMEM;
    }
    *base = phys_add(pool->base, pool->used_frames << PAGE_SHIFT);
    pool->used_frames += count.value;
    return K_OK;
}

static enum kstatus pool_free(struct frame_allocator *allocator, phys_addr_t base,
                              page_frame_count_t count)
{
    (void)allocator;
    (void)base;
    (void)count;
    return K_ENOTSUP;
}

static struct page_frame_usage pool_usage(struct frame_allocator *allocator)
{
    const struct handover_pool *const pool =
        CONTAINER_OF(allocator, struct handover_pool, allocator);
    return (struct page_frame_usage){
        .used = page_frame_count(pool->used_frames),
        .free = page_frame_count(pool->count_frames - pool->used_frames),
        .total = page_frame_count(pool->count_frames),
    };
}

static const struct frame_allocator_ops pool_ops = {
    .allocate = pool_allocate,
    .free = pool_free,
    .usage = pool_usage,
};

/* ---- how many tables ---------------------------------------------------------------------------
 */

/* Page 0, the stack's guard and the jump page are a page each; a segment has two borders. */
static uint32_t count_cuts(const struct elf_image_plan *image)
{
    return 3 + 2 * image->segment_count;
}

uint64_t handover_pool_frames(const struct memory_map *map, const struct paging_features *features,
                              const struct elf_image_plan *image)
{
    return 1 + table_count_max(map, features, count_cuts(image)) + IDENTITY_FRAMES +
           EXTENSION_FRAMES;
}

/* ---- building ----------------------------------------------------------------------------------
 */

static void add_exception(struct handover *handover, const struct direct_map_exception *exception)
{
    uint32_t i = handover->exception_count++;
    for (; i > 0 && handover->exceptions[i - 1].start > exception->start; i--) {
        handover->exceptions[i] = handover->exceptions[i - 1];
    }
    handover->exceptions[i] = *exception;
}

static void add_hole(struct handover *handover, uint64_t frame)
{
    const struct direct_map_exception hole = { .start = frame,
                                               .end = frame + PAGE_SIZE,
                                               .is_hole = true };
    add_exception(handover, &hole);
}

static page_flags_t segment_flags(const struct elf_image_segment *segment)
{
    return page_flags_set_execute(page_flags_set_write(page_flags_new(), segment->write),
                                  segment->execute);
}

static void list_exceptions(struct handover *handover, const struct handover_layout *layout)
{
    handover->exception_count = 0;
    add_hole(handover, 0);
    add_hole(handover, layout->stack_guard.value);
    const struct direct_map_exception alias = { .start = layout->jump_page.value,
                                                .end = layout->jump_page.value + PAGE_SIZE,
                                                .flags = page_flags_new() };
    add_exception(handover, &alias);
    for (uint32_t i = 0; i < layout->image->segment_count; i++) {
        const struct elf_image_segment *const segment = &layout->image->segments[i];
        const struct direct_map_exception part = {
            .start = layout->image_base.value + segment->start,
            .end = layout->image_base.value + segment->end,
            .flags = segment_flags(segment),
        };
        if (part.start < part.end) {
            add_exception(handover, &part);
        }
    }
}

/* The map's memory as runs of whole frames, touching entries joined. */
static enum kstatus list_mapped(struct handover *handover, const struct memory_map *map)
{
    handover->mapped_count = 0;
    uint64_t previous_end = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        const struct multiboot2_mmap_entry *const entry = &map->entries[i];
        if (!memory_map_type_is_mapped(entry->type)) {
            continue;
        }
        const uint64_t start = bits_max(bits_align_down(entry->address, PAGE_SIZE), previous_end);
        const uint64_t end = bits_align_up(entry->address + entry->length, PAGE_SIZE);
        const uint64_t frames = end > start ? (end - start) >> PAGE_SHIFT : 0;
        if (frames > 0 && start == previous_end && handover->mapped_count > 0) {
            handover->mapped[handover->mapped_count - 1].count.value += frames;
        } else if (frames > 0 && handover->mapped_count == handover->mapped_capacity) {
            return K_ENOSPC;
        } else if (frames > 0) {
            handover->mapped[handover->mapped_count++] =
                (struct phys_frame_range){ phys_frame_of(phys_addr(start)),
                                           page_frame_count(frames) };
        }
        previous_end = bits_max(previous_end, end);
    }
    return K_OK;
}

static enum kstatus map_identity_page(struct handover *handover)
{
    struct page_flush flush;
    const enum kstatus status = page_mapper_map_phys(
        &handover->mapper, virt_addr(handover->jump_page.value), handover->jump_page,
        page_flags_set_execute(page_flags_new(), true), &flush);
    if (status == K_OK) {
        page_flush_ignore(&flush); /* these tables were never loaded */
    }
    return status;
}

void handover_init(struct handover *handover, const struct paging_features *features,
                   struct phys_frame_range *mapped, uint32_t mapped_capacity)
{
    *handover = (struct handover){ .features = *features,
                                   .mapped = mapped,
                                   .mapped_capacity = mapped_capacity };
}

enum kstatus handover_build(struct handover *handover, const struct memory_map *map,
                            const struct handover_layout *layout, phys_addr_t pool_base,
                            uint64_t pool_frames)
{
    handover->pool = (struct handover_pool){ .allocator = { .ops = &pool_ops },
                                             .base = pool_base,
                                             .count_frames = pool_frames };
    handover->jump_page = layout->jump_page;
    list_exceptions(handover, layout);
    enum kstatus status = list_mapped(handover, map);
    if (status == K_OK) {
        status =
            page_mapper_create(&handover->mapper, &handover->pool.allocator, &handover->features);
    }
    if (status == K_OK) {
        status = direct_map_build(&handover->mapper, map, handover->exceptions,
                                  handover->exception_count);
    }
    return status == K_OK ? map_identity_page(handover) : status;
}

/* ---- audit --------------------------------------------------------------------------------------
 */

static struct phys_frame_range frames_of(const struct direct_map_exception *exception)
{
    return (struct phys_frame_range){
        phys_frame_of(phys_addr(exception->start)),
        page_frame_count((exception->end - exception->start) >> PAGE_SHIFT),
    };
}

enum kstatus handover_audit(const struct handover *handover, page_audit_visitor visit,
                            void *context, struct page_audit_report *report)
{
    struct phys_frame_range holes[HANDOVER_EXCEPTIONS_MAX];
    struct phys_frame_range read_only[HANDOVER_EXCEPTIONS_MAX];
    uint32_t hole_count = 0;
    uint32_t read_only_count = 0;
    for (uint32_t i = 0; i < handover->exception_count; i++) {
        const struct direct_map_exception *const exception = &handover->exceptions[i];
        if (exception->is_hole) {
            holes[hole_count++] = frames_of(exception);
        } else if (!exception->flags.write) {
            read_only[read_only_count++] = frames_of(exception);
        }
    }
    const struct page_audit_window identity = { .start = virt_addr(handover->jump_page.value),
                                                .size_bytes = PAGE_SIZE,
                                                .kind = PAGE_AUDIT_WINDOW_IDENTITY };
    const struct page_audit_expectation expectation = {
        .mapped = { handover->mapped, handover->mapped_count },
        .holes = { holes, hole_count },
        .read_only = { read_only, read_only_count },
        .windows = &identity,
        .window_count = 1,
        .visit = visit,
        .context = context,
    };
    return page_audit(handover->mapper.root, &handover->features, &expectation, report);
}

/* ---- after the exit -----------------------------------------------------------------------------
 */

/* Maps [start, end) as plain memory and counts it; an empty range is fine. */
static enum kstatus map_more(struct handover *handover, uint64_t start, uint64_t end,
                             uint64_t *extended_bytes)
{
    if (start >= end) {
        return K_OK;
    }
    struct multiboot2_mmap_entry entry = { .address = start,
                                           .length = end - start,
                                           .type = MMAP_AVAILABLE };
    uint32_t reason = MMAP_REASON_AVAILABLE;
    const struct memory_map piece = { .entries = &entry, .reasons = &reason, .count = 1 };
    *extended_bytes += end - start;
    return direct_map_build(&handover->mapper, &piece, handover->exceptions,
                            handover->exception_count);
}

/* Maps the parts of [start, end) that lie between the runs that are mapped. */
static enum kstatus fill_gaps(struct handover *handover, uint64_t start, uint64_t end,
                              uint64_t *extended_bytes)
{
    for (uint32_t i = 0; i < handover->mapped_count && start < end; i++) {
        const struct phys_frame_range *const run = &handover->mapped[i];
        const uint64_t run_start = phys_frame_address(run->first).value;
        const uint64_t run_end = run_start + page_frame_count_bytes(run->count);
        const enum kstatus status =
            map_more(handover, start, bits_min(end, run_start), extended_bytes);
        if (status != K_OK) {
            return status;
        }
        start = bits_max(start, run_end);
    }
    return map_more(handover, start, end, extended_bytes);
}

enum kstatus handover_extend(struct handover *handover, const struct memory_map *map,
                             uint64_t *extended_bytes)
{
    uint64_t extended = 0;
    uint64_t done_end = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        const struct multiboot2_mmap_entry *const entry = &map->entries[i];
        if (!memory_map_type_is_mapped(entry->type)) {
            continue;
        }
        const uint64_t start = bits_max(bits_align_down(entry->address, PAGE_SIZE), done_end);
        const uint64_t end = bits_align_up(entry->address + entry->length, PAGE_SIZE);
        const enum kstatus status = start < end ? fill_gaps(handover, start, end, &extended) : K_OK;
        if (status != K_OK) {
            return status;
        }
        done_end = bits_max(done_end, end);
    }
    *extended_bytes = extended;
    return K_OK;
}
