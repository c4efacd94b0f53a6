/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Entries and tables (S01, S02, S21, S80): the bits of every intent at every level, reserved bits,
 * the way back, and the geometry of tables up to the last address.
 */
#include "mm/page_table.h"

#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

static const struct paging_features full = {
    .nx = true,
    .pages_1g = true,
    .global = true,
    .phys_bits = 52,
};
static const struct paging_features bare = { .phys_bits = 36 };

static page_entry_t make(struct ktest *t, const struct paging_features *features, uint64_t phys,
                         page_flags_t flags, unsigned level)
{
    page_entry_t entry = { 0 };
    KTEST_STATUS(t, page_entry_make(features, phys_addr(phys), flags, level, &entry), K_OK);
    return entry;
}

static void page_entry_make_sets_the_bits_of_the_manual(struct ktest *t)
{
    const page_flags_t plain = page_flags_new();
    const page_flags_t rw = page_flags_set_write(plain, true);
    const page_flags_t rx = page_flags_set_execute(plain, true);
    const uint64_t nx = UINT64_C(1) << 63;
    KTEST_EQ(t, make(t, &full, 0x1000, plain, 1).value, nx | 0x1001);
    KTEST_EQ(t, make(t, &full, 0x1000, rw, 1).value, nx | 0x1003);
    KTEST_EQ(t, make(t, &full, 0x1000, rx, 1).value, 0x1001);
    KTEST_EQ(t, make(t, &full, 0x1000, page_flags_set_user(rw, true), 1).value, nx | 0x1007);
    KTEST_EQ(t, make(t, &full, 0x200000, rx, 2).value, 0x200081);
    KTEST_EQ(t, make(t, &full, 0x40000000, rx, 3).value, 0x40000081);
    KTEST_EQ(t, make(t, &full, 0x1000, page_flags_mmio(), 1).value, nx | 0x101b);
}

static void page_entry_make_places_the_pat_bit_by_level(struct ktest *t)
{
    const page_flags_t wc = page_flags_set_cache(page_flags_set_execute(page_flags_new(), true),
                                                 PAGE_CACHE_WRITE_COMBINING);
    KTEST_EQ(t, make(t, &full, 0x1000, wc, 1).value, 0x1081);
    KTEST_EQ(t, make(t, &full, 0x200000, wc, 2).value, 0x201081);
    KTEST_EQ(t, make(t, &full, 0x40000000, wc, 3).value, 0x40001081);
    /* Slot 4 (PAT set, PCD and PWT clear) is write-combining, type 01h. */
    KTEST_EQ(t, (X86_PAT_VALUE >> 32) & 7, 1);
}

static void page_entry_make_without_nx_never_sets_bit_63(struct ktest *t)
{
    for (unsigned bits = 0; bits < 64; bits++) {
        const page_flags_t flags = {
            .write = (bits & 1) != 0,
            .execute = (bits & 2) != 0,
            .user = (bits & 4) != 0,
            .global = (bits & 8) != 0,
            .cache = (enum page_cache)(bits >> 4),
        };
        for (unsigned level = 1; level <= 2; level++) {
            const page_entry_t entry = make(t, &bare, 0x200000, flags, level);
            KTEST_EQ(t, entry.value >> 36, 0);
            KTEST_EQ(t, entry.value & X86_PTE_GLOBAL, 0); /* no PGE either */
            KTEST_TRUE(t, page_entry_flags(entry, level).execute);
        }
    }
}

static void page_entry_flags_reads_back_what_make_wrote(struct ktest *t)
{
    for (unsigned bits = 0; bits < 64; bits++) {
        const page_flags_t flags = {
            .write = (bits & 1) != 0,
            .execute = (bits & 2) != 0,
            .user = (bits & 4) != 0,
            .global = (bits & 8) != 0,
            .cache = (enum page_cache)(bits >> 4),
        };
        for (unsigned level = 1; level <= 3; level++) {
            const page_entry_t entry = make(t, &full, SIZE_1G * 5, flags, level);
            KTEST_TRUE(t, page_flags_equal(page_entry_flags(entry, level), flags));
            KTEST_EQ(t, page_entry_leaf_address(entry, level).value, SIZE_1G * 5);
            KTEST_TRUE(t, page_entry_is_leaf(entry, level));
        }
    }
}

static void page_entry_make_refuses_what_the_cpu_cannot_map(struct ktest *t)
{
    const page_flags_t flags = page_flags_new();
    page_entry_t entry = { 7 };
    const uint64_t top = UINT64_C(1) << 36;
    KTEST_STATUS(t, page_entry_make(&bare, phys_addr(top), flags, 1, &entry), K_ERANGE);
    KTEST_STATUS(t, page_entry_make(&full, phys_addr(UINT64_C(1) << 52), flags, 1, &entry),
                 K_ERANGE);
    KTEST_STATUS(t, page_entry_make(&bare, phys_addr(0), flags, 3, &entry), K_ENOTSUP);
    KTEST_STATUS(t, page_entry_make(&full, phys_addr(0), flags, 4, &entry), K_ENOTSUP);
    KTEST_STATUS(t, page_entry_make(&full, phys_addr(0), flags, 0, &entry), K_ENOTSUP);
    KTEST_STATUS(t, page_entry_make(&full, phys_addr(0x1000), flags, 2, &entry), K_EINVAL);
    KTEST_EQ(t, entry.value, 7);
    (void)make(t, &bare, top - 0x1000, flags, 1);
    /* Above 2^48, where the seed's mask cut addresses (S01). */
    const uint64_t high = (UINT64_C(1) << 52) - SIZE_2M;
    KTEST_EQ(t, page_entry_leaf_address(make(t, &full, high, flags, 2), 2).value, high);
}

static void page_entry_split_says_the_same_one_level_down(struct ktest *t)
{
    const page_flags_t wc = page_flags_set_cache(page_flags_set_write(page_flags_new(), true),
                                                 PAGE_CACHE_WRITE_COMBINING);
    for (unsigned level = 2; level <= 3; level++) {
        page_entry_t entry = make(t, &full, SIZE_1G * 3, wc, level);
        entry.value |= X86_PTE_ACCESSED | X86_PTE_DIRTY;
        const page_entry_t child = page_entry_split(entry, level);
        const page_entry_t made = make(t, &full, SIZE_1G * 3, wc, level - 1);
        KTEST_EQ(t, child.value, made.value | X86_PTE_ACCESSED | X86_PTE_DIRTY);
    }
}

/*  level-1 table for [0x40200000, 0x40400000):  ...1fffff | 0x40200000 ... 0x403fffff | 0x40400000
 */
static void page_table_index_of_knows_its_last_address(struct ktest *t)
{
    const struct page_table table = { .base = virt_addr(0x40200000), .level = 1 };
    unsigned index = 9999;
    KTEST_FALSE(t, page_table_index_of(&table, virt_addr(0x401fffff), &index));
    KTEST_FALSE(t, page_table_index_of(&table, virt_addr(0x40400000), &index));
    KTEST_EQ(t, index, 9999);
    KTEST_TRUE(t, page_table_index_of(&table, virt_addr(0x40200000), &index));
    KTEST_EQ(t, index, 0);
    KTEST_TRUE(t, page_table_index_of(&table, virt_addr(0x403fffff), &index));
    KTEST_EQ(t, index, 511);
}

static void page_table_index_of_root_covers_both_halves(struct ktest *t)
{
    const struct page_table root = page_table_root(phys_addr(0));
    unsigned index = 9999;
    KTEST_TRUE(t, page_table_index_of(&root, virt_addr(PHYS_OFFSET), &index));
    KTEST_EQ(t, index, 256);
    KTEST_TRUE(t, page_table_index_of(&root, virt_addr(UINT64_MAX), &index));
    KTEST_EQ(t, index, 511);
    KTEST_TRUE(t, page_table_index_of(&root, virt_addr(0x00007fffffffffff), &index));
    KTEST_EQ(t, index, 255);
    KTEST_FALSE(t, page_table_index_of(&root, virt_addr(0x0000800000000000), &index));
    KTEST_EQ(t, page_table_entry_virt(&root, 256).value, PHYS_OFFSET);
    KTEST_EQ(t, page_table_entry_virt(&root, 255).value, UINT64_C(0x7f8000000000));
}

static void page_table_next_level_refuses_holes_and_leaves(struct ktest *t)
{
    fake_ram_reset();
    fake_ram_add(0x1000, 0x2000);
    fake_ram_fill(0x1000, 0x2000, 0xff);
    const struct page_table table = { .phys = phys_addr(0x1000),
                                      .base = virt_addr(SIZE_1G),
                                      .level = 2 };
    struct page_table next = { 0 };
    page_table_clear(&table);
    KTEST_TRUE(t, page_table_is_empty(&table));
    KTEST_STATUS(t, page_table_next_level(&table, 3, &next), K_ENOENT);
    page_table_set_entry(&table, 3, (page_entry_t){ 0x200081 });
    KTEST_STATUS(t, page_table_next_level(&table, 3, &next), K_EEXIST);
    KTEST_TRUE(t, page_table_entry_mapped(&table, 3));
    KTEST_FALSE(t, page_table_is_empty(&table));
    page_table_set_entry(&table, 3, page_entry_make_table(phys_addr(0x2000), false));
    KTEST_STATUS(t, page_table_next_level(&table, 3, &next), K_OK);
    KTEST_EQ(t, next.phys.value, 0x2000);
    KTEST_EQ(t, next.base.value, SIZE_1G + 3 * SIZE_2M);
    KTEST_EQ(t, next.level, 1);
}

static void page_table_fill_writes_a_run_and_nothing_else(struct ktest *t)
{
    fake_ram_reset();
    fake_ram_add(0x1000, 0x1000);
    const struct page_table table = { .phys = phys_addr(0x1000), .level = 1 };
    page_table_clear(&table);
    page_table_fill(&table, 509, 3, (page_entry_t){ 0x5001 }, 0x1000);
    KTEST_EQ(t, page_table_count_absent(&table, 0, 512), 509);
    KTEST_EQ(t, page_table_entry(&table, 509).value, 0x5001);
    KTEST_EQ(t, page_table_entry(&table, 511).value, 0x7001);
    page_table_fill(&table, 0, 0, (page_entry_t){ 0x5001 }, 0x1000);
    KTEST_EQ(t, page_table_entry(&table, 0).value, 0);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(page_entry_make_sets_the_bits_of_the_manual),
    KTEST_CASE(page_entry_make_places_the_pat_bit_by_level),
    KTEST_CASE(page_entry_make_without_nx_never_sets_bit_63),
    KTEST_CASE(page_entry_flags_reads_back_what_make_wrote),
    KTEST_CASE(page_entry_make_refuses_what_the_cpu_cannot_map),
    KTEST_CASE(page_entry_split_says_the_same_one_level_down),
    KTEST_CASE(page_table_index_of_knows_its_last_address),
    KTEST_CASE(page_table_index_of_root_covers_both_halves),
    KTEST_CASE(page_table_next_level_refuses_holes_and_leaves),
    KTEST_CASE(page_table_fill_writes_a_run_and_nothing_else),
};
KTEST_SUITE(mm_page_table, "mm.paging.table", cases);
