/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The area table and the bump allocator on this machine's memory map.
 */
#include "mm/bump_allocator.h"
#include "mm/mm_init.h"
#include "tests/ktest.h"

static void areas_are_sorted_disjoint_and_aligned(struct ktest *t)
{
    const struct phys_memory_areas *const areas = &mm_state()->areas;
    uint64_t previous_end = LOW_MEMORY_END;
    KTEST_TRUE(t, areas->count > 0 && areas->count <= PHYS_MEMORY_AREA_MAX);
    for (uint32_t i = 0; i < areas->count; i++) {
        const struct phys_memory_area *const area = &areas->area[i];
        KTEST_TRUE(t, area->base.value >= previous_end);
        KTEST_TRUE(t, area->size_bytes > 0);
        KTEST_TRUE(t, bits_is_aligned(area->base.value | area->size_bytes, PAGE_SIZE));
        previous_end = phys_memory_area_end(area);
    }
}

static void areas_are_the_available_entries(struct ktest *t)
{
    const struct memory_map map = mm_memory_map();
    uint64_t available = 0;
    for (uint32_t i = 0; i < map.count; i++) {
        KTEST_TRUE(t, map.entries[i].type != MMAP_LOADER); /* reclaimed (S33) */
        available += map.entries[i].type == MMAP_AVAILABLE ? map.entries[i].length : 0;
    }
    KTEST_EQ(t, phys_memory_areas_bytes(&mm_state()->areas), available);
}

static void books_balance_to_the_byte(struct ktest *t)
{
    struct mm_books books;
    mm_read_books(&books);
    KTEST_TRUE(t, books.classes_balance);
    KTEST_TRUE(t, books.frames_balance);
    KTEST_EQ(t, books.classes.loader, 0);
}

static const struct ktest_case area_cases[] = {
    KTEST_CASE(areas_are_sorted_disjoint_and_aligned),
    KTEST_CASE(areas_are_the_available_entries),
    KTEST_CASE(books_balance_to_the_byte),
};
KTEST_SUITE(mm_areas, "mm.areas", area_cases);

/* A second bump allocator over the same areas: it only counts, nothing is touched. */
static struct bump_allocator trial;

static void count_frames(void *context, phys_addr_t base, page_frame_count_t count)
{
    (void)base;
    *(uint64_t *)context += count.value;
}

static uint64_t leftover_frames(void)
{
    uint64_t frames = 0;
    bump_allocator_leftover(&trial, count_frames, &frames);
    return frames;
}

static void bump_starts_behind_the_kernel(struct ktest *t)
{
    const struct mm_state *const state = mm_state();
    KTEST_EQ(t, PHYS_OFFSET + state->bump_start.value, state->layout.image.start_brk.value);
}

static void bump_loses_no_frame(struct ktest *t)
{
    const struct mm_state *const state = mm_state();
    bump_allocator_init(&trial, &state->areas, state->bump_start);
    const uint64_t total = frame_allocator_usage(&trial.allocator).total.value;
    KTEST_EQ(t, total, phys_memory_areas_bytes(&state->areas) / PAGE_SIZE);
    uint64_t taken = 0;
    for (uint64_t count = 1; count <= 7; count++) {
        phys_addr_t base;
        KTEST_STATUS(t, frame_allocator_allocate(&trial.allocator, page_frame_count(count), &base),
                     K_OK);
        taken += count;
    }
    KTEST_EQ(t, frame_allocator_usage(&trial.allocator).used.value, taken);
    KTEST_EQ(t, leftover_frames(), total - taken);
}

static void bump_cannot_free(struct ktest *t)
{
    bump_allocator_init(&trial, &mm_state()->areas, mm_state()->bump_start);
    phys_addr_t base;
    KTEST_STATUS(t, frame_allocator_allocate_one(&trial.allocator, &base), K_OK);
    KTEST_STATUS(t, frame_allocator_free_one(&trial.allocator, base), K_ENOTSUP);
}

static const struct ktest_case bump_cases[] = {
    KTEST_CASE(bump_starts_behind_the_kernel),
    KTEST_CASE(bump_loses_no_frame),
    KTEST_CASE(bump_cannot_free),
};
KTEST_SUITE(mm_bump, "mm.bump", bump_cases);
