/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The page-table audit: a sound tree is clean to the last figure, and every kind of violation,
 * planted by hand into the entries, is found, named and placed.
 *
 *     physical    0    4K      1M               9M      10M    11M                     64M
 *                 |hole| RAM   | RAM, tables    | text R X| ro R | RAM (guard at 20M)    |
 *
 * Text and rodata each fill half a huge page: a leaf can hold some of them and some plain RAM.
 */
#include "mm/page_audit.h"

#include "mm/page_mapper.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_frames.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define K         PHYS_OFFSET
#define RAM_END   (64 * SIZE_1M)
#define TEXT      (9 * SIZE_1M)
#define RODATA    (10 * SIZE_1M)
#define DATA_4K   (11 * SIZE_1M) /* starts with 4 KiB leaves */
#define DATA      (12 * SIZE_1M) /* a 2 MiB leaf */
#define GUARD     (20 * SIZE_1M)
#define DEVICE    (4 * SIZE_1G)
#define LOW_START SIZE_4K
#define LOW_END   SIZE_2M

static const struct paging_features with_nx = {
    .nx = true,
    .pages_1g = true,
    .phys_bits = 40,
};
static const struct paging_features without_nx = { .phys_bits = 40 };

static struct fake_frames frames;
static struct page_mapper mapper;
static struct page_audit_report report;

/* What a case may change about the lists: the first range of memory and the MMIO window. */
static uint64_t first_end;
static uint64_t second_start;
static uint64_t mmio_bytes;

/* The last violation of each kind. */
static struct seen {
    uint64_t virt;
    uint64_t phys;
} seen[PAGE_AUDIT_KIND_COUNT];

static void note(void *context, enum page_audit_kind kind, virt_addr_t virt, phys_addr_t phys)
{
    struct seen *const table = context;
    table[kind] = (struct seen){ virt.value, phys.value };
}

static struct phys_frame_range range(uint64_t start, uint64_t end)
{
    return (struct phys_frame_range){ phys_frame_of(phys_addr(start)),
                                      { (end - start) / PAGE_SIZE } };
}

static void map(struct ktest *t, uint64_t virt, uint64_t start, uint64_t end, page_flags_t flags)
{
    const struct page_mapping request = {
        .virt = virt_addr(virt),
        .phys = phys_addr(start),
        .size_bytes = end - start,
        .flags = flags,
    };
    struct page_flush flush;
    KTEST_STATUS(t, page_mapper_map_range(&mapper, &request, &flush), K_OK);
    page_flush_ignore(&flush);
}

static void set_up(struct ktest *t, const struct paging_features *features)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_frames_init(&frames, 2 * SIZE_1M, 256);
    first_end = SIZE_1M;
    second_start = SIZE_1M;
    mmio_bytes = SIZE_1T;
    for (unsigned i = 0; i < PAGE_AUDIT_KIND_COUNT; i++) {
        seen[i] = (struct seen){ 0 };
    }
    const page_flags_t ro = page_flags_new();
    const page_flags_t rw = page_flags_set_write(ro, true);
    KTEST_STATUS(t, page_mapper_create(&mapper, &frames.allocator, features), K_OK);
    map(t, K + SIZE_4K, SIZE_4K, TEXT, rw);
    map(t, K + TEXT, TEXT, RODATA, page_flags_set_execute(ro, true));
    map(t, K + RODATA, RODATA, DATA_4K, ro);
    map(t, K + DATA_4K, DATA_4K, GUARD, rw);
    map(t, K + GUARD + SIZE_4K, GUARD + SIZE_4K, RAM_END, rw);
    map(t, LOW_START, LOW_START, LOW_END, rw);
    map(t, MMIO_POOL_START, DEVICE, DEVICE + SIZE_2M, page_flags_mmio());
}

static void audit(struct ktest *t)
{
    /* Neighbours that touch, as the entries of a memory map do. */
    const struct phys_frame_range mapped[] = { range(0, first_end), range(second_start, DATA),
                                               range(DATA, RAM_END) };
    const struct phys_frame_range holes[] = { range(0, SIZE_4K), range(GUARD, GUARD + SIZE_4K) };
    const struct phys_frame_range read_only[] = { range(TEXT, RODATA), range(RODATA, DATA_4K) };
    const struct page_audit_window windows[] = {
        { virt_addr(0), LOW_REMAP_END, PAGE_AUDIT_WINDOW_IDENTITY },
        { virt_addr(MMIO_POOL_START), mmio_bytes, PAGE_AUDIT_WINDOW_DEVICE },
    };
    const struct page_audit_expectation expectation = {
        .mapped = { mapped, ARRAY_COUNT(mapped) },
        .holes = { holes, ARRAY_COUNT(holes) },
        .read_only = { read_only, ARRAY_COUNT(read_only) },
        .windows = windows,
        .window_count = ARRAY_COUNT(windows),
        .visit = note,
        .context = seen,
    };
    KTEST_STATUS(t, page_audit(mapper.root, mapper.features, &expectation, &report), K_OK);
}

/* Exactly `count` violations of `kind`, the last at [virt] -> [phys], and none of another kind. */
static void expect_only(struct ktest *t, enum page_audit_kind kind, uint64_t count, uint64_t virt,
                        uint64_t phys)
{
    audit(t);
    KTEST_EQ(t, report.violations[kind], count);
    KTEST_EQ(t, report.violation_count, count);
    KTEST_EQ(t, seen[kind].virt, virt);
    KTEST_EQ(t, seen[kind].phys, phys);
}

/* The table of `level` that covers [virt]. */
static struct page_table table_at(struct ktest *t, uint64_t virt, unsigned level)
{
    struct page_table table = page_mapper_table(&mapper);
    while (table.level > level) {
        const unsigned index = page_table_index(&table, virt_addr(virt));
        KTEST_STATUS(t, page_table_next_level(&table, index, &table), K_OK);
    }
    return table;
}

/* Changes the entry of [virt] in the table of `level`: clears, then sets bits. */
static void spoil(struct ktest *t, uint64_t virt, unsigned level, uint64_t clear, uint64_t set)
{
    const struct page_table table = table_at(t, virt, level);
    const unsigned index = page_table_index(&table, virt_addr(virt));
    const uint64_t value = page_table_entry(&table, index).value;
    page_table_set_entry(&table, index, (page_entry_t){ (value & ~clear) | set });
}

static void page_audit_of_sound_tables_is_clean(struct ktest *t)
{
    set_up(t, &with_nx);
    audit(t);
    KTEST_EQ(t, report.violation_count, 0);
    KTEST_EQ(t, report.writable_executable, 0);
    KTEST_EQ(t, report.table_frames, mapper.table_frames);
    KTEST_EQ(t, report.table_frames, frames.out);
    /* Text and rodata are 256 pages each. */
    KTEST_EQ(t, report.permission[0][1].size_bytes, SIZE_1M);
    KTEST_EQ(t, report.permission[0][1].leaves, 256);
    KTEST_EQ(t, report.permission[0][0].size_bytes, SIZE_1M);
    KTEST_EQ(t, report.permission[1][0].size_bytes,
             (RAM_END - 2 * SIZE_1M - 2 * SIZE_4K) + (LOW_END - LOW_START) + SIZE_2M);
    KTEST_EQ(t, report.leaves_1g, 0);
    KTEST_EQ(t, report.leaves_2m, 3 + 4 + 21 + 1);
    KTEST_EQ(t, report.leaves_4k, 511 + 4 * 256 + 511 + 511);
    KTEST_EQ(t, report.user_leaves + report.global_leaves, 0);
}

static void page_audit_finds_writable_and_executable(struct ktest *t)
{
    set_up(t, &with_nx);
    spoil(t, K + DATA, 2, X86_PTE_NO_EXECUTE, 0);
    audit(t);
    KTEST_EQ(t, report.violations[PAGE_AUDIT_WRITABLE_EXECUTABLE], 1);
    KTEST_EQ(t, seen[PAGE_AUDIT_WRITABLE_EXECUTABLE].virt, K + DATA);
    KTEST_EQ(t, report.violations[PAGE_AUDIT_EXECUTABLE], 1);
    KTEST_EQ(t, report.violation_count, 2);
    KTEST_EQ(t, report.writable_executable, 1);
}

static void page_audit_finds_executable_data(struct ktest *t)
{
    set_up(t, &with_nx);
    spoil(t, K + DATA, 2, X86_PTE_NO_EXECUTE | X86_PTE_WRITE, 0);
    expect_only(t, PAGE_AUDIT_EXECUTABLE, 1, K + DATA, DATA);
}

static void page_audit_finds_a_writable_text_page(struct ktest *t)
{
    set_up(t, &with_nx);
    spoil(t, K + RODATA + SIZE_4K, 1, 0, X86_PTE_WRITE);
    expect_only(t, PAGE_AUDIT_WRITABLE_ALIAS, 1, K + RODATA + SIZE_4K, RODATA + SIZE_4K);
}

/* An identity mapping of 2 MiB whose second half is text. */
static void page_audit_finds_a_writable_alias_inside_a_huge_leaf(struct ktest *t)
{
    set_up(t, &with_nx);
    map(t, TEXT - SIZE_1M, TEXT - SIZE_1M, RODATA, page_flags_set_write(page_flags_new(), true));
    expect_only(t, PAGE_AUDIT_WRITABLE_ALIAS, 1, TEXT - SIZE_1M, TEXT - SIZE_1M);
}

static void page_audit_finds_executable_data_beside_text_in_a_huge_leaf(struct ktest *t)
{
    set_up(t, &with_nx);
    map(t, TEXT - SIZE_1M, TEXT - SIZE_1M, RODATA, page_flags_set_execute(page_flags_new(), true));
    expect_only(t, PAGE_AUDIT_EXECUTABLE, 1, TEXT - SIZE_1M, TEXT - SIZE_1M);
}

static void page_audit_finds_user_bits_in_the_kernel_half(struct ktest *t)
{
    set_up(t, &with_nx);
    spoil(t, K + DATA, 2, 0, X86_PTE_USER);
    expect_only(t, PAGE_AUDIT_USER, 1, K + DATA, DATA);
    KTEST_EQ(t, report.user_leaves, 0); /* the entries above do not let users through */
    set_up(t, &with_nx);
    spoil(t, K, 4, 0, X86_PTE_USER);
    expect_only(t, PAGE_AUDIT_USER, 1, K, table_at(t, K, 3).phys.value);
}

static void page_audit_finds_reserved_bits_at_every_level(struct ktest *t)
{
    static const struct {
        uint64_t virt;
        unsigned level;
        uint64_t bit;
    } spoils[] = {
        { K + SIZE_4K, 1, UINT64_C(1) << 40 },
        { K, 2, UINT64_C(1) << 51 },
        { K, 3, UINT64_C(1) << 45 },
        { K, 4, UINT64_C(1) << 40 },
        { K, 4, X86_PTE_HUGE },
        { K + DATA, 2, UINT64_C(1) << 13 },
        { K + DATA, 2, UINT64_C(1) << 20 },
    };
    for (unsigned i = 0; i < ARRAY_COUNT(spoils); i++) {
        set_up(t, &with_nx);
        spoil(t, spoils[i].virt, spoils[i].level, 0, spoils[i].bit);
        audit(t);
        KTEST_EQ(t, report.violations[PAGE_AUDIT_RESERVED_BITS], 1);
        KTEST_EQ(t, seen[PAGE_AUDIT_RESERVED_BITS].virt, spoils[i].virt);
        if (spoils[i].level > 1 && spoils[i].virt == K) {
            /* The CPU does not get behind such an entry, and neither does the audit. */
            KTEST_EQ(t, report.violations[PAGE_AUDIT_OUTSIDE], 0);
            KTEST_TRUE(t, report.violations[PAGE_AUDIT_NOT_MAPPED] > 0);
        }
    }
}

/* Leaves in a row, of which only the last two are too high. */
static void page_audit_finds_the_leaves_of_a_run_that_pass_maxphyaddr(struct ktest *t)
{
    static const struct paging_features wide = { .nx = true, .pages_1g = true, .phys_bits = 52 };
    const uint64_t limit = UINT64_C(1) << 40;
    set_up(t, &with_nx);
    mapper.features = &wide;
    map(t, MMIO_POOL_START + SIZE_1G, limit - 2 * SIZE_4K, limit + 2 * SIZE_4K, page_flags_mmio());
    mapper.features = &with_nx;
    expect_only(t, PAGE_AUDIT_RESERVED_BITS, 2, MMIO_POOL_START + SIZE_1G + 3 * SIZE_4K,
                limit + SIZE_4K);
}

static void page_audit_reads_bit_12_of_a_huge_leaf_as_pat(struct ktest *t)
{
    set_up(t, &with_nx);
    spoil(t, K + DATA, 2, 0, X86_PTE_PAT_HUGE);
    audit(t);
    KTEST_EQ(t, report.violation_count, 0);
}

static void page_audit_finds_1g_leaves_that_the_cpu_does_not_have(struct ktest *t)
{
    set_up(t, &with_nx);
    const struct page_table table = table_at(t, K, 3);
    page_table_set_entry(&table, 0, (page_entry_t){ X86_PTE_NO_EXECUTE | X86_PTE_HUGE | 1 });
    static const struct paging_features no_1g = { .nx = true, .phys_bits = 40 };
    mapper.features = &no_1g;
    audit(t);
    KTEST_EQ(t, report.violations[PAGE_AUDIT_RESERVED_BITS], 1);
    KTEST_EQ(t, report.leaves_1g, 1);
}

static void page_audit_without_nx_drops_wx_and_only_that(struct ktest *t)
{
    set_up(t, &without_nx);
    audit(t);
    KTEST_EQ(t, report.violation_count, 0);
    KTEST_EQ(t, report.writable_executable, report.permission[1][1].leaves);
    KTEST_EQ(t, report.permission[0][0].leaves + report.permission[1][0].leaves, 0);
    KTEST_EQ(t, report.permission[0][1].leaves, 512);
    spoil(t, K + TEXT, 1, 0, X86_PTE_WRITE);
    expect_only(t, PAGE_AUDIT_WRITABLE_ALIAS, 1, K + TEXT, TEXT);
    spoil(t, K + TEXT, 1, X86_PTE_WRITE, X86_PTE_NO_EXECUTE);
    expect_only(t, PAGE_AUDIT_RESERVED_BITS, 1, K + TEXT, TEXT);
}

static void page_audit_finds_leaves_where_none_may_be(struct ktest *t)
{
    const page_flags_t rw = page_flags_set_write(page_flags_new(), true);
    set_up(t, &with_nx);
    map(t, UINT64_C(0xffffb00000000000), DATA, DATA + SIZE_4K, rw);
    expect_only(t, PAGE_AUDIT_OUTSIDE, 1, UINT64_C(0xffffb00000000000), DATA);
    set_up(t, &with_nx);
    map(t, LOW_REMAP_END, LOW_REMAP_END, LOW_REMAP_END + SIZE_4K, rw);
    expect_only(t, PAGE_AUDIT_OUTSIDE, 1, LOW_REMAP_END, LOW_REMAP_END);
    set_up(t, &with_nx);
    map(t, K + RAM_END, RAM_END, RAM_END + SIZE_4K, rw); /* behind RAM */
    expect_only(t, PAGE_AUDIT_OUTSIDE, 1, K + RAM_END, RAM_END);
    set_up(t, &with_nx);
    map(t, MMIO_POOL_START + SIZE_1G, DATA, DATA + SIZE_4K, rw); /* RAM as device memory */
    expect_only(t, PAGE_AUDIT_OUTSIDE, 1, MMIO_POOL_START + SIZE_1G, DATA);
    set_up(t, &with_nx);
    mmio_bytes = SIZE_4K; /* the leaf begins in the window and reaches out of it */
    expect_only(t, PAGE_AUDIT_OUTSIDE, 1, MMIO_POOL_START, DEVICE);
}

/*  listed:  [0 ...... 5M)gap[5M+4K ......      leaf: [4M .. 6M) */
static void page_audit_finds_a_leaf_across_a_gap_of_the_list(struct ktest *t)
{
    set_up(t, &with_nx);
    first_end = 5 * SIZE_1M;
    second_start = first_end + SIZE_4K;
    expect_only(t, PAGE_AUDIT_OUTSIDE, 1, K + 4 * SIZE_1M, 4 * SIZE_1M);
}

static void page_audit_finds_wrong_frames(struct ktest *t)
{
    set_up(t, &with_nx);
    spoil(t, K + SIZE_4K, 1, ENTRY_ADDRESS_MASK, DATA);
    expect_only(t, PAGE_AUDIT_WRONG_FRAME, 1, K + SIZE_4K, DATA);
    set_up(t, &with_nx);
    spoil(t, LOW_START, 1, ENTRY_ADDRESS_MASK, DATA);
    expect_only(t, PAGE_AUDIT_WRONG_FRAME, 1, LOW_START, DATA);
}

static void page_audit_finds_mapped_holes(struct ktest *t)
{
    const page_flags_t rw = page_flags_set_write(page_flags_new(), true);
    set_up(t, &with_nx);
    map(t, K + GUARD, GUARD, GUARD + SIZE_4K, rw);
    expect_only(t, PAGE_AUDIT_HOLE, 1, K + GUARD, GUARD);
    set_up(t, &with_nx);
    map(t, 0, 0, SIZE_4K, rw);
    expect_only(t, PAGE_AUDIT_HOLE, 1, 0, 0);
    KTEST_STRING(t, page_audit_kind_name(PAGE_AUDIT_HOLE), "hole");
}

/*  missing:   [4K, 8K)      around the guard: [18M, 20M) and (20M, 22M)       the end: [62M, 64M)
 */
static void page_audit_finds_every_missing_run(struct ktest *t)
{
    set_up(t, &with_nx);
    spoil(t, K + SIZE_4K, 1, X86_PTE_PRESENT, 0);
    expect_only(t, PAGE_AUDIT_NOT_MAPPED, 1, K + SIZE_4K, SIZE_4K);
    struct page_flush flush;
    KTEST_STATUS(
        t,
        page_mapper_unmap_range(&mapper, virt_addr(K + GUARD - SIZE_2M), 2 * SIZE_2M, true, &flush),
        K_OK);
    page_flush_ignore(&flush);
    expect_only(t, PAGE_AUDIT_NOT_MAPPED, 3, K + GUARD + SIZE_4K, GUARD + SIZE_4K);
    spoil(t, K + RAM_END - SIZE_2M, 2, X86_PTE_PRESENT, 0);
    expect_only(t, PAGE_AUDIT_NOT_MAPPED, 4, K + RAM_END - SIZE_2M, RAM_END - SIZE_2M);
}

/* Nothing mapped at all: the three ranges of the list are reported, the middle hole cuts one. */
static void page_audit_of_an_empty_tree_misses_everything(struct ktest *t)
{
    set_up(t, &with_nx);
    struct page_table root = page_mapper_table(&mapper);
    page_table_clear(&root);
    expect_only(t, PAGE_AUDIT_NOT_MAPPED, 4, K + GUARD + SIZE_4K, GUARD + SIZE_4K);
    KTEST_EQ(t, report.table_frames, 1);
}

static void page_audit_does_not_follow_a_stray_table(struct ktest *t)
{
    set_up(t, &with_nx);
    const struct page_table root = page_mapper_table(&mapper);
    page_table_set_entry(&root, 100, page_entry_make_table(phys_addr(DEVICE), false));
    expect_only(t, PAGE_AUDIT_OUTSIDE, 1, 100 * (SIZE_1G * 512), DEVICE);
}

static void page_audit_counts_effective_permission(struct ktest *t)
{
    set_up(t, &with_nx);
    const uint64_t before = 511; /* of the table for [0, 2 MiB) */
    spoil(t, K, 2, X86_PTE_WRITE, X86_PTE_NO_EXECUTE);
    audit(t);
    KTEST_EQ(t, report.violation_count, 0);
    KTEST_EQ(t, report.permission[0][0].leaves, 256 + before);
    KTEST_EQ(t, report.permission[0][1].leaves, 256);
    spoil(t, K + TEXT, 2, 0, X86_PTE_NO_EXECUTE);
    audit(t);
    KTEST_EQ(t, report.violation_count, 0);
    KTEST_EQ(t, report.permission[0][1].leaves, 0);
}

static void page_audit_refuses_unsorted_lists(struct ktest *t)
{
    set_up(t, &with_nx);
    const struct phys_frame_range overlapping[] = { range(0, SIZE_2M), range(SIZE_1M, SIZE_2M) };
    const struct phys_frame_range empty[] = { range(SIZE_1M, SIZE_1M) };
    const struct page_audit_ranges bad[] = { { overlapping, 2 }, { empty, 1 } };
    for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
        const struct page_audit_expectation expectations[] = {
            { .mapped = bad[i] },
            { .holes = bad[i] },
            { .read_only = bad[i] },
        };
        for (unsigned j = 0; j < ARRAY_COUNT(expectations); j++) {
            KTEST_STATUS(t, page_audit(mapper.root, &with_nx, &expectations[j], &report), K_EINVAL);
        }
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(page_audit_of_sound_tables_is_clean),
    KTEST_CASE(page_audit_finds_writable_and_executable),
    KTEST_CASE(page_audit_finds_executable_data),
    KTEST_CASE(page_audit_finds_a_writable_text_page),
    KTEST_CASE(page_audit_finds_a_writable_alias_inside_a_huge_leaf),
    KTEST_CASE(page_audit_finds_executable_data_beside_text_in_a_huge_leaf),
    KTEST_CASE(page_audit_finds_user_bits_in_the_kernel_half),
    KTEST_CASE(page_audit_finds_reserved_bits_at_every_level),
    KTEST_CASE(page_audit_finds_the_leaves_of_a_run_that_pass_maxphyaddr),
    KTEST_CASE(page_audit_reads_bit_12_of_a_huge_leaf_as_pat),
    KTEST_CASE(page_audit_finds_1g_leaves_that_the_cpu_does_not_have),
    KTEST_CASE(page_audit_without_nx_drops_wx_and_only_that),
    KTEST_CASE(page_audit_finds_leaves_where_none_may_be),
    KTEST_CASE(page_audit_finds_a_leaf_across_a_gap_of_the_list),
    KTEST_CASE(page_audit_finds_wrong_frames),
    KTEST_CASE(page_audit_finds_mapped_holes),
    KTEST_CASE(page_audit_finds_every_missing_run),
    KTEST_CASE(page_audit_of_an_empty_tree_misses_everything),
    KTEST_CASE(page_audit_does_not_follow_a_stray_table),
    KTEST_CASE(page_audit_counts_effective_permission),
    KTEST_CASE(page_audit_refuses_unsorted_lists),
};
KTEST_SUITE(mm_page_audit, "mm.audit", cases);
