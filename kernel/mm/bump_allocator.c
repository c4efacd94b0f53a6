/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The bump allocator. The areas become segments in the order of the walk: first what lies at and
 * above the start, upwards, then what lies below it, upwards. One area may be cut in two by the
 * start; its upper part is then the first segment and its lower part the last one.
 *
 * Invariants: base <= next <= end and base < end in every segment, all page-aligned; segments are
 * disjoint, and the only two that can touch are the last and the first (the cut); segments before
 * first_open are full. What is handed out of a segment is exactly [base, next), so a request that
 * a segment cannot serve leaves its tail for smaller ones.
 * Failure plan: a request that fits nowhere changes nothing. Kernel before mm_init ends, and host.
 */
#include "mm/bump_allocator.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/bits.h"
#include "printk.h"

static uint64_t frames_between(phys_addr_t start, phys_addr_t end)
{
    return (end.value - start.value) >> PAGE_SHIFT;
}

static uint64_t free_frames(const struct bump_segment *segment)
{
    return frames_between(segment->next, segment->end);
}

/* Appends [base, end) to the walk unless it is empty; a continuation of the last segment grows it.
 */
static void append_segment(struct bump_allocator *bump, uint64_t base, uint64_t end)
{
    if (base >= end) {
        return;
    }
    if (bump->segment_count > 0 && bump->segment[bump->segment_count - 1].end.value == base) {
        bump->segment[bump->segment_count - 1].end = phys_addr(end);
        return;
    }
    bump->segment[bump->segment_count] = (struct bump_segment){
        .base = phys_addr(base),
        .next = phys_addr(base),
        .end = phys_addr(end),
    };
    bump->segment_count++;
}

/* The whole pages of @p area that lie in [low, high), a page-aligned range. */
static void append_part(struct bump_allocator *bump, const struct phys_memory_area *area,
                        uint64_t low, uint64_t high)
{
    uint64_t base;
    if (!bits_align_up_checked(area->base.value, PAGE_SIZE, &base)) {
        return; /* the area lies inside the last page of the address space */
    }
    const uint64_t end = bits_align_down(phys_memory_area_end(area), PAGE_SIZE);
    append_segment(bump, bits_max(base, low), bits_min(end, high));
}

/* Takes @p count frames off the front of @p segment, which has them. */
static phys_addr_t take(struct bump_segment *segment, page_frame_count_t count)
{
    const phys_addr_t base = segment->next;
    segment->next = phys_add(base, page_frame_count_bytes(count));
    return base;
}

static void skip_full_segments(struct bump_allocator *bump)
{
    while (bump->first_open < bump->segment_count &&
           free_frames(&bump->segment[bump->first_open]) == 0) {
        bump->first_open++;
    }
}

static enum kstatus bump_allocate(struct frame_allocator *allocator, page_frame_count_t count,
                                  phys_addr_t *base)
{
    struct bump_allocator *const bump = CONTAINER_OF(allocator, struct bump_allocator, allocator);
    if (count.value == 0) {
        return K_EINVAL;
    }
    for (uint32_t i = bump->first_open; i < bump->segment_count; i++) {
        if (free_frames(&bump->segment[i]) >= count.value) {
            *base = take(&bump->segment[i], count);
            skip_full_segments(bump);
            return K_OK;
        }
    }
    return K_ENOMEM;
}

static enum kstatus bump_free(struct frame_allocator *allocator, phys_addr_t base,
                              page_frame_count_t count)
{
    (void)allocator; /* the interface's; there is nothing to change in it */
    pr_err("bump: cannot take back %" FMTu64 " frames at " PRIphys, count.value, base.value);
    return K_ENOTSUP;
}

static struct page_frame_usage bump_usage(struct frame_allocator *allocator)
{
    const struct bump_allocator *const bump =
        CONTAINER_OF(allocator, struct bump_allocator, allocator);
    struct page_frame_usage usage = { 0 };
    for (uint32_t i = 0; i < bump->segment_count; i++) {
        const struct bump_segment *const segment = &bump->segment[i];
        usage.used.value += frames_between(segment->base, segment->next);
        usage.free.value += free_frames(segment);
        usage.total.value += frames_between(segment->base, segment->end);
    }
    return usage;
}

static const struct frame_allocator_ops bump_ops = {
    .allocate = bump_allocate,
    .free = bump_free,
    .usage = bump_usage,
};

void bump_allocator_init(struct bump_allocator *bump, const struct phys_memory_areas *areas,
                         phys_addr_t offset)
{
    uint64_t start;
    if (!bits_align_up_checked(offset.value, PAGE_SIZE, &start)) {
        start = PAGE_MASK; /* nothing lies above it: every area is walked from below */
    }
    bump->allocator.ops = &bump_ops;
    bump->start = phys_addr(start);
    bump->segment_count = 0;
    bump->first_open = 0;
    for (uint32_t i = 0; i < areas->count; i++) {
        append_part(bump, &areas->area[i], start, UINT64_MAX);
    }
    for (uint32_t i = 0; i < areas->count; i++) {
        append_part(bump, &areas->area[i], 0, start);
    }
}

/* Whether what is left below the cut goes on above it: nothing was taken there yet. */
static bool touches_over_cut(const struct bump_allocator *bump)
{
    return bump->segment_count >= 2 &&
           bump->segment[bump->segment_count - 1].end.value == bump->segment[0].next.value;
}

void bump_allocator_leftover(const struct bump_allocator *bump, bump_leftover_visitor visit,
                             void *context)
{
    const bool joined = touches_over_cut(bump);
    const uint32_t count = joined ? bump->segment_count - 1 : bump->segment_count;
    for (uint32_t i = 0; i < count; i++) {
        phys_addr_t start = bump->segment[i].next;
        if (joined && i == 0) {
            start = bump->segment[count].next;
        }
        const uint64_t frames = frames_between(start, bump->segment[i].end);
        if (frames > 0) {
            visit(context, start, page_frame_count(frames));
        }
    }
}

phys_addr_t bump_allocator_offset(const struct bump_allocator *bump)
{
    return bump->first_open < bump->segment_count ? bump->segment[bump->first_open].next
                                                  : phys_addr(0);
}
