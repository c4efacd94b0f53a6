/* SPDX-License-Identifier: GPL-2.0-only
 *
 * mm/bump_allocator: the walk (S50), usage (S51), free (S52) and what is left over.
 */
#include "mm/bump_allocator.h"

#include "tests/fake/fake_kernel.h"
#include "tests/ktest.h"

#define NOWHERE UINT64_C(0xdead)

struct fixture {
    struct phys_memory_areas areas;
    struct bump_allocator bump;
};

static void add_area(struct fixture *f, uint64_t base, uint64_t size)
{
    f->areas.area[f->areas.count] = (struct phys_memory_area){ phys_addr(base), size };
    f->areas.count++;
}

static void init(struct fixture *f, uint64_t offset)
{
    const struct phys_memory_areas areas = f->areas; /* a copy: bump keeps nothing of it */
    bump_allocator_init(&f->bump, &areas, phys_addr(offset));
}

/* The base that an allocation of @p frames gives, or NOWHERE. */
static uint64_t take(struct fixture *f, uint64_t frames)
{
    phys_addr_t base = phys_addr(NOWHERE);
    const enum kstatus status =
        frame_allocator_allocate(&f->bump.allocator, page_frame_count(frames), &base);
    return status == K_OK ? base.value : NOWHERE;
}

static void expect_usage(struct ktest *t, struct fixture *f, uint64_t used, uint64_t total)
{
    const struct page_frame_usage usage = frame_allocator_usage(&f->bump.allocator);
    KTEST_EQ(t, usage.used.value, used);
    KTEST_EQ(t, usage.free.value, total - used);
    KTEST_EQ(t, usage.total.value, total);
}

struct runs {
    uint32_t count;
    uint64_t base[8];
    uint64_t frames[8];
};

static void note_run(void *context, phys_addr_t base, page_frame_count_t count)
{
    struct runs *const runs = context;
    if (runs->count < 8) {
        runs->base[runs->count] = base.value;
        runs->frames[runs->count] = count.value;
    }
    runs->count++;
}

static struct runs leftover(const struct fixture *f)
{
    struct runs runs = { 0 };
    bump_allocator_leftover(&f->bump, note_run, &runs);
    return runs;
}

/*   [100000..104000)      start 102000: 102000, 103000, 100000, 101000   */
static void bump_starts_at_the_offset_and_comes_back_below_it(struct ktest *t)
{
    struct fixture f = { 0 };
    add_area(&f, 0x100000, 0x4000);
    init(&f, 0x101001);
    KTEST_EQ(t, bump_allocator_offset(&f.bump).value, 0x102000);
    KTEST_EQ(t, take(&f, 1), 0x102000);
    KTEST_EQ(t, take(&f, 1), 0x103000);
    KTEST_EQ(t, bump_allocator_offset(&f.bump).value, 0x100000);
    KTEST_EQ(t, take(&f, 1), 0x100000);
    KTEST_EQ(t, take(&f, 1), 0x101000);
    KTEST_EQ(t, bump_allocator_offset(&f.bump).value, 0);
    KTEST_EQ(t, take(&f, 1), NOWHERE);
    expect_usage(t, &f, 4, 4);
    KTEST_EQ(t, leftover(&f).count, 0);
}

/*   [100000 +2)  [200000 +4)  start  [300000 +1)  [400000 +8)    walk: 3, 4, 1, 2   */
static void bump_walks_areas_above_first(struct ktest *t)
{
    struct fixture f = { 0 };
    add_area(&f, 0x100000, 0x2000);
    add_area(&f, 0x200000, 0x4000);
    add_area(&f, 0x300000, 0x1000);
    add_area(&f, 0x400000, 0x8000);
    init(&f, 0x280000);
    KTEST_EQ(t, take(&f, 8), 0x400000);
    KTEST_EQ(t, take(&f, 1), 0x300000);
    KTEST_EQ(t, take(&f, 1), 0x100000);
    KTEST_EQ(t, take(&f, 4), 0x200000);
    KTEST_EQ(t, take(&f, 2), NOWHERE);
    KTEST_EQ(t, take(&f, 1), 0x101000);
    expect_usage(t, &f, 15, 15);
}

/* A request that does not fit at the end of an area leaves that end for smaller ones. */
static void bump_leaves_a_skipped_tail_available(struct ktest *t)
{
    struct fixture f = { 0 };
    add_area(&f, 0x100000, 0x3000);
    add_area(&f, 0x200000, 0x10000);
    init(&f, 0);
    KTEST_EQ(t, take(&f, 2), 0x100000);
    KTEST_EQ(t, take(&f, 3), 0x200000);
    KTEST_EQ(t, take(&f, 1), 0x102000);
    KTEST_EQ(t, take(&f, 1), 0x203000);
    expect_usage(t, &f, 7, 19);
}

static void bump_aligns_areas_inward(struct ktest *t)
{
    struct fixture f = { 0 };
    add_area(&f, 0x100001, 0x2fff); /* 100001..103000: two whole pages */
    add_area(&f, 0x200fff, 0x1001); /* 200fff..202000: one */
    add_area(&f, 0x300001, 0x1ffe); /* 300001..301fff: none */
    add_area(&f, 0x400800, 0x400);  /* inside a page */
    init(&f, 0);
    expect_usage(t, &f, 0, 3);
    KTEST_EQ(t, take(&f, 2), 0x101000);
    KTEST_EQ(t, take(&f, 1), 0x201000);
    KTEST_EQ(t, take(&f, 1), NOWHERE);
}

/* An area without a whole page is no place to start at. */
static void bump_offset_is_where_a_frame_comes_from(struct ktest *t)
{
    struct fixture f = { 0 };
    add_area(&f, 0x300001, 0x1ffe);
    add_area(&f, 0x400000, 0x1000);
    init(&f, 0);
    KTEST_EQ(t, bump_allocator_offset(&f.bump).value, 0x400000);
    KTEST_EQ(t, take(&f, 1), 0x400000);
    KTEST_EQ(t, bump_allocator_offset(&f.bump).value, 0);
}

/*   [100000 +2)[102000 +2)   touch: one run of four   */
static void bump_serves_across_touching_areas(struct ktest *t)
{
    struct fixture f = { 0 };
    add_area(&f, 0x100000, 0x2000);
    add_area(&f, 0x102000, 0x2000);
    init(&f, 0);
    KTEST_EQ(t, leftover(&f).count, 1);
    KTEST_EQ(t, take(&f, 4), 0x100000);
}

static void bump_refuses_counts_it_can_not_serve(struct ktest *t)
{
    struct fixture f = { 0 };
    add_area(&f, 0x100000, 0x4000);
    init(&f, 0);
    phys_addr_t base = phys_addr(NOWHERE);
    struct frame_allocator *const allocator = &f.bump.allocator;
    KTEST_STATUS(t, frame_allocator_allocate(allocator, page_frame_count(0), &base), K_EINVAL);
    KTEST_STATUS(t, frame_allocator_allocate(allocator, page_frame_count(5), &base), K_ENOMEM);
    /* As bytes these counts wrap to 0 and to one page. */
    KTEST_STATUS(t, frame_allocator_allocate(allocator, page_frame_count(BIT(52)), &base),
                 K_ENOMEM);
    KTEST_STATUS(t, frame_allocator_allocate(allocator, page_frame_count(BIT(52) + 1), &base),
                 K_ENOMEM);
    KTEST_EQ(t, base.value, NOWHERE);
    expect_usage(t, &f, 0, 4);
    KTEST_EQ(t, take(&f, 3), 0x100000); /* any count, not only powers of two */
}

static void bump_free_is_refused_loudly(struct ktest *t)
{
    struct fixture f = { 0 };
    add_area(&f, 0x100000, 0x4000);
    init(&f, 0);
    KTEST_EQ(t, take(&f, 2), 0x100000);
    fake_log_reset();
    KTEST_STATUS(t,
                 frame_allocator_free(&f.bump.allocator, phys_addr(0x100000), page_frame_count(2)),
                 K_ENOTSUP);
    KTEST_TRUE(t, fake_log_contains("bump: cannot take back 2 frames at 0x0000000000100000"));
    expect_usage(t, &f, 2, 4);
}

/*   [100000 +4) cut at 102000; two taken above, none below: left [100000 +2), not joined   */
static void bump_leftover_is_what_was_not_handed_out(struct ktest *t)
{
    struct fixture f = { 0 };
    add_area(&f, 0x100000, 0x4000);
    add_area(&f, 0x200000, 0x8000);
    init(&f, 0x102000);
    KTEST_EQ(t, take(&f, 1), 0x102000);
    KTEST_EQ(t, take(&f, 3), 0x200000);
    const struct runs runs = leftover(&f);
    KTEST_EQ(t, runs.count, 3);
    KTEST_EQ(t, runs.base[0], 0x103000);
    KTEST_EQ(t, runs.frames[0], 1);
    KTEST_EQ(t, runs.base[1], 0x203000);
    KTEST_EQ(t, runs.frames[1], 5);
    KTEST_EQ(t, runs.base[2], 0x100000);
    KTEST_EQ(t, runs.frames[2], 2);
}

/* The cut is no border where nothing was taken above it. */
static void bump_leftover_joins_over_an_unused_cut(struct ktest *t)
{
    struct fixture f = { 0 };
    add_area(&f, 0x100000, 0x4000);
    add_area(&f, 0x200000, 0x8000);
    init(&f, 0x102000);
    const struct runs runs = leftover(&f);
    KTEST_EQ(t, runs.count, 2);
    KTEST_EQ(t, runs.base[0], 0x100000);
    KTEST_EQ(t, runs.frames[0], 4);
    KTEST_EQ(t, runs.base[1], 0x200000);
    KTEST_EQ(t, runs.frames[1], 8);
}

static void bump_without_areas_has_nothing(struct ktest *t)
{
    struct fixture f = { 0 };
    init(&f, 0x100000);
    KTEST_EQ(t, take(&f, 1), NOWHERE);
    KTEST_EQ(t, bump_allocator_offset(&f.bump).value, 0);
    KTEST_EQ(t, leftover(&f).count, 0);
    expect_usage(t, &f, 0, 0);
}

/* A start that cannot be aligned up: everything lies below it. */
static void bump_with_a_start_at_the_end_of_the_world_walks_from_below(struct ktest *t)
{
    struct fixture f = { 0 };
    add_area(&f, 0x100000, 0x2000);
    init(&f, UINT64_MAX);
    KTEST_EQ(t, take(&f, 1), 0x100000);
    expect_usage(t, &f, 1, 2);
}

/* 512 areas, one of them cut: 513 segments, the table's whole size. */
static void bump_takes_a_full_table_with_a_cut(struct ktest *t)
{
    struct fixture f = { 0 };
    for (uint64_t i = 0; i < 512; i++) {
        add_area(&f, 0x100000 + i * 0x10000, 0x2000);
    }
    init(&f, 0x101000);
    KTEST_EQ(t, f.bump.segment_count, 513);
    KTEST_EQ(t, take(&f, 1), 0x101000);
    for (uint64_t i = 1; i < 512; i++) {
        KTEST_EQ(t, take(&f, 2), 0x100000 + i * 0x10000);
    }
    KTEST_EQ(t, take(&f, 1), 0x100000);
    expect_usage(t, &f, 1024, 1024);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(bump_starts_at_the_offset_and_comes_back_below_it),
    KTEST_CASE(bump_walks_areas_above_first),
    KTEST_CASE(bump_leaves_a_skipped_tail_available),
    KTEST_CASE(bump_aligns_areas_inward),
    KTEST_CASE(bump_offset_is_where_a_frame_comes_from),
    KTEST_CASE(bump_serves_across_touching_areas),
    KTEST_CASE(bump_refuses_counts_it_can_not_serve),
    KTEST_CASE(bump_free_is_refused_loudly),
    KTEST_CASE(bump_leftover_is_what_was_not_handed_out),
    KTEST_CASE(bump_leftover_joins_over_an_unused_cut),
    KTEST_CASE(bump_without_areas_has_nothing),
    KTEST_CASE(bump_with_a_start_at_the_end_of_the_world_walks_from_below),
    KTEST_CASE(bump_takes_a_full_table_with_a_cut),
};
KTEST_SUITE(mm_bump, "mm.bump", cases);
