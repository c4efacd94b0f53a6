/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What the audit of the live tables is told to expect (page_audit itself is in page_audit_test.c):
 * sound after each step of the bring-up, and every kind of damage is found and named.
 */
#include "mm/mm_audit.h"

#include <string.h>

#include "mm/kernel_mapper.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_init.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_machine.h"
#include "tests/ktest.h"

#define RODATA (PHYS_OFFSET + FAKE_PC_KERNEL + FAKE_KERNEL_RODATA_PAGE * PAGE_SIZE)
#define GUARD  (PHYS_OFFSET + FAKE_PC_KERNEL + FAKE_KERNEL_PAGES * PAGE_SIZE)
#define IST    (PHYS_OFFSET + FAKE_PC_KERNEL + FAKE_KERNEL_IST_GUARD * PAGE_SIZE)

static struct fake_machine machine;
static struct page_audit_report report;

static const page_flags_t read_write = { .write = true };

/* Bring-up as kernel_main does it, the log empty afterwards. */
static void boot(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    KTEST_STATUS(t, mm_unmap_low(), K_OK);
    mm_reclaim_loader_memory();
    fake_log_reset();
}

static void map(struct ktest *t, uint64_t virt, uint64_t phys, page_flags_t flags)
{
    struct kernel_mapper_guard guard;
    struct page_flush flush;
    kernel_mapper_lock(&guard);
    KTEST_STATUS(t,
                 page_mapper_map_phys(kernel_mapper_as_mut(&guard), virt_addr(virt),
                                      phys_addr(phys), flags, &flush),
                 K_OK);
    page_flush_flush(&flush);
    kernel_mapper_unlock(&guard);
}

static void remap(struct ktest *t, uint64_t virt, page_flags_t flags)
{
    struct kernel_mapper_guard guard;
    struct page_flush flush;
    kernel_mapper_lock(&guard);
    KTEST_STATUS(
        t,
        page_mapper_remap(kernel_mapper_as_mut(&guard), virt_addr(virt), PAGE_SIZE, flags, &flush),
        K_OK);
    page_flush_flush(&flush);
    kernel_mapper_unlock(&guard);
}

static void unmap(struct ktest *t, uint64_t virt, uint64_t size)
{
    struct kernel_mapper_guard guard;
    struct page_flush flush;
    kernel_mapper_lock(&guard);
    KTEST_STATUS(
        t,
        page_mapper_unmap_range(kernel_mapper_as_mut(&guard), virt_addr(virt), size, false, &flush),
        K_OK);
    page_flush_flush(&flush);
    kernel_mapper_unlock(&guard);
}

/* The audit finds `kind`, once, and says so in the log. */
static void expect(struct ktest *t, enum page_audit_kind kind, uint64_t count)
{
    KTEST_FALSE(t, mm_check_audit(&report));
    KTEST_EQ(t, report.violations[kind], count);
    KTEST_EQ(t, report.violation_count, count);
    KTEST_TRUE(t, fake_log_contains(page_audit_kind_name(kind)));
}

static void mm_audit_is_clean_at_every_step(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    KTEST_TRUE(t, mm_check_audit(&report));
    KTEST_STATUS(t, mm_unmap_low(), K_OK);
    KTEST_TRUE(t, mm_check_audit(&report));
    mm_reclaim_loader_memory();
    KTEST_TRUE(t, mm_check_audit(&report));
    KTEST_TRUE(t, fake_log_contains("0 writable+executable, 0 violations"));
    KTEST_EQ(t, report.table_frames, mm_state()->page_tables.value);
}

static void mm_audit_gives_its_frames_back(struct ktest *t)
{
    boot(t);
    const uint64_t before = locked_frame_allocator_get_usage().free.value;
    KTEST_TRUE(t, mm_check_audit(&report));
    KTEST_EQ(t, locked_frame_allocator_get_usage().free.value, before);
}

static void mm_audit_finds_writable_text(struct ktest *t)
{
    boot(t);
    remap(t, PHYS_OFFSET + FAKE_PC_KERNEL, read_write);
    expect(t, PAGE_AUDIT_WRITABLE_ALIAS, 1);
}

static void mm_audit_finds_writable_rodata(struct ktest *t)
{
    boot(t);
    remap(t, RODATA, read_write);
    expect(t, PAGE_AUDIT_WRITABLE_ALIAS, 1);
}

static void mm_audit_finds_executable_memory(struct ktest *t)
{
    boot(t);
    remap(t, PHYS_OFFSET + SIZE_1M, page_flags_set_execute(page_flags_new(), true));
    expect(t, PAGE_AUDIT_EXECUTABLE, 1);
}

static void mm_audit_finds_mapped_guards(struct ktest *t)
{
    boot(t);
    map(t, GUARD, GUARD - PHYS_OFFSET, read_write);
    map(t, IST, IST - PHYS_OFFSET, read_write);
    map(t, PHYS_OFFSET, 0, read_write);
    expect(t, PAGE_AUDIT_HOLE, 3);
}

static void mm_audit_finds_unmapped_memory(struct ktest *t)
{
    boot(t);
    unmap(t, PHYS_OFFSET + FAKE_PC_ACPI, PAGE_SIZE);
    expect(t, PAGE_AUDIT_NOT_MAPPED, 1);
}

static void mm_audit_finds_what_is_no_memory(struct ktest *t)
{
    boot(t);
    map(t, PHYS_OFFSET + 0xa0000, 0xa0000, read_write); /* the hole below 1 MiB */
    expect(t, PAGE_AUDIT_OUTSIDE, 1);
}

/* Allowed while the low remap stands, a violation when it is gone. */
static void mm_audit_finds_an_identity_page_after_bring_up(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    KTEST_TRUE(t, mm_check_audit(&report));
    KTEST_STATUS(t, mm_unmap_low(), K_OK);
    map(t, 2 * SIZE_1M, 2 * SIZE_1M, read_write);
    expect(t, PAGE_AUDIT_OUTSIDE, 1);
}

static void mm_audit_allows_devices_in_the_pool_only(struct ktest *t)
{
    boot(t);
    map(t, MMIO_POOL_START, UINT64_C(0xfee00000), page_flags_mmio());
    KTEST_TRUE(t, mm_check_audit(&report));
    map(t, MMIO_POOL_START + PAGE_SIZE, SIZE_1M, page_flags_mmio()); /* RAM, uncached: an alias */
    KTEST_FALSE(t, mm_check_audit(&report));
}

static uint32_t count_in_log(const char *text)
{
    uint32_t count = 0;
    for (const char *at = fake_log_text(); (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

static void mm_audit_logs_the_first_sixteen(struct ktest *t)
{
    boot(t);
    for (uint64_t page = 0; page < 40; page++) { /* every other one: no two make one run */
        unmap(t, PHYS_OFFSET + SIZE_1M + 2 * page * PAGE_SIZE, PAGE_SIZE);
    }
    KTEST_STATUS(t, mm_audit(&report), K_OK);
    KTEST_EQ(t, report.violation_count, 40);
    KTEST_EQ(t, count_in_log("audit: "), 16);
}

static void mm_audit_without_memory_is_no_verdict(struct ktest *t)
{
    boot(t);
    phys_addr_t frame;
    while (allocate_page_frames(page_frame_count(1), &frame) == K_OK) {}
    KTEST_STATUS(t, mm_audit(&report), K_ENOMEM);
    KTEST_FALSE(t, mm_check_audit(&report));
    KTEST_TRUE(t, fake_log_contains("could not walk the page tables: ENOMEM"));
}

static const struct ktest_case cases[] = {
    KTEST_CASE(mm_audit_is_clean_at_every_step),
    KTEST_CASE(mm_audit_gives_its_frames_back),
    KTEST_CASE(mm_audit_finds_writable_text),
    KTEST_CASE(mm_audit_finds_writable_rodata),
    KTEST_CASE(mm_audit_finds_executable_memory),
    KTEST_CASE(mm_audit_finds_mapped_guards),
    KTEST_CASE(mm_audit_finds_unmapped_memory),
    KTEST_CASE(mm_audit_finds_what_is_no_memory),
    KTEST_CASE(mm_audit_finds_an_identity_page_after_bring_up),
    KTEST_CASE(mm_audit_allows_devices_in_the_pool_only),
    KTEST_CASE(mm_audit_logs_the_first_sixteen),
    KTEST_CASE(mm_audit_without_memory_is_no_verdict),
};
KTEST_SUITE(mm_audit_live, "mm.audit_live", cases);
