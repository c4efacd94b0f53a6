/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Constants of the address space and conversions between address types (S01, S03, S04, S06, S72).
 * The numbers are written out: a constant that is wrong in addr.h does not repeat itself here.
 */
#include "mm/addr.h"

#include "tests/ktest.h"

static void addr_page_constants_have_their_values(struct ktest *t)
{
    KTEST_EQ(t, PAGE_SHIFT, 12);
    KTEST_EQ(t, PAGE_SIZE, 4096);
    KTEST_EQ(t, PAGE_OFFSET_MASK, 0xfff);
    KTEST_EQ(t, PAGE_MASK, 0xfffffffffffff000);
    KTEST_EQ(t, PAGE_ENTRY_SHIFT, 9);
    KTEST_EQ(t, PAGE_ENTRY_COUNT, 512);
    KTEST_EQ(t, PAGE_ENTRY_MASK, 511);
    KTEST_EQ(t, PAGE_LEVELS, 4);
    KTEST_EQ(t, PAGE_ADDRESS_SHIFT, 48);
    KTEST_EQ(t, PAGE_ADDRESS_SIZE, 0x1000000000000);
    KTEST_EQ(t, PAGE_ADDRESS_MASK, 0x0000fffffffff000);
    KTEST_EQ(t, PAGE_NEGATIVE_MASK, 0xffff000000000000);
}

/* 52 bits: the seed cuts a frame address in an entry at 48. */
static void addr_entry_masks_hold_52_bits(struct ktest *t)
{
    KTEST_EQ(t, ENTRY_ADDRESS_SHIFT, 52);
    KTEST_EQ(t, ENTRY_ADDRESS_MASK, 0x000ffffffffff000);
    KTEST_EQ(t, ENTRY_FLAGS_MASK, 0xfff0000000000fff);
}

static void addr_layout_has_its_values(struct ktest *t)
{
    KTEST_EQ(t, PHYS_OFFSET, 0xffff800000000000);
    KTEST_EQ(t, (PHYS_OFFSET >> 39) & PAGE_ENTRY_MASK, KERNEL_PML4_FIRST);
    KTEST_EQ(t, KERNEL_PML4_FIRST, 256);
    KTEST_EQ(t, MMIO_POOL_START, 0xffffa10000000000);
    KTEST_EQ(t, MMIO_POOL_END - MMIO_POOL_START, SIZE_1T);
    KTEST_EQ(t, DIRECT_MAP_SIZE, 33 * SIZE_1T);
    KTEST_EQ(t, USER_END_VADDR, 0x00007effffffffff);
    KTEST_EQ(t, USER_BRK_START, 0x0000700000000000);
    KTEST_EQ(t, USER_STACK_START, 0x00006ffff0a00000);
    KTEST_EQ(t, LOW_REMAP_END, 32 * SIZE_1M);
    KTEST_EQ(t, LOW_MEMORY_END, 0x100000);
}

static void addr_phys_to_virt_adds_the_offset(struct ktest *t)
{
    virt_addr_t virt = { 1 };
    KTEST_TRUE(t, phys_to_virt(phys_addr(0), &virt));
    KTEST_EQ(t, virt.value, 0xffff800000000000);
    KTEST_TRUE(t, phys_to_virt(phys_addr(0x12345678), &virt));
    KTEST_EQ(t, virt.value, 0xffff800012345678);
    KTEST_TRUE(t, phys_to_virt(phys_addr(UINT64_MAX - PHYS_OFFSET), &virt));
    KTEST_EQ(t, virt.value, UINT64_MAX);
}

static void addr_phys_to_virt_past_the_end_is_none(struct ktest *t)
{
    virt_addr_t virt = { 1 };
    KTEST_FALSE(t, phys_to_virt(phys_addr(UINT64_MAX - PHYS_OFFSET + 1), &virt));
    KTEST_FALSE(t, phys_to_virt(phys_addr(UINT64_MAX), &virt));
    KTEST_EQ(t, virt.value, 1);
}

static void addr_virt_to_phys_below_the_offset_is_none(struct ktest *t)
{
    phys_addr_t phys = { 1 };
    KTEST_TRUE(t, virt_to_phys(virt_addr(PHYS_OFFSET), &phys));
    KTEST_EQ(t, phys.value, 0);
    KTEST_TRUE(t, virt_to_phys(virt_addr(UINT64_MAX), &phys));
    KTEST_EQ(t, phys.value, 0x00007fffffffffff);
    phys.value = 1;
    KTEST_FALSE(t, virt_to_phys(virt_addr(PHYS_OFFSET - 1), &phys));
    KTEST_FALSE(t, virt_to_phys(virt_addr(0), &phys));
    KTEST_EQ(t, phys.value, 1);
}

static void addr_canonical_has_its_high_bits_equal(struct ktest *t)
{
    KTEST_TRUE(t, virt_is_canonical(virt_addr(0)));
    KTEST_TRUE(t, virt_is_canonical(virt_addr(0x00007fffffffffff)));
    KTEST_FALSE(t, virt_is_canonical(virt_addr(0x0000800000000000)));
    KTEST_FALSE(t, virt_is_canonical(virt_addr(0xffff7fffffffffff)));
    KTEST_TRUE(t, virt_is_canonical(virt_addr(0xffff800000000000)));
    KTEST_TRUE(t, virt_is_canonical(virt_addr(UINT64_MAX)));
    for (unsigned bit = 47; bit < 64; bit++) { /* one bit of seventeen */
        KTEST_FALSE(t, virt_is_canonical(virt_addr(BIT(bit))));
    }
}

static void addr_kind_changes_behind_user_end(struct ktest *t)
{
    KTEST_EQ(t, virt_kind(virt_addr(0)), ADDR_KIND_USER);
    KTEST_EQ(t, virt_kind(virt_addr(USER_BRK_START)), ADDR_KIND_USER);
    KTEST_EQ(t, virt_kind(virt_addr(USER_END_VADDR)), ADDR_KIND_USER);
    KTEST_EQ(t, virt_kind(virt_addr(USER_END_VADDR + 1)), ADDR_KIND_KERNEL);
    KTEST_EQ(t, virt_kind(virt_addr(PHYS_OFFSET)), ADDR_KIND_KERNEL);
}

static void addr_frame_numbers_convert_both_ways(struct ktest *t)
{
    KTEST_EQ(t, phys_frame_of(phys_addr(0x5fff)).value, 5);
    KTEST_EQ(t, phys_frame_address(phys_frame_of(phys_addr(0x5fff))).value, 0x5000);
    KTEST_EQ(t, virt_page_of(virt_addr(0x6001)).value, 6);
    KTEST_EQ(t, virt_page_address(virt_page_of(virt_addr(0x6001))).value, 0x6000);
    KTEST_EQ(t, phys_add(phys_addr(0x1000), 0x234).value, 0x1234);
    KTEST_EQ(t, virt_add(virt_addr(PHYS_OFFSET), 1).value, PHYS_OFFSET + 1);
}

static void addr_frame_count_takes_whole_frames_only(struct ktest *t)
{
    page_frame_count_t count = { 7 };
    KTEST_FALSE(t, page_frame_count_from_bytes(4095, &count));
    KTEST_FALSE(t, page_frame_count_from_bytes(4097, &count));
    KTEST_EQ(t, count.value, 7);
    KTEST_TRUE(t, page_frame_count_from_bytes(8192, &count));
    KTEST_EQ(t, count.value, 2);
    KTEST_EQ(t, page_frame_count_bytes(count), 8192);
    KTEST_TRUE(t, page_frame_count_from_bytes(0, &count));
    KTEST_EQ(t, count.value, 0);
}

/* The seed's iterator begins with the second one. */
static void addr_frame_range_begins_with_its_first_frame(struct ktest *t)
{
    const struct phys_frame_range range = { .first = { 100 }, .count = { 3 } };
    KTEST_EQ(t, phys_frame_range_at(range, 0).value, 100);
    KTEST_EQ(t, phys_frame_range_at(range, range.count.value - 1).value, 102);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(addr_page_constants_have_their_values),
    KTEST_CASE(addr_entry_masks_hold_52_bits),
    KTEST_CASE(addr_layout_has_its_values),
    KTEST_CASE(addr_phys_to_virt_adds_the_offset),
    KTEST_CASE(addr_phys_to_virt_past_the_end_is_none),
    KTEST_CASE(addr_virt_to_phys_below_the_offset_is_none),
    KTEST_CASE(addr_canonical_has_its_high_bits_equal),
    KTEST_CASE(addr_kind_changes_behind_user_end),
    KTEST_CASE(addr_frame_numbers_convert_both_ways),
    KTEST_CASE(addr_frame_count_takes_whole_frames_only),
    KTEST_CASE(addr_frame_range_begins_with_its_first_frame),
};
KTEST_SUITE(mm_addr, "mm.addr", cases);
