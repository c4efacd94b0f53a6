/* SPDX-License-Identifier: GPL-2.0-only
 *
 * mm/memory_map: the books over hand-made maps, joining and changing entries.
 */
#include "mm/memory_map.h"

#include "shared/mmap_names.h"

#include "lib/compiler.h"
#include "tests/ktest.h"

#define MAX_ENTRIES 16U

/* A map with its own memory. */
struct fixture {
    struct multiboot2_mmap_entry entries[MAX_ENTRIES];
    uint32_t reasons[MAX_ENTRIES];
    struct bootinfo_ram_range ram[MAX_ENTRIES];
    struct memory_map map;
};

static void fixture_init(struct fixture *f)
{
    f->map = (struct memory_map){ .entries = f->entries, .reasons = f->reasons, .ram = f->ram };
}

static void add_entry(struct fixture *f, uint64_t start, uint64_t end, uint32_t reason)
{
    f->entries[f->map.count] = (struct multiboot2_mmap_entry){ start, end - start, 0, 0 };
    f->map.count++;
    memory_map_set(&f->map, f->map.count - 1, reason);
}

static void add_ram(struct fixture *f, uint64_t start, uint64_t end)
{
    f->ram[f->map.ram_count] = (struct bootinfo_ram_range){ start, end - start };
    f->map.ram_count++;
}

static void memory_map_account_puts_every_type_in_its_class(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    /* Sizes are powers of two, so that no wrong sum looks right. */
    add_ram(&f, 0, 0x1ff000);
    add_entry(&f, 0x0, 0x1000, MMAP_REASON_LOW);
    add_entry(&f, 0x1000, 0x3000, MMAP_REASON_AVAILABLE);
    add_entry(&f, 0x3000, 0x7000, MMAP_REASON_KERNEL);
    add_entry(&f, 0x7000, 0xf000, MMAP_REASON_LOADER);
    add_entry(&f, 0xf000, 0x1f000, MMAP_REASON_ACPI);
    add_entry(&f, 0x1f000, 0x3f000, MMAP_REASON_NVS);
    add_entry(&f, 0x3f000, 0x7f000, MMAP_REASON_RUNTIME);
    add_entry(&f, 0x7f000, 0xff000, MMAP_REASON_BAD);
    add_entry(&f, 0xff000, 0x1ff000, MMAP_REASON_DROPPED);
    struct memory_accounting books;
    memory_map_account(&f.map, &books);
    KTEST_EQ(t, books.low, 0x1000);
    KTEST_EQ(t, books.usable, 0x2000);
    KTEST_EQ(t, books.kernel, 0x4000);
    KTEST_EQ(t, books.loader, 0x8000);
    KTEST_EQ(t, books.acpi, 0x10000);
    KTEST_EQ(t, books.nvs, 0x20000);
    KTEST_EQ(t, books.reserved, 0x40000);
    KTEST_EQ(t, books.bad, 0x80000);
    KTEST_EQ(t, books.dropped, 0x100000);
    KTEST_EQ(t, books.firmware_ram, 0x1ff000);
    KTEST_TRUE(t, memory_accounting_balances(&books));
}

/*   ram      [1000-----3000)   [5000-----8000) [8000-9000)
 *   entries  [0---2000)[2000 reserved 6000)[6000--------9800)
 *   counted    [usable)[res.)  [res)[usable............)         */
static void memory_map_account_counts_only_bytes_inside_ram(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    add_ram(&f, 0x1000, 0x3000);
    add_ram(&f, 0x5000, 0x8000);
    add_ram(&f, 0x8000, 0x9000);
    add_entry(&f, 0x0, 0x2000, MMAP_REASON_AVAILABLE);
    add_entry(&f, 0x2000, 0x6000, MMAP_REASON_MMIO);
    add_entry(&f, 0x6000, 0x9800, MMAP_REASON_AVAILABLE);
    struct memory_accounting books;
    memory_map_account(&f.map, &books);
    KTEST_EQ(t, books.usable, 0x1000 + 0x3000);
    KTEST_EQ(t, books.reserved, 0x1000 + 0x1000);
    KTEST_EQ(t, books.firmware_ram, 0x6000);
    KTEST_TRUE(t, memory_accounting_balances(&books));
}

/*   ram      [1000-----------------5000)
 *   entries  [1000-2000)   [3000--5000)      a hole of RAM: one byte is enough to be seen   */
static void memory_map_account_does_not_balance_over_uncovered_ram(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    add_ram(&f, 0x1000, 0x5000);
    add_entry(&f, 0x1000, 0x2000, MMAP_REASON_AVAILABLE);
    add_entry(&f, 0x2001, 0x5000, MMAP_REASON_RUNTIME);
    struct memory_accounting books;
    memory_map_account(&f.map, &books);
    KTEST_EQ(t, books.usable + books.reserved, 0x3fff);
    KTEST_FALSE(t, memory_accounting_balances(&books));
}

static void memory_map_account_reads_unknown_types_as_reserved(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    add_ram(&f, 0, 0x2000);
    add_entry(&f, 0, 0x1000, MMAP_REASON_UNKNOWN_TYPE);
    add_entry(&f, 0x1000, 0x2000, MMAP_REASON_UNKNOWN_TYPE);
    f.entries[0].type = 77;
    f.entries[1].type = 0x1003;
    struct memory_accounting books;
    memory_map_account(&f.map, &books);
    KTEST_EQ(t, books.reserved, 0x2000);
    KTEST_TRUE(t, memory_accounting_balances(&books));
}

static void memory_map_account_of_nothing_is_zero(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    struct memory_accounting books;
    memory_map_account(&f.map, &books);
    KTEST_EQ(t, books.firmware_ram, 0);
    KTEST_TRUE(t, memory_accounting_balances(&books));
}

static void memory_map_type_is_mapped_follows_the_design(struct ktest *t)
{
    static const uint32_t mapped[] = { 1, 3, 4, 0x1000, 0x1001, 0x1002 };
    static const uint32_t not_mapped[] = { 0, 2, 5, 6, 0xfff, 0x1003, UINT32_MAX };
    for (size_t i = 0; i < ARRAY_COUNT(mapped); i++) {
        KTEST_TRUE(t, memory_map_type_is_mapped(mapped[i]));
    }
    for (size_t i = 0; i < ARRAY_COUNT(not_mapped); i++) {
        KTEST_FALSE(t, memory_map_type_is_mapped(not_mapped[i]));
    }
}

static void memory_map_set_changes_type_and_reason(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    add_entry(&f, 0x100000, 0x200000, MMAP_REASON_LOADER);
    KTEST_EQ(t, f.entries[0].type, MMAP_LOADER);
    memory_map_set(&f.map, 0, MMAP_REASON_AVAILABLE);
    KTEST_EQ(t, f.entries[0].type, MMAP_AVAILABLE);
    KTEST_EQ(t, f.reasons[0], MMAP_REASON_AVAILABLE);
    memory_map_set(&f.map, 0, MMAP_REASON_DROPPED);
    KTEST_EQ(t, f.entries[0].type, MMAP_RESERVED);
}

/*   [1 avail)[1 avail)[1 avail) gap [1 avail)[2 pinned)[2 runtime)[2 runtime)
 *   [1 avail................. )     [1 avail)[2 pinned)[2 runtime...........)    */
static void memory_map_merge_joins_equal_neighbours_only(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    add_entry(&f, 0x100000, 0x101000, MMAP_REASON_AVAILABLE);
    add_entry(&f, 0x101000, 0x102000, MMAP_REASON_AVAILABLE);
    add_entry(&f, 0x102000, 0x103000, MMAP_REASON_AVAILABLE);
    add_entry(&f, 0x104000, 0x105000, MMAP_REASON_AVAILABLE);
    add_entry(&f, 0x105000, 0x106000, MMAP_REASON_PINNED);
    add_entry(&f, 0x106000, 0x107000, MMAP_REASON_RUNTIME);
    add_entry(&f, 0x107000, 0x108000, MMAP_REASON_RUNTIME);
    memory_map_merge(&f.map);
    KTEST_EQ(t, f.map.count, 4);
    KTEST_EQ(t, f.entries[0].address, 0x100000);
    KTEST_EQ(t, f.entries[0].length, 0x3000);
    KTEST_EQ(t, f.entries[1].address, 0x104000);
    KTEST_EQ(t, f.entries[1].length, 0x1000);
    KTEST_EQ(t, f.reasons[2], MMAP_REASON_PINNED);
    KTEST_EQ(t, f.reasons[3], MMAP_REASON_RUNTIME);
    KTEST_EQ(t, f.entries[3].address, 0x106000);
    KTEST_EQ(t, f.entries[3].length, 0x2000);
}

static void memory_map_merge_of_nothing_stays_empty(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    memory_map_merge(&f.map);
    KTEST_EQ(t, f.map.count, 0);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(memory_map_account_puts_every_type_in_its_class),
    KTEST_CASE(memory_map_account_counts_only_bytes_inside_ram),
    KTEST_CASE(memory_map_account_does_not_balance_over_uncovered_ram),
    KTEST_CASE(memory_map_account_reads_unknown_types_as_reserved),
    KTEST_CASE(memory_map_account_of_nothing_is_zero),
    KTEST_CASE(memory_map_type_is_mapped_follows_the_design),
    KTEST_CASE(memory_map_set_changes_type_and_reason),
    KTEST_CASE(memory_map_merge_joins_equal_neighbours_only),
    KTEST_CASE(memory_map_merge_of_nothing_stays_empty),
};
KTEST_SUITE(mm_memory_map, "mm.memory_map", cases);
