/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/table_count: the figures of single maps. That they are enough is for the tests of its
 * users (handover_test, bringup_plan_test, mm_init_prop), which build the tables.
 */
#include "table_count.h"

#include "lib/compiler.h"
#include "mm/addr.h"
#include "tests/ktest.h"

#define ENTRIES_MAX 3U

struct expected {
    struct multiboot2_mmap_entry entries[ENTRIES_MAX];
    uint32_t cuts;
    uint64_t count;         /* with leaves of 1 GiB */
    uint64_t count_without; /* without */
};

#define ENTRY(start, end, type)           \
    {                                     \
        (start), (end) - (start), type, 0 \
    }

static const struct expected expected[] = {
    /* A second level; without leaves of 1 GiB a directory for each. */
    { .entries = { ENTRY(0, 4 * SIZE_1G, MMAP_AVAILABLE) }, .count = 1, .count_without = 5 },
    /* A directory and a table at each end. */
    { .entries = { ENTRY(PAGE_SIZE, 4 * SIZE_1G - PAGE_SIZE, MMAP_AVAILABLE) },
      .count = 5,
      .count_without = 7 },
    /* An end at a border of 2 MiB takes no table. */
    { .entries = { ENTRY(SIZE_2M, 4 * SIZE_1G + SIZE_2M, MMAP_AVAILABLE) },
      .count = 3,
      .count_without = 6 },
    /* Over 512 GiB: two second levels. */
    { .entries = { ENTRY(511 * SIZE_1G, 513 * SIZE_1G, MMAP_AVAILABLE) },
      .count = 2,
      .count_without = 4 },
    /* Two that touch inside of a leaf take that leaf's tables, once. */
    { .entries = { ENTRY(0, SIZE_1G + PAGE_SIZE, MMAP_AVAILABLE),
                   ENTRY(SIZE_1G + PAGE_SIZE, 3 * SIZE_1G, MMAP_ACPI_NVS) },
      .count = 3,
      .count_without = 5 },
    /* Parts of pages count as pages, and what is not mapped does not count. */
    { .entries = { ENTRY(1, SIZE_2M - 1, MMAP_ACPI_NVS),
                   ENTRY(5 * SIZE_1G + PAGE_SIZE, 6 * SIZE_1G, MMAP_RESERVED) },
      .count = 2,
      .count_without = 2 },
    /* Three in the same directory, two of them in the same table. */
    { .entries = { ENTRY(0x1000, 0x2000, MMAP_AVAILABLE), ENTRY(0x3000, 0x4000, MMAP_AVAILABLE),
                   ENTRY(SIZE_2M, SIZE_2M + 0x1000, MMAP_AVAILABLE) },
      .count = 4,
      .count_without = 4 },
    /* A cut takes a leaf of each size to pieces. */
    { .entries = { ENTRY(0, 4 * SIZE_1G, MMAP_AVAILABLE) },
      .cuts = 3,
      .count = 7,
      .count_without = 8 },
};

static void table_count_is_what_each_map_takes(struct ktest *t)
{
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        struct multiboot2_mmap_entry entries[ENTRIES_MAX];
        struct memory_map map = { .entries = entries };
        while (map.count < ENTRIES_MAX && expected[i].entries[map.count].length != 0) {
            entries[map.count] = expected[i].entries[map.count];
            map.count++;
        }
        struct paging_features features = { .pages_1g = true, .phys_bits = 46 };
        KTEST_EQ(t, table_count_max(&map, &features, expected[i].cuts), expected[i].count);
        features.pages_1g = false;
        KTEST_EQ(t, table_count_max(&map, &features, expected[i].cuts), expected[i].count_without);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(table_count_is_what_each_map_takes),
};

KTEST_SUITE(table_count, "loader.table_count", cases);
