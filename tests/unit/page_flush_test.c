/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Flush tokens (S83): each is counted until it is consumed, small ranges go page by page and large
 * ones at once, other CPUs are told, and frames go back only afterwards.
 */
#include "mm/page_flush.h"

#include <arch/physmap.h>

#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_frames.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

static struct fake_frames frames;
static struct fake_frames boot_frames;

/* The other CPUs: they note what they were asked, and how many frames were out at that time. */
struct remote {
    uint32_t range_calls;
    uint32_t all_calls;
    uint64_t start;
    uint64_t size_bytes;
    uint32_t frames_out;
};

static void remote_range(void *context, virt_addr_t start, uint64_t size_bytes)
{
    struct remote *const remote = context;
    remote->range_calls++;
    remote->start = start.value;
    remote->size_bytes = size_bytes;
    remote->frames_out = frames.out;
}

static void remote_all(void *context)
{
    struct remote *const remote = context;
    remote->all_calls++;
}

static void set_up(void)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_log_reset();
    fake_frames_init(&frames, SIZE_1M, 16);
    fake_frames_init(&boot_frames, 2 * SIZE_1M, 16);
}

static struct page_flush open_range(uint64_t start, uint64_t size_bytes)
{
    struct page_flush flush;
    page_flush_open(&flush, virt_addr(start), size_bytes, &frames.allocator,
                    &boot_frames.allocator);
    return flush;
}

static phys_addr_t take(struct ktest *t, struct fake_frames *from)
{
    phys_addr_t frame = { 0 };
    KTEST_STATUS(t, frame_allocator_allocate_one(&from->allocator, &frame), K_OK);
    return frame;
}

static void page_flush_ledger_counts_until_consumed(struct ktest *t)
{
    set_up();
    const uint64_t before = page_flush_outstanding();
    struct page_flush a = open_range(0x1000, 0x1000);
    struct page_flush b = open_range(0x2000, 0x1000);
    struct page_flush c = open_range(0x3000, 0x1000);
    KTEST_EQ(t, page_flush_outstanding(), before + 3);
    page_flush_flush(&a);
    page_flush_ignore(&b);
    page_flush_inactive(&c);
    KTEST_EQ(t, page_flush_outstanding(), before);
}

static void page_flush_consumed_twice_is_reported_and_counted_once(struct ktest *t)
{
    set_up();
    const uint64_t before = page_flush_outstanding();
    struct page_flush flush = open_range(0x1000, 0x1000);
    page_flush_flush(&flush);
    KTEST_FALSE(t, fake_log_contains("consumed twice"));
    page_flush_flush(&flush);
    KTEST_TRUE(t, fake_log_contains("consumed twice"));
    KTEST_EQ(t, page_flush_outstanding(), before);
    KTEST_EQ(t, fake_cpu.invlpg_count, 1);
}

static void page_flush_small_range_invalidates_each_page(struct ktest *t)
{
    set_up();
    struct page_flush flush = open_range(0x10000, PAGE_FLUSH_SINGLE_MAX * PAGE_SIZE);
    page_flush_flush(&flush);
    KTEST_EQ(t, fake_cpu.invlpg_count, PAGE_FLUSH_SINGLE_MAX);
    KTEST_EQ(t, fake_cpu.invlpg_last, 0x10000 + (PAGE_FLUSH_SINGLE_MAX - 1) * PAGE_SIZE);
    KTEST_EQ(t, fake_cpu.cr3_writes, 0);
}

static void page_flush_large_range_invalidates_everything_once(struct ktest *t)
{
    set_up();
    struct page_flush flush = open_range(0x10000, (PAGE_FLUSH_SINGLE_MAX + 1) * PAGE_SIZE);
    page_flush_flush(&flush);
    KTEST_EQ(t, fake_cpu.invlpg_count, 0);
    KTEST_EQ(t, fake_cpu.cr3_writes, 1);
}

static void page_flush_large_range_reaches_global_pages(struct ktest *t)
{
    set_up();
    fake_cpu.cr4 |= 1U << 7; /* PGE */
    const uint64_t cr4 = fake_cpu.cr4;
    struct page_flush flush = open_range(0, SIZE_1G);
    page_flush_flush(&flush);
    KTEST_EQ(t, fake_cpu.cr4_writes, 2);
    KTEST_EQ(t, fake_cpu.cr4, cr4);
}

static void page_flush_ignore_touches_no_tlb(struct ktest *t)
{
    set_up();
    struct remote remote = { 0 };
    const struct page_flush_remote_ops ops = { remote_range, remote_all, &remote };
    page_flush_set_remote_ops(&ops);
    struct page_flush flush = open_range(0x1000, SIZE_1G);
    page_flush_ignore(&flush);
    page_flush_set_remote_ops(NULL);
    KTEST_EQ(t, fake_cpu.invlpg_count + fake_cpu.cr3_writes, 0);
    KTEST_EQ(t, remote.range_calls + remote.all_calls, 0);
}

static void page_flush_tells_other_cpus_before_frames_are_freed(struct ktest *t)
{
    set_up();
    struct remote remote = { 0 };
    const struct page_flush_remote_ops ops = { remote_range, remote_all, &remote };
    page_flush_set_remote_ops(&ops);
    struct page_flush flush = open_range(0x5000, 0x2000);
    page_flush_add_frame(&flush, take(t, &frames), false);
    page_flush_flush(&flush);
    struct page_flush large = open_range(0, SIZE_1G);
    page_flush_flush(&large);
    page_flush_set_remote_ops(NULL);
    KTEST_EQ(t, remote.range_calls, 1);
    KTEST_EQ(t, remote.start, 0x5000);
    KTEST_EQ(t, remote.size_bytes, 0x2000);
    KTEST_EQ(t, remote.frames_out, 1); /* not freed yet when they were told */
    KTEST_EQ(t, frames.out, 0);
    KTEST_EQ(t, remote.all_calls, 1);
}

static void page_flush_inactive_tells_only_the_others(struct ktest *t)
{
    set_up();
    struct remote remote = { 0 };
    const struct page_flush_remote_ops ops = { remote_range, remote_all, &remote };
    page_flush_set_remote_ops(&ops);
    struct page_flush flush = open_range(0x5000, 0x2000);
    page_flush_inactive(&flush);
    page_flush_set_remote_ops(NULL);
    KTEST_EQ(t, remote.range_calls, 1);
    KTEST_EQ(t, fake_cpu.invlpg_count + fake_cpu.cr3_writes, 0);
}

static void page_flush_frees_frames_to_where_they_came_from(struct ktest *t)
{
    set_up();
    struct page_flush flush = open_range(0x5000, 0x1000);
    page_flush_add_frame(&flush, take(t, &frames), false);
    page_flush_add_frame(&flush, take(t, &boot_frames), true);
    page_flush_add_frame(&flush, take(t, &frames), false);
    KTEST_EQ(t, frames.out, 2);
    page_flush_flush(&flush);
    KTEST_EQ(t, frames.out, 0);
    KTEST_EQ(t, boot_frames.out, 0);
    KTEST_EQ(t, frames.bad_frees + boot_frames.bad_frees, 0);
}

static void page_flush_chained_frame_is_no_present_entry(struct ktest *t)
{
    set_up();
    struct page_flush flush = open_range(0x5000, 0x1000);
    const phys_addr_t first = take(t, &boot_frames);
    const phys_addr_t second = take(t, &boot_frames);
    page_flush_add_frame(&flush, first, true);
    page_flush_add_frame(&flush, second, true);
    KTEST_EQ(t, *(uint64_t *)physmap_ptr(first, 8) & 1, 0);
    KTEST_EQ(t, *(uint64_t *)physmap_ptr(second, 8) & 1, 0);
    page_flush_ignore(&flush);
    KTEST_EQ(t, boot_frames.out, 0);
}

static void page_flush_frame_that_nobody_takes_is_reported(struct ktest *t)
{
    set_up();
    struct page_flush flush = open_range(0x5000, 0x1000);
    page_flush_add_frame(&flush, take(t, &frames), false);
    frames.no_free = true;
    page_flush_flush(&flush);
    KTEST_TRUE(t, fake_log_contains("is lost: ENOTSUP"));
}

static void page_flush_all_joins_tokens_into_one_flush(struct ktest *t)
{
    set_up();
    const uint64_t before = page_flush_outstanding();
    struct page_flush_all all;
    page_flush_all_init(&all);
    struct page_flush a = open_range(0x7000, 0x1000);
    struct page_flush b = open_range(0x4000, 0x1000);
    page_flush_add_frame(&a, take(t, &frames), false);
    page_flush_add_frame(&b, take(t, &boot_frames), true);
    page_flush_all_consume(&all, &a);
    page_flush_all_consume(&all, &b);
    KTEST_EQ(t, page_flush_outstanding(), before + 1);
    KTEST_EQ(t, frames.out, 1);
    page_flush_all_flush(&all);
    KTEST_EQ(t, fake_cpu.invlpg_count, 4); /* 0x4000 to 0x7fff */
    KTEST_EQ(t, frames.out + boot_frames.out, 0);
    KTEST_EQ(t, page_flush_outstanding(), before);
    page_flush_all_flush(&all);
    KTEST_EQ(t, fake_cpu.invlpg_count, 4);
}

static void page_flush_all_spans_the_last_page_without_wrapping(struct ktest *t)
{
    set_up();
    struct page_flush_all all;
    page_flush_all_init(&all);
    struct page_flush a = open_range(UINT64_C(0xfffffffffffff000), 0x1000);
    struct page_flush b = open_range(UINT64_C(0xffffffffffffd000), 0x1000);
    page_flush_all_consume(&all, &a);
    page_flush_all_consume(&all, &b);
    KTEST_EQ(t, all.token.start.value, UINT64_C(0xffffffffffffd000));
    KTEST_EQ(t, all.token.size_bytes, 0x3000);
    struct page_flush c = open_range(0, 0x1000);
    page_flush_all_consume(&all, &c);
    page_flush_all_flush(&all);
    KTEST_EQ(t, fake_cpu.cr3_writes, 1);
}

static void page_flush_all_with_another_allocator_flushes_first(struct ktest *t)
{
    set_up();
    struct page_flush_all all;
    page_flush_all_init(&all);
    struct page_flush a = open_range(0x7000, 0x1000);
    page_flush_add_frame(&a, take(t, &frames), false);
    struct page_flush b;
    page_flush_open(&b, virt_addr(0x9000), 0x1000, &boot_frames.allocator, NULL);
    page_flush_add_frame(&b, take(t, &boot_frames), false);
    page_flush_all_consume(&all, &a);
    page_flush_all_consume(&all, &b);
    KTEST_EQ(t, frames.out, 0);
    KTEST_EQ(t, fake_cpu.invlpg_count, 1);
    page_flush_all_ignore(&all);
    KTEST_EQ(t, boot_frames.out, 0);
    KTEST_EQ(t, frames.bad_frees + boot_frames.bad_frees, 0);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(page_flush_ledger_counts_until_consumed),
    KTEST_CASE(page_flush_consumed_twice_is_reported_and_counted_once),
    KTEST_CASE(page_flush_small_range_invalidates_each_page),
    KTEST_CASE(page_flush_large_range_invalidates_everything_once),
    KTEST_CASE(page_flush_large_range_reaches_global_pages),
    KTEST_CASE(page_flush_ignore_touches_no_tlb),
    KTEST_CASE(page_flush_tells_other_cpus_before_frames_are_freed),
    KTEST_CASE(page_flush_inactive_tells_only_the_others),
    KTEST_CASE(page_flush_frees_frames_to_where_they_came_from),
    KTEST_CASE(page_flush_chained_frame_is_no_present_entry),
    KTEST_CASE(page_flush_frame_that_nobody_takes_is_reported),
    KTEST_CASE(page_flush_all_joins_tokens_into_one_flush),
    KTEST_CASE(page_flush_all_spans_the_last_page_without_wrapping),
    KTEST_CASE(page_flush_all_with_another_allocator_flushes_first),
};
KTEST_SUITE(mm_page_flush, "mm.paging.flush", cases);
