/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Page flags as intent (S02, S80), the bits they come out as, and the flags of the kernel image by
 * address (S84).
 */
#include "mm/page_flags.h"

#include "mm/kernel_image.h"
#include "mm/page_entry.h"
#include "tests/ktest.h"

static const struct paging_features features = { .nx = true, .pages_1g = true, .phys_bits = 52 };

static uint64_t bits_of(page_flags_t flags)
{
    page_entry_t entry = { 0 };
    return page_entry_make(&features, phys_addr(0), flags, PAGE_LEVEL_4K, &entry) == K_OK
               ? entry.value
               : 0;
}

static void page_flags_bits_are_the_manuals(struct ktest *t)
{
    KTEST_EQ(t, X86_PTE_PRESENT, 1);
    KTEST_EQ(t, X86_PTE_WRITE, 2);
    KTEST_EQ(t, X86_PTE_USER, 4);
    KTEST_EQ(t, X86_PTE_WRITE_THROUGH, 8);
    KTEST_EQ(t, X86_PTE_CACHE_DISABLE, 16);
    KTEST_EQ(t, X86_PTE_NO_EXECUTE, 0x8000000000000000);
}

static void page_flags_new_is_present_read_only_no_execute(struct ktest *t)
{
    const page_flags_t flags = page_flags_new();
    KTEST_TRUE(t, !flags.write && !flags.execute && !flags.user && !flags.global);
    KTEST_EQ(t, bits_of(flags), 0x8000000000000001);
}

static void page_flags_setters_change_one_thing(struct ktest *t)
{
    const page_flags_t flags = page_flags_new();
    KTEST_EQ(t, bits_of(page_flags_set_write(flags, true)), 0x8000000000000003);
    KTEST_EQ(t, bits_of(page_flags_set_execute(flags, true)), 0x1);
    KTEST_EQ(t, bits_of(page_flags_set_user(flags, true)), 0x8000000000000005);
    KTEST_EQ(t, bits_of(page_flags_set_cache(flags, PAGE_CACHE_WRITE_THROUGH)), 0x8000000000000009);
    const page_flags_t written = page_flags_set_write(flags, true);
    KTEST_TRUE(t, page_flags_equal(page_flags_set_write(written, false), flags));
    const page_flags_t executable = page_flags_set_execute(flags, true);
    KTEST_TRUE(t, page_flags_equal(page_flags_set_execute(executable, false), flags));
    KTEST_TRUE(
        t, page_flags_equal(page_flags_set_user(page_flags_set_user(flags, true), false), flags));
}

static void page_flags_equal_sees_every_member(struct ktest *t)
{
    const page_flags_t flags = page_flags_new();
    page_flags_t global = flags;
    global.global = true;
    KTEST_TRUE(t, page_flags_equal(flags, page_flags_new()));
    KTEST_FALSE(t, page_flags_equal(flags, page_flags_set_write(flags, true)));
    KTEST_FALSE(t, page_flags_equal(flags, page_flags_set_execute(flags, true)));
    KTEST_FALSE(t, page_flags_equal(flags, page_flags_set_user(flags, true)));
    KTEST_FALSE(t, page_flags_equal(flags, global));
    KTEST_FALSE(t, page_flags_equal(flags, page_flags_set_cache(flags, PAGE_CACHE_UNCACHED)));
}

/* The seed's mmio_flags is executable. */
static void page_flags_mmio_is_uncached_and_not_executable(struct ktest *t)
{
    KTEST_EQ(t, bits_of(page_flags_mmio()) & ~X86_PTE_WRITE_THROUGH, 0x8000000000000013);
}

/*  code [0x1000, 0x3000)  rodata [0x3000, 0x4000)  data [0x4000, 0x5000)  bss [0x5000, 0x8000)  */
static const struct kernel_image image = {
    .code_start = { PHYS_OFFSET + 0x1000 },
    .code_end = { PHYS_OFFSET + 0x3000 },
    .rodata_end = { PHYS_OFFSET + 0x4000 },
    .data_end = { PHYS_OFFSET + 0x5000 },
    .start_brk = { PHYS_OFFSET + 0x8000 },
};

static bool allows(uint64_t offset, bool write, bool execute)
{
    const page_flags_t flags = kernel_page_flags(&image, virt_addr(PHYS_OFFSET + offset));
    return flags.write == write && flags.execute == execute && !flags.user &&
           flags.cache == PAGE_CACHE_WRITE_BACK;
}

static void kernel_page_flags_follow_the_segments(struct ktest *t)
{
    KTEST_TRUE(t, allows(0x0fff, true, false));
    KTEST_TRUE(t, allows(0x1000, false, true));
    KTEST_TRUE(t, allows(0x2fff, false, true));
    KTEST_TRUE(t, allows(0x3000, false, false));
    KTEST_TRUE(t, allows(0x3fff, false, false));
    KTEST_TRUE(t, allows(0x4000, true, false));
    KTEST_TRUE(t, allows(0x5000, true, false));
    KTEST_TRUE(t, allows(0x8000, true, false));
    KTEST_TRUE(t, allows(SIZE_1T, true, false));
}

/* Bare map of a replay: no image, so no exceptions. */
static void kernel_page_flags_without_an_image_are_plain(struct ktest *t)
{
    const struct kernel_image none = { .code_start = { 0 } };
    const page_flags_t flags = kernel_page_flags(&none, virt_addr(PHYS_OFFSET));
    KTEST_TRUE(t, flags.write && !flags.execute);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(page_flags_bits_are_the_manuals),
    KTEST_CASE(page_flags_new_is_present_read_only_no_execute),
    KTEST_CASE(page_flags_setters_change_one_thing),
    KTEST_CASE(page_flags_equal_sees_every_member),
    KTEST_CASE(page_flags_mmio_is_uncached_and_not_executable),
    KTEST_CASE(kernel_page_flags_follow_the_segments),
    KTEST_CASE(kernel_page_flags_without_an_image_are_plain),
};
KTEST_SUITE(mm_page_flags, "mm.page_flags", cases);
