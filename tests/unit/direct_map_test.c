/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The direct map alone (S35, S84), over maps and exceptions made by hand.
 *
 *     0   4K     640K   1M        2M     3M        4M      6M         8M
 *     |hole| low |      | RAM     |R X   | R       | RW ...           |
 */
#include "mm/direct_map.h"

#include <stddef.h>

#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_frames.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/table_print.h"
#include "tests/ktest.h"

#define M            SIZE_1M
#define TABLES       (UINT64_C(63) << 40) /* out of every map's way */
#define ENTRIES_MAX  8U
#define TABLE_FRAMES 2048U

static const struct paging_features with_1g = { .nx = true, .pages_1g = true, .phys_bits = 52 };
static const struct paging_features without_1g = { .nx = true, .phys_bits = 52 };

static struct fake_frames frames;
static struct page_mapper mapper;
static struct multiboot2_mmap_entry entries[ENTRIES_MAX];
static struct memory_map map;

static void start(const struct paging_features *features, struct ktest *t)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_log_reset();
    fake_frames_init(&frames, TABLES, TABLE_FRAMES);
    KTEST_STATUS(t, page_mapper_create(&mapper, &frames.allocator, features), K_OK);
    map = (struct memory_map){ .entries = entries };
}

static void add(uint32_t type, uint64_t base, uint64_t size)
{
    entries[map.count++] =
        (struct multiboot2_mmap_entry){ .address = base, .length = size, .type = type };
}

static enum kstatus build(const struct direct_map_exception *exceptions, uint32_t count)
{
    return direct_map_build(&mapper, &map, exceptions, count);
}

/* Whether every page of [base, base + size) is mapped to itself with these rights. */
static bool is(uint64_t base, uint64_t size, bool write, bool execute)
{
    for (uint64_t at = base; at < base + size; at += PAGE_SIZE) {
        struct page_translation found;
        if (page_mapper_translate(&mapper, virt_addr(PHYS_OFFSET + at), &found) != K_OK ||
            found.phys.value != at || found.flags.write != write ||
            found.flags.execute != execute) {
            return false;
        }
    }
    return true;
}

static bool none(uint64_t base, uint64_t size)
{
    for (uint64_t at = base; at < base + size; at += PAGE_SIZE) {
        struct page_translation found;
        if (page_mapper_translate(&mapper, virt_addr(PHYS_OFFSET + at), &found) != K_ENOENT) {
            return false;
        }
    }
    return true;
}

struct census {
    uint64_t leaves[4];
};

static void count_leaf(void *context, uint64_t virt, uint64_t word, unsigned level)
{
    (void)virt;
    (void)word;
    ((struct census *)context)->leaves[level]++;
}

static struct census count_leaves(void)
{
    struct census census = { { 0 } };
    (void)table_walk(mapper.root, count_leaf, &census);
    return census;
}

static void direct_map_holds_the_types_of_the_design(struct ktest *t)
{
    static const uint32_t mapped[] = { MMAP_AVAILABLE, MMAP_ACPI_RECLAIMABLE, MMAP_ACPI_NVS,
                                       MMAP_KERNEL,    MMAP_LOADER,           MMAP_LOW };
    static const uint32_t not_mapped[] = { MMAP_RESERVED, MMAP_BAD_RAM, 0, 6, 0x1003 };
    for (size_t i = 0; i < ARRAY_COUNT(mapped); i++) {
        start(&with_1g, t);
        add(mapped[i], M, 2 * PAGE_SIZE);
        KTEST_STATUS(t, build(NULL, 0), K_OK);
        KTEST_TRUE(t, is(M, 2 * PAGE_SIZE, true, false));
        KTEST_TRUE(t, none(M - PAGE_SIZE, PAGE_SIZE) && none(M + 2 * PAGE_SIZE, PAGE_SIZE));
    }
    for (size_t i = 0; i < ARRAY_COUNT(not_mapped); i++) {
        start(&with_1g, t);
        add(not_mapped[i], M, 2 * PAGE_SIZE);
        KTEST_STATUS(t, build(NULL, 0), K_OK);
        KTEST_EQ(t, table_print(mapper.root).leaves, 0);
    }
}

static void direct_map_cuts_holes_and_segments_out(struct ktest *t)
{
    const page_flags_t rx = page_flags_set_execute(page_flags_new(), true);
    const struct direct_map_exception exceptions[] = {
        { .start = 0, .end = PAGE_SIZE, .is_hole = true },
        { .start = 2 * M, .end = 3 * M, .flags = rx },
        { .start = 3 * M, .end = 4 * M, .flags = page_flags_new() },
        { .start = 6 * M, .end = 6 * M + PAGE_SIZE, .is_hole = true },
        { .start = 8 * M, .end = 9 * M, .is_hole = true }, /* behind all memory */
    };
    start(&with_1g, t);
    add(MMAP_LOW, 0, 640 * 1024);
    add(MMAP_AVAILABLE, M, M);
    add(MMAP_KERNEL, 2 * M, 2 * M);
    add(MMAP_AVAILABLE, 4 * M, 4 * M);
    KTEST_STATUS(t, build(exceptions, ARRAY_COUNT(exceptions)), K_OK);
    KTEST_TRUE(t, none(0, PAGE_SIZE));
    KTEST_TRUE(t, is(PAGE_SIZE, 640 * 1024 - PAGE_SIZE, true, false));
    KTEST_TRUE(t, none(640 * 1024, 384 * 1024));
    KTEST_TRUE(t, is(M, M, true, false));
    KTEST_TRUE(t, is(2 * M, M, false, true));
    KTEST_TRUE(t, is(3 * M, M, false, false));
    KTEST_TRUE(t, is(4 * M, 2 * M, true, false));
    KTEST_TRUE(t, none(6 * M, PAGE_SIZE));
    KTEST_TRUE(t, is(6 * M + PAGE_SIZE, 2 * M - PAGE_SIZE, true, false));
    KTEST_TRUE(t, none(8 * M, 2 * M));
}

/* One exception over the end of one entry, the gap and the start of the next. */
static void direct_map_exception_spans_entries(struct ktest *t)
{
    const struct direct_map_exception exception = { .start = 2 * M,
                                                    .end = 5 * M,
                                                    .flags = page_flags_new() };
    start(&with_1g, t);
    add(MMAP_AVAILABLE, M, 2 * M);
    add(MMAP_AVAILABLE, 4 * M, 2 * M);
    KTEST_STATUS(t, build(&exception, 1), K_OK);
    KTEST_TRUE(t, is(M, M, true, false) && is(2 * M, M, false, false));
    KTEST_TRUE(t, none(3 * M, M));
    KTEST_TRUE(t, is(4 * M, M, false, false) && is(5 * M, M, true, false));
}

/*  1G - 4K  |4K|  1G  |  2M  |4K|  */
static void direct_map_takes_the_largest_leaf_that_fits(struct ktest *t)
{
    start(&with_1g, t);
    add(MMAP_AVAILABLE, SIZE_1G - PAGE_SIZE, PAGE_SIZE + SIZE_1G + SIZE_2M + PAGE_SIZE);
    KTEST_STATUS(t, build(NULL, 0), K_OK);
    struct census census = count_leaves();
    KTEST_EQ(t, census.leaves[3], 1);
    KTEST_EQ(t, census.leaves[2], 1);
    KTEST_EQ(t, census.leaves[1], 2);
    start(&without_1g, t);
    add(MMAP_AVAILABLE, SIZE_1G - PAGE_SIZE, PAGE_SIZE + SIZE_1G + SIZE_2M + PAGE_SIZE);
    KTEST_STATUS(t, build(NULL, 0), K_OK);
    census = count_leaves();
    KTEST_EQ(t, census.leaves[3], 0);
    KTEST_EQ(t, census.leaves[2], 513);
    KTEST_EQ(t, census.leaves[1], 2);
}

/* Cost goes with the number of regions: 16 TiB in six tables. */
static void direct_map_of_16_tib_takes_few_tables(struct ktest *t)
{
    start(&with_1g, t);
    add(MMAP_AVAILABLE, SIZE_1T, 16 * SIZE_1T);
    KTEST_STATUS(t, build(NULL, 0), K_OK);
    KTEST_EQ(t, count_leaves().leaves[3], 16 * 1024);
    KTEST_EQ(t, table_print(mapper.root).tables, 1 + 32);
}

/* e820 firmware: entries that are not usable begin and end inside pages, and may share one. */
static void direct_map_widens_partial_pages_and_maps_a_shared_one_once(struct ktest *t)
{
    start(&with_1g, t);
    add(MMAP_LOW, 0x9000, 0x1800);             /* up to 0xa800 */
    add(MMAP_ACPI_RECLAIMABLE, 0xa800, 0x400); /* inside the same page */
    add(MMAP_ACPI_NVS, 0xac00, 0x1401);        /* into 0xc000 */
    add(MMAP_AVAILABLE, M, PAGE_SIZE);
    add(MMAP_ACPI_RECLAIMABLE, 2 * M + 0x800, 0x100); /* alone, inside one page */
    KTEST_STATUS(t, build(NULL, 0), K_OK);
    KTEST_TRUE(t, is(0x9000, 4 * PAGE_SIZE, true, false));
    KTEST_TRUE(t, none(0x8000, PAGE_SIZE) && none(0xd000, PAGE_SIZE));
    KTEST_TRUE(t, is(2 * M, PAGE_SIZE, true, false));
    KTEST_EQ(t, table_print(mapper.root).leaves, 6);
}

static void direct_map_of_nothing_is_empty(struct ktest *t)
{
    start(&with_1g, t);
    KTEST_STATUS(t, build(NULL, 0), K_OK);
    KTEST_EQ(t, table_print(mapper.root).tables, 1);
}

static void direct_map_refuses_memory_behind_its_end(struct ktest *t)
{
    start(&with_1g, t);
    add(MMAP_AVAILABLE, DIRECT_MAP_SIZE - SIZE_1G, SIZE_1G);
    KTEST_STATUS(t, build(NULL, 0), K_OK);
    KTEST_TRUE(t, is(DIRECT_MAP_SIZE - PAGE_SIZE, PAGE_SIZE, true, false));
    start(&with_1g, t);
    add(MMAP_AVAILABLE, DIRECT_MAP_SIZE - SIZE_1G, SIZE_1G + PAGE_SIZE);
    KTEST_STATUS(t, build(NULL, 0), K_ERANGE);
    start(&with_1g, t);
    add(MMAP_ACPI_NVS, UINT64_MAX - 100, 99); /* cannot be widened */
    KTEST_STATUS(t, build(NULL, 0), K_ERANGE);
}

static void direct_map_out_of_frames_says_so(struct ktest *t)
{
    uint32_t fail = 1;
    for (; fail < 20; fail++) {
        start(&with_1g, t);
        add(MMAP_LOW, 0, 640 * 1024);
        add(MMAP_AVAILABLE, SIZE_1G + PAGE_SIZE, SIZE_2M);
        fake_frames_fail(&frames, fail, 0);
        const enum kstatus status = build(NULL, 0);
        if (status == K_OK) {
            break;
        }
        KTEST_STATUS(t, status, K_ENOMEM);
    }
    KTEST_EQ(t, fail, 7); /* six tables: one PDPT, two directories, three of 4 KiB pages */
}

/* The kernel half is the same in every address space. */
static void direct_map_leaves_are_global_where_the_cpu_has_that(struct ktest *t)
{
    static const struct paging_features with_global = { .global = true, .phys_bits = 52 };
    start(&with_global, t);
    add(MMAP_AVAILABLE, 0, 2 * SIZE_2M);
    const struct direct_map_exception read_only = { .start = M, .end = 2 * M };
    KTEST_STATUS(t, build(&read_only, 1), K_OK);
    for (uint64_t at = 0; at < 2 * SIZE_2M; at += PAGE_SIZE) {
        struct page_translation found = { .leaf_level = 0 };
        KTEST_STATUS(t, page_mapper_translate(&mapper, virt_addr(PHYS_OFFSET + at), &found), K_OK);
        KTEST_TRUE(t, found.flags.global);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(direct_map_holds_the_types_of_the_design),
    KTEST_CASE(direct_map_cuts_holes_and_segments_out),
    KTEST_CASE(direct_map_exception_spans_entries),
    KTEST_CASE(direct_map_takes_the_largest_leaf_that_fits),
    KTEST_CASE(direct_map_of_16_tib_takes_few_tables),
    KTEST_CASE(direct_map_widens_partial_pages_and_maps_a_shared_one_once),
    KTEST_CASE(direct_map_of_nothing_is_empty),
    KTEST_CASE(direct_map_refuses_memory_behind_its_end),
    KTEST_CASE(direct_map_out_of_frames_says_so),
    KTEST_CASE(direct_map_leaves_are_global_where_the_cpu_has_that),
};
KTEST_SUITE(mm_direct_map, "mm.direct_map", cases);
