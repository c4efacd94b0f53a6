/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The page mapper case by case (S81, S82): leaf sizes, refusals, splits, freeing, shortage. Trees
 * are compared to the bit (tests/fake/table_print.h); the random test against a model is
 * tests/property/page_mapper_prop.c.
 */
#include "mm/page_mapper.h"

#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_frames.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/table_print.h"
#include "tests/ktest.h"

#define POOL     SIZE_1M
#define K        PHYS_OFFSET
#define LAST     UINT64_C(0xfffffffffffff000)
#define HALF_END UINT64_C(0x0000800000000000)

static const struct paging_features full = {
    .nx = true,
    .pages_1g = true,
    .global = true,
    .phys_bits = 46,
};
static const struct paging_features no_1g = { .nx = true, .phys_bits = 40 };

static struct fake_frames frames;
static struct fake_frames boot_frames;
static struct page_mapper mapper;

static void set_up(struct ktest *t, const struct paging_features *features)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_log_reset();
    fake_frames_init(&frames, POOL, 512);
    fake_frames_init(&boot_frames, 16 * SIZE_1M, 16);
    KTEST_STATUS(t, page_mapper_create(&mapper, &frames.allocator, features), K_OK);
}

static page_flags_t rw(void)
{
    return page_flags_set_write(page_flags_new(), true);
}

static enum kstatus map_flags(uint64_t virt, uint64_t phys, uint64_t size, page_flags_t flags)
{
    const struct page_mapping request = {
        .virt = virt_addr(virt),
        .phys = phys_addr(phys),
        .size_bytes = size,
        .flags = flags,
    };
    struct page_flush flush;
    const enum kstatus status = page_mapper_map_range(&mapper, &request, &flush);
    if (status == K_OK) {
        page_flush_ignore(&flush);
    }
    return status;
}

static enum kstatus map(uint64_t virt, uint64_t phys, uint64_t size)
{
    return map_flags(virt, phys, size, rw());
}

static enum kstatus remap(uint64_t virt, uint64_t size, page_flags_t flags)
{
    struct page_flush flush;
    const enum kstatus status = page_mapper_remap(&mapper, virt_addr(virt), size, flags, &flush);
    if (status == K_OK) {
        page_flush_flush(&flush);
    }
    return status;
}

static enum kstatus unmap(uint64_t virt, uint64_t size, bool free_parents)
{
    struct page_flush flush;
    const enum kstatus status =
        page_mapper_unmap_range(&mapper, virt_addr(virt), size, free_parents, &flush);
    if (status == K_OK) {
        page_flush_flush(&flush);
    }
    return status;
}

/* Level of the leaf at [virt], 0 where nothing is mapped. */
static unsigned level_at(uint64_t virt)
{
    struct page_translation found;
    return page_mapper_translate(&mapper, virt_addr(virt), &found) == K_OK ? found.leaf_level : 0;
}

static uint64_t phys_at(uint64_t virt)
{
    struct page_translation found;
    const enum kstatus status = page_mapper_translate(&mapper, virt_addr(virt), &found);
    return status == K_OK ? found.phys.value : UINT64_MAX;
}

static page_flags_t flags_at(uint64_t virt)
{
    struct page_translation found = { 0 };
    (void)page_mapper_translate(&mapper, virt_addr(virt), &found); /* unmapped shows as no flags */
    return found.flags;
}

static struct table_print print(void)
{
    return table_print(mapper.root);
}

/* The tree and the frames that are out must fit each other. */
static void check_books(struct ktest *t)
{
    KTEST_EQ(t, print().tables, mapper.table_frames);
    KTEST_EQ(t, frames.out, print().tables + mapper.spare_frames);
    KTEST_EQ(t, frames.bad_frees, 0);
}

/* ---- creation ----------------------------------------------------------------------------------
 */

static void page_mapper_create_zeroes_the_root(struct ktest *t)
{
    set_up(t, &full);
    KTEST_EQ(t, print().hash, 0); /* the frame came full of junk */
    KTEST_EQ(t, mapper.table_frames, 1);
    KTEST_EQ(t, page_mapper_table(&mapper).phys.value, mapper.root.value);
    KTEST_EQ(t, page_mapper_table(&mapper).level, 4);
}

static void page_mapper_create_without_frames_is_refused(struct ktest *t)
{
    set_up(t, &full);
    fake_frames_fail(&frames, 1, 0);
    struct page_mapper other;
    KTEST_STATUS(t, page_mapper_create(&other, &frames.allocator, &full), K_ENOMEM);
}

static void page_mapper_make_current_loads_cr3(struct ktest *t)
{
    set_up(t, &full);
    KTEST_FALSE(t, page_mapper_is_current(&mapper));
    page_mapper_make_current(&mapper);
    KTEST_EQ(t, fake_cpu.cr3, mapper.root.value);
    fake_cpu.cr3 |= 0x18; /* PWT and PCD are no address (S07) */
    KTEST_TRUE(t, page_mapper_is_current(&mapper));
}

/* ---- leaf sizes --------------------------------------------------------------------------------
 */

/*  1G-4K   1G          2G            3G     +2M    +4K
 *    |4 KiB|   1 GiB   |   1 GiB     | 2 MiB | 4 KiB | */
static void page_mapper_map_range_takes_the_largest_leaf_that_fits(struct ktest *t)
{
    set_up(t, &full);
    const uint64_t start = SIZE_1G - SIZE_4K;
    KTEST_STATUS(t, map(K + start, start, 2 * SIZE_1G + SIZE_2M + 2 * SIZE_4K), K_OK);
    KTEST_EQ(t, level_at(K + start), 1);
    KTEST_EQ(t, level_at(K + SIZE_1G), 3);
    KTEST_EQ(t, level_at(K + 2 * SIZE_1G), 3);
    KTEST_EQ(t, level_at(K + 3 * SIZE_1G), 2);
    KTEST_EQ(t, level_at(K + 3 * SIZE_1G + SIZE_2M), 1);
    KTEST_EQ(t, level_at(K + 3 * SIZE_1G + SIZE_2M + SIZE_4K), 0);
    KTEST_EQ(t, level_at(K + start - 1), 0);
    KTEST_EQ(t, print().leaves, 5);
    KTEST_EQ(t, print().tables, 6); /* root, level 3, and twice level 2 and 1 */
    check_books(t);
}

static void page_mapper_map_range_without_1g_uses_2m(struct ktest *t)
{
    set_up(t, &no_1g);
    KTEST_STATUS(t, map(K, 0, 4 * SIZE_1G), K_OK);
    KTEST_EQ(t, print().leaves, 2048);
    KTEST_EQ(t, print().tables, 6);
    KTEST_EQ(t, level_at(K + 4 * SIZE_1G - 1), 2);
    KTEST_EQ(t, phys_at(K + 4 * SIZE_1G - 1), 4 * SIZE_1G - 1);
}

static void page_mapper_map_range_keeps_to_the_level_asked_for(struct ktest *t)
{
    set_up(t, &full);
    struct page_mapping request = {
        .virt = virt_addr(K),
        .phys = phys_addr(0),
        .size_bytes = SIZE_1G,
        .flags = rw(),
        .max_leaf_level = PAGE_LEVEL_2M,
    };
    struct page_flush flush;
    KTEST_STATUS(t, page_mapper_map_range(&mapper, &request, &flush), K_OK);
    page_flush_ignore(&flush);
    KTEST_EQ(t, print().leaves, 512);
    request.virt = virt_addr(K + SIZE_1G);
    request.size_bytes = SIZE_2M;
    request.max_leaf_level = PAGE_LEVEL_4K;
    KTEST_STATUS(t, page_mapper_map_range(&mapper, &request, &flush), K_OK);
    page_flush_ignore(&flush);
    KTEST_EQ(t, level_at(K + SIZE_1G), 1);
}

static void page_mapper_map_range_needs_both_addresses_aligned(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(K + SIZE_1G, SIZE_2M, SIZE_1G), K_OK);
    KTEST_EQ(t, level_at(K + SIZE_1G), 2);
    KTEST_STATUS(t, map(K + 4 * SIZE_1G, SIZE_4K, SIZE_2M), K_OK);
    KTEST_EQ(t, level_at(K + 4 * SIZE_1G), 1);
    KTEST_EQ(t, phys_at(K + 4 * SIZE_1G + 5), SIZE_4K + 5);
}

static void page_mapper_map_range_fills_an_empty_table_in_the_way(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(K + SIZE_4K, 0, SIZE_4K), K_OK);
    KTEST_STATUS(t, unmap(K + SIZE_4K, SIZE_4K, false), K_OK);
    KTEST_EQ(t, print().tables, 4);
    KTEST_STATUS(t, map(K, 0, 2 * SIZE_1G), K_OK);
    KTEST_EQ(t, level_at(K), 1);
    KTEST_EQ(t, level_at(K + SIZE_2M), 2);
    KTEST_EQ(t, level_at(K + SIZE_1G), 3);
    KTEST_EQ(t, phys_at(K + SIZE_2M - 1), SIZE_2M - 1);
    KTEST_EQ(t, print().tables, 4);
}

static void page_mapper_map_range_of_nothing_changes_nothing(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(K, 0, 0), K_OK);
    KTEST_EQ(t, print().hash, 0);
}

static void page_mapper_map_range_writes_leaf_and_parent_bits(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map_flags(K, 0, SIZE_4K, page_flags_new()), K_OK);
    const struct page_table root = page_mapper_table(&mapper);
    struct page_table table = root;
    for (unsigned level = 4; level > 1; level--) {
        const unsigned index = page_table_index(&table, virt_addr(K));
        KTEST_EQ(t, page_table_entry(&table, index).value & ENTRY_FLAGS_MASK, 3); /* P, RW */
        KTEST_STATUS(t, page_table_next_level(&table, index, &table), K_OK);
    }
    KTEST_EQ(t, page_table_entry(&table, 0).value, X86_PTE_NO_EXECUTE | 1);
}

/* ---- refusals ----------------------------------------------------------------------------------
 */

static void page_mapper_refuses_unaligned_addresses_and_says_so(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(K + 1, 0, SIZE_4K), K_EINVAL);
    KTEST_TRUE(t, fake_log_contains("unaligned range"));
    KTEST_STATUS(t, map(K, 0x10, SIZE_4K), K_EINVAL);
    KTEST_TRUE(t, fake_log_contains("unaligned physical address"));
    KTEST_STATUS(t, map(K, 0, 100), K_EINVAL);
    KTEST_STATUS(t, remap(K + 1, SIZE_4K, rw()), K_EINVAL);
    KTEST_STATUS(t, unmap(K, 100, true), K_EINVAL);
    KTEST_EQ(t, print().hash, 0);
}

static void page_mapper_refuses_addresses_that_do_not_exist(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(HALF_END, 0, SIZE_4K), K_EFAULT);
    KTEST_STATUS(t, map(HALF_END - SIZE_4K, 0, 2 * SIZE_4K), K_EFAULT);
    KTEST_STATUS(t, map(SIZE_4K, 0, K), K_EFAULT);
    KTEST_STATUS(t, map(LAST, 0, 2 * SIZE_4K), K_EFAULT);
    KTEST_STATUS(t, unmap(LAST, 2 * SIZE_4K, true), K_EFAULT);
    KTEST_STATUS(t, remap(HALF_END, SIZE_4K, rw()), K_EFAULT);
    struct page_translation found;
    KTEST_STATUS(t, page_mapper_translate(&mapper, virt_addr(HALF_END), &found), K_EFAULT);
    KTEST_EQ(t, print().hash, 0);
}

static void page_mapper_maps_the_last_page_of_each_half(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(LAST, SIZE_4K, SIZE_4K), K_OK);
    KTEST_STATUS(t, map(HALF_END - SIZE_4K, SIZE_2M, SIZE_4K), K_OK);
    KTEST_EQ(t, phys_at(UINT64_MAX), 2 * SIZE_4K - 1);
    KTEST_EQ(t, phys_at(HALF_END - 1), SIZE_2M + SIZE_4K - 1);
    KTEST_STATUS(t, remap(LAST, SIZE_4K, page_flags_new()), K_OK);
    KTEST_FALSE(t, flags_at(LAST).write);
    KTEST_STATUS(t, unmap(LAST, SIZE_4K, true), K_OK);
    KTEST_EQ(t, level_at(LAST), 0);
}

static void page_mapper_refuses_memory_that_the_cpu_cannot_address(struct ktest *t)
{
    set_up(t, &full);
    const uint64_t top = UINT64_C(1) << 46;
    KTEST_STATUS(t, map(K, top, SIZE_4K), K_ERANGE);
    KTEST_STATUS(t, map(K, top - SIZE_4K, 2 * SIZE_4K), K_ERANGE);
    KTEST_STATUS(t, map(K, UINT64_MAX - SIZE_4K + 1, 2 * SIZE_4K), K_ERANGE);
    KTEST_EQ(t, print().hash, 0);
    KTEST_STATUS(t, map(K, top - SIZE_4K, SIZE_4K), K_OK);
}

/* The widest CPU there can be: 52 address bits, and the last page of them. */
static void page_mapper_maps_all_52_address_bits(struct ktest *t)
{
    static const struct paging_features widest = { .nx = true, .pages_1g = true, .phys_bits = 52 };
    const uint64_t top = UINT64_C(1) << 52;
    set_up(t, &widest);
    KTEST_STATUS(t, map(K, top - SIZE_1G, SIZE_1G), K_OK);
    KTEST_EQ(t, level_at(K), 3);
    KTEST_EQ(t, phys_at(K + SIZE_1G - 1), top - 1);
    KTEST_STATUS(t, map(K + SIZE_1G + SIZE_4K, top - SIZE_4K, SIZE_4K), K_OK);
    KTEST_EQ(t, phys_at(K + SIZE_1G + 2 * SIZE_4K - 1), top - 1);
    KTEST_STATUS(t, map(SIZE_4K, top, SIZE_4K), K_ERANGE);
    KTEST_STATUS(t, map(SIZE_4K, top - SIZE_4K, 2 * SIZE_4K), K_ERANGE);
}

/*  mapped:        [ 2 MiB leaf ]        [4 KiB] */
static void page_mapper_map_over_a_mapping_is_refused(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(K + SIZE_2M, SIZE_2M, SIZE_2M), K_OK);
    KTEST_STATUS(t, map(K + 3 * SIZE_2M + SIZE_4K, 0, SIZE_4K), K_OK);
    KTEST_STATUS(t, map(K + 4 * SIZE_1G, 0, SIZE_1G), K_OK);
    const struct table_print before = print();
    const uint32_t out = frames.out;
    KTEST_STATUS(t, map(K + SIZE_2M, SIZE_2M, SIZE_2M), K_EEXIST);
    KTEST_STATUS(t, map(K + SIZE_2M + SIZE_4K, 0, SIZE_4K), K_EEXIST); /* inside a huge leaf */
    KTEST_STATUS(t, map(K + 4 * SIZE_1G + SIZE_2M, 0, SIZE_4K), K_EEXIST);
    KTEST_STATUS(t, map(K, 0, SIZE_1G), K_EEXIST); /* around both */
    KTEST_STATUS(t, map(K + 3 * SIZE_2M, 0, SIZE_2M), K_EEXIST);
    KTEST_STATUS(t, map(K + 3 * SIZE_1G, 0, 2 * SIZE_1G), K_EEXIST); /* ends in one */
    KTEST_TRUE(t, table_print_equal(before, print()));
    KTEST_EQ(t, frames.out, out);
}

static void page_mapper_user_pages_are_for_the_lower_half(struct ktest *t)
{
    set_up(t, &full);
    const page_flags_t user = page_flags_set_user(rw(), true);
    KTEST_STATUS(t, map_flags(K, 0, SIZE_4K, user), K_EINVAL);
    KTEST_STATUS(t, map(K, 0, SIZE_4K), K_OK);
    KTEST_STATUS(t, remap(K, SIZE_4K, user), K_EINVAL);
    KTEST_STATUS(t, map(0x1000, 0, SIZE_4K), K_OK);
    KTEST_STATUS(t, map_flags(0x2000, 0, SIZE_4K, user), K_OK);
    /* The page mapped first stays a kernel page; the entries above now let users through. */
    KTEST_FALSE(t, flags_at(0x1000).user);
    KTEST_TRUE(t, flags_at(0x2000).user);
    struct page_table table = page_mapper_table(&mapper);
    for (unsigned level = 4; level > 1; level--) {
        KTEST_TRUE(t, (page_table_entry(&table, 0).value & X86_PTE_USER) != 0);
        KTEST_STATUS(t, page_table_next_level(&table, 0, &table), K_OK);
    }
}

static void page_mapper_fixed_top_level_takes_no_new_entry(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(K, 0, SIZE_4K), K_OK);
    mapper.top_level_fixed = true;
    const struct table_print before = print();
    KTEST_STATUS(t, map(K + SIZE_1T, 0, SIZE_4K), K_EFAULT);
    KTEST_TRUE(t, table_print_equal(before, print()));
    KTEST_STATUS(t, map(K + SIZE_1G, 0, SIZE_4K), K_OK);
    KTEST_STATUS(t, map(0x1000, 0, SIZE_4K), K_OK); /* the user half is free */
}

/* ---- shortage ----------------------------------------------------------------------------------
 */

/* Needs 5 tables: level 3, two of level 2, two of level 1. */
static enum kstatus map_ragged(void)
{
    return map(K + SIZE_1G - SIZE_4K, SIZE_1G - SIZE_4K, SIZE_1G + SIZE_2M + 2 * SIZE_4K);
}

static void page_mapper_map_out_of_frames_leaves_all_as_before(struct ktest *t)
{
    set_up(t, &full);
    const struct table_print before = print();
    uint32_t call = 1;
    for (; call < 20; call++) {
        fake_frames_fail(&frames, call, 1);
        const enum kstatus status = map_ragged();
        if (status == K_OK) {
            break;
        }
        KTEST_STATUS(t, status, K_ENOMEM);
        KTEST_TRUE(t, table_print_equal(before, print()));
        check_books(t);
        KTEST_EQ(t, mapper.spare_frames, 0);
    }
    KTEST_EQ(t, call, 6);
    check_books(t);
}

/* A hundred tables and two above them, some at a time; no large leaf fits. */
static void page_mapper_map_takes_frames_in_bulk(struct ktest *t)
{
    set_up(t, &full);
    fake_frames_offer_bulk(&frames);
    KTEST_STATUS(t, map(K, SIZE_4K, 100 * SIZE_2M), K_OK);
    KTEST_EQ(t, mapper.table_frames, 1 + 2 + 100);
    KTEST_TRUE(t, frames.bulk_calls > 0 && frames.bulk_calls < 20);
    KTEST_EQ(t, mapper.spare_frames, 0);
    check_books(t);
}

/* Where there are not so many at once, one at a time. */
static void page_mapper_map_without_bulk_to_be_had_takes_single_frames(struct ktest *t)
{
    set_up(t, &full);
    fake_frames_offer_bulk(&frames);
    const struct table_print before = print();
    fake_frames_fail(&frames, 3, 1); /* the third of five */
    KTEST_STATUS(t, map_ragged(), K_OK);
    KTEST_EQ(t, mapper.spare_frames, 0);
    check_books(t);
    set_up(t, &full);
    fake_frames_offer_bulk(&frames);
    fake_frames_fail(&frames, 3, 0);
    KTEST_STATUS(t, map_ragged(), K_ENOMEM);
    KTEST_TRUE(t, table_print_equal(before, print()));
    KTEST_EQ(t, mapper.spare_frames, 0);
    check_books(t);
}

static void page_mapper_map_on_bump_keeps_what_it_cannot_give_back(struct ktest *t)
{
    set_up(t, &full);
    frames.no_free = true;
    fake_frames_fail(&frames, 4, 0);
    const struct table_print before = print();
    KTEST_STATUS(t, map_ragged(), K_ENOMEM);
    KTEST_TRUE(t, table_print_equal(before, print()));
    KTEST_EQ(t, mapper.spare_frames, 3);
    check_books(t);
    fake_frames_fail(&frames, 3, 0); /* two more calls are enough now */
    KTEST_STATUS(t, map_ragged(), K_OK);
    KTEST_EQ(t, mapper.spare_frames, 0);
    check_books(t);
}

static void page_mapper_splits_out_of_frames_leave_all_as_before(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(K, 0, SIZE_1G), K_OK);
    const struct table_print before = print();
    for (uint32_t call = 1; call <= 3; call++) {
        fake_frames_fail(&frames, call, 1);
        KTEST_STATUS(t, remap(K + SIZE_4K, SIZE_2M, page_flags_new()), K_ENOMEM);
        fake_frames_fail(&frames, call, 1);
        KTEST_STATUS(t, unmap(K + SIZE_4K, SIZE_2M, true), K_ENOMEM);
        KTEST_TRUE(t, table_print_equal(before, print()));
        check_books(t);
    }
    fake_frames_fail(&frames, 4, 1); /* one level-2 table and two of level 1 */
    KTEST_STATUS(t, unmap(K + SIZE_4K, SIZE_2M, true), K_OK);
    check_books(t);
}

/* ---- single pages ------------------------------------------------------------------------------
 */

static void page_mapper_map_takes_a_frame_and_unmap_frees_it_at_the_flush(struct ktest *t)
{
    set_up(t, &full);
    struct page_flush flush;
    KTEST_STATUS(t, page_mapper_map(&mapper, virt_addr(0x5000), rw(), &flush), K_OK);
    page_flush_flush(&flush);
    const uint64_t phys = phys_at(0x5000);
    KTEST_TRUE(t, fake_frames_is_out(&frames, phys_addr(phys)));
    KTEST_EQ(t, frames.out, 5);
    KTEST_STATUS(t, page_mapper_unmap(&mapper, virt_addr(0x5000), &flush), K_OK);
    KTEST_EQ(t, level_at(0x5000), 0);
    KTEST_TRUE(t, fake_frames_is_out(&frames, phys_addr(phys)));
    page_flush_flush(&flush);
    KTEST_FALSE(t, fake_frames_is_out(&frames, phys_addr(phys)));
    KTEST_EQ(t, fake_cpu.invlpg_last, 0x5000);
    check_books(t);
}

static void page_mapper_map_gives_its_frame_back_on_every_failure(struct ktest *t)
{
    set_up(t, &full);
    struct page_flush flush;
    KTEST_STATUS(t, map(0x5000, 0, SIZE_4K), K_OK);
    KTEST_STATUS(t, page_mapper_map(&mapper, virt_addr(0x5000), rw(), &flush), K_EEXIST);
    check_books(t);
    for (uint32_t call = 1; call <= 4; call++) {
        fake_frames_fail(&frames, call, 1);
        KTEST_STATUS(t, page_mapper_map(&mapper, virt_addr(K), rw(), &flush), K_ENOMEM);
        check_books(t);
    }
}

static void page_mapper_unmap_phys_leaves_the_frame_to_the_caller(struct ktest *t)
{
    set_up(t, &full);
    struct page_flush flush;
    KTEST_STATUS(
        t,
        page_mapper_map_phys(&mapper, virt_addr(0x5000), phys_addr(POOL + SIZE_1M), rw(), &flush),
        K_OK);
    page_flush_ignore(&flush);
    KTEST_STATUS(t, page_mapper_unmap_phys(&mapper, virt_addr(0x5000), false, &flush), K_OK);
    page_flush_flush(&flush);
    KTEST_EQ(t, print().tables, 4);
    KTEST_EQ(t, frames.bad_frees, 0);
    KTEST_STATUS(t, page_mapper_unmap_phys(&mapper, virt_addr(0x5000), false, &flush), K_ENOENT);
    KTEST_STATUS(t, page_mapper_unmap(&mapper, virt_addr(0x5000), &flush), K_ENOENT);
}

static void page_mapper_unmap_phys_inside_a_huge_leaf_takes_one_page(struct ktest *t)
{
    static const uint64_t sizes[] = { SIZE_2M, SIZE_1G };
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        const uint64_t virt = SIZE_1G + 7 * SIZE_4K;
        set_up(t, &full);
        KTEST_STATUS(t, map(SIZE_1G, 4 * SIZE_1G, sizes[i]), K_OK);
        struct page_flush flush;
        KTEST_STATUS(t, page_mapper_unmap_phys(&mapper, virt_addr(virt), false, &flush), K_OK);
        page_flush_flush(&flush);
        KTEST_EQ(t, level_at(virt), 0);
        KTEST_EQ(t, phys_at(virt - SIZE_4K), 4 * SIZE_1G + 6 * SIZE_4K);
        KTEST_EQ(t, phys_at(virt + SIZE_4K), 4 * SIZE_1G + 8 * SIZE_4K);
        KTEST_EQ(t, phys_at(SIZE_1G + sizes[i] - 1), 4 * SIZE_1G + sizes[i] - 1);
        check_books(t);
    }
}

static void page_mapper_unmap_phys_frees_parents_where_asked(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(SIZE_4K, 0, SIZE_4K), K_OK);
    struct page_flush flush;
    KTEST_STATUS(t, page_mapper_unmap_phys(&mapper, virt_addr(SIZE_4K), true, &flush), K_OK);
    page_flush_flush(&flush);
    KTEST_EQ(t, print().tables, 1);
    KTEST_EQ(t, frames.out, 1);
    check_books(t);
}

static void page_mapper_map_linearly_uses_the_direct_map(struct ktest *t)
{
    set_up(t, &full);
    struct page_flush flush;
    KTEST_STATUS(t, page_mapper_map_linearly(&mapper, phys_addr(0x7000), rw(), &flush), K_OK);
    page_flush_ignore(&flush);
    KTEST_EQ(t, phys_at(K + 0x7000), 0x7000);
    KTEST_STATUS(t, page_mapper_map_linearly(&mapper, phys_addr(DIRECT_MAP_SIZE), rw(), &flush),
                 K_ERANGE);
    KTEST_STATUS(t, page_mapper_map_linearly(&mapper, phys_addr(0x7001), rw(), &flush), K_EINVAL);
}

/* ---- remap -------------------------------------------------------------------------------------
 */

/*  1 GiB RW leaf:   [ RW | RO: 2M-4K .. 4M+4K | RW ...... ] */
static void page_mapper_remap_splits_only_the_leaves_at_its_edges(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(K, 0, 2 * SIZE_1G), K_OK);
    const uint64_t start = SIZE_2M - SIZE_4K;
    const uint64_t end = 2 * SIZE_2M + SIZE_4K;
    KTEST_STATUS(t, remap(K + start, end - start, page_flags_new()), K_OK);
    KTEST_TRUE(t, flags_at(K + start - 1).write);
    KTEST_FALSE(t, flags_at(K + start).write);
    KTEST_FALSE(t, flags_at(K + end - 1).write);
    KTEST_TRUE(t, flags_at(K + end).write);
    KTEST_EQ(t, level_at(K), 1);
    KTEST_EQ(t, level_at(K + SIZE_2M), 2); /* wholly inside: not split */
    KTEST_EQ(t, level_at(K + 2 * SIZE_2M), 1);
    KTEST_EQ(t, level_at(K + 3 * SIZE_2M), 2);
    KTEST_EQ(t, level_at(K + SIZE_1G), 3);
    for (uint64_t at = 0; at < 2 * SIZE_1G; at += SIZE_2M / 2 + SIZE_4K) {
        KTEST_EQ(t, phys_at(K + at), at);
    }
    check_books(t);
}

static void page_mapper_remap_from_a_page_table_into_a_huge_leaf_splits_it(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(SIZE_2M - SIZE_4K, 4 * SIZE_1G - SIZE_4K, SIZE_4K + SIZE_2M), K_OK);
    KTEST_EQ(t, level_at(SIZE_2M), 2);
    KTEST_STATUS(t, remap(SIZE_2M - SIZE_4K, 2 * SIZE_4K, page_flags_new()), K_OK);
    KTEST_TRUE(t, !flags_at(SIZE_2M - SIZE_4K).write && !flags_at(SIZE_2M).write);
    KTEST_TRUE(t, flags_at(SIZE_2M + SIZE_4K).write);
    KTEST_EQ(t, phys_at(2 * SIZE_2M - 1), 4 * SIZE_1G + SIZE_2M - 1);
    check_books(t);
}

static void page_mapper_remap_of_whole_leaves_splits_nothing(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(K, 0, 2 * SIZE_1G), K_OK);
    const uint64_t tables = print().tables;
    const page_flags_t rx = page_flags_set_execute(page_flags_new(), true);
    KTEST_STATUS(t, remap(K, SIZE_1G, rx), K_OK);
    KTEST_EQ(t, print().tables, tables);
    KTEST_TRUE(t, page_flags_equal(flags_at(K), rx));
    KTEST_TRUE(t, page_flags_equal(flags_at(K + SIZE_1G), rw()));
}

static void page_mapper_remap_with_a_hole_changes_nothing(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(K, 0, SIZE_2M), K_OK);
    KTEST_STATUS(t, map(K + SIZE_2M + SIZE_4K, 0, SIZE_4K), K_OK);
    const struct table_print before = print();
    KTEST_STATUS(t, remap(K + SIZE_4K, SIZE_2M + SIZE_4K, page_flags_new()), K_ENOENT);
    KTEST_STATUS(t, remap(K + SIZE_1T, SIZE_4K, page_flags_new()), K_ENOENT);
    KTEST_TRUE(t, table_print_equal(before, print()));
}

static void page_mapper_remap_flushes_the_range(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(K, 0, SIZE_2M), K_OK);
    const uint64_t pending = page_flush_outstanding();
    struct page_flush flush;
    KTEST_STATUS(
        t, page_mapper_remap(&mapper, virt_addr(K + 0x3000), 2 * SIZE_4K, page_flags_new(), &flush),
        K_OK);
    KTEST_EQ(t, page_flush_outstanding(), pending + 1);
    page_flush_flush(&flush);
    KTEST_EQ(t, fake_cpu.invlpg_count, 2);
    KTEST_EQ(t, fake_cpu.invlpg_last, K + 0x4000);
    KTEST_EQ(t, page_flush_outstanding(), pending);
}

static void page_mapper_remap_to_user_opens_the_parents(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(SIZE_1G, 0, SIZE_2M), K_OK);
    KTEST_STATUS(t, remap(SIZE_1G, SIZE_4K, page_flags_set_user(rw(), true)), K_OK);
    const struct page_table root = page_mapper_table(&mapper);
    KTEST_TRUE(t, (page_table_entry(&root, 0).value & X86_PTE_USER) != 0);
    KTEST_TRUE(t, flags_at(SIZE_1G).user);
    KTEST_FALSE(t, flags_at(SIZE_1G + SIZE_4K).user);
}

/* ---- unmap -------------------------------------------------------------------------------------
 */

static void page_mapper_unmap_range_frees_empty_parents(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(SIZE_4K, SIZE_4K, SIZE_1G + SIZE_2M), K_OK);
    KTEST_EQ(t, print().tables, 6);
    KTEST_STATUS(t, unmap(0, SIZE_2M, true), K_OK);
    KTEST_EQ(t, level_at(SIZE_2M), 2);
    KTEST_EQ(t, print().tables, 5);
    KTEST_STATUS(t, unmap(0, HALF_END, true), K_OK); /* holes and all */
    KTEST_EQ(t, print().hash, 0);
    KTEST_EQ(t, frames.out, 1);
    check_books(t);
}

static void page_mapper_unmap_range_without_freeing_keeps_tables(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(SIZE_4K, 0, SIZE_4K), K_OK);
    KTEST_STATUS(t, unmap(0, SIZE_1G, false), K_OK);
    KTEST_EQ(t, print().tables, 4);
    KTEST_EQ(t, print().leaves, 0);
    check_books(t);
}

static void page_mapper_unmap_in_the_kernel_half_keeps_second_level_tables(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(K + SIZE_4K, 0, SIZE_4K), K_OK);
    KTEST_STATUS(t, unmap(K, SIZE_1G, true), K_OK);
    KTEST_EQ(t, print().tables, 2);
    const struct page_table root = page_mapper_table(&mapper);
    KTEST_TRUE(t, page_table_entry_mapped(&root, KERNEL_PML4_FIRST));
    check_books(t);
}

static void page_mapper_unmap_range_splits_a_huge_leaf(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map(K, 0, SIZE_1G), K_OK);
    KTEST_STATUS(t, unmap(K + SIZE_4K, SIZE_4K, true), K_OK);
    KTEST_EQ(t, phys_at(K), 0);
    KTEST_EQ(t, level_at(K + SIZE_4K), 0);
    KTEST_EQ(t, phys_at(K + 2 * SIZE_4K), 2 * SIZE_4K);
    KTEST_EQ(t, phys_at(K + SIZE_1G - 1), SIZE_1G - 1);
    KTEST_EQ(t, print().leaves, 511 + 511);
    check_books(t);
}

static void page_mapper_split_of_a_user_leaf_stays_open_to_users(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t, map_flags(SIZE_2M, 0, SIZE_2M, page_flags_set_user(rw(), true)), K_OK);
    KTEST_STATUS(t, unmap(SIZE_2M, SIZE_4K, true), K_OK);
    struct page_table table = page_mapper_table(&mapper);
    for (unsigned level = 4; level > 1; level--) {
        const unsigned index = page_table_index(&table, virt_addr(SIZE_2M));
        KTEST_TRUE(t, (page_table_entry(&table, index).value & X86_PTE_USER) != 0);
        KTEST_STATUS(t, page_table_next_level(&table, index, &table), K_OK);
    }
    KTEST_TRUE(t, flags_at(SIZE_2M + SIZE_4K).user);
}

static void page_mapper_boot_tables_go_to_their_own_sink(struct ktest *t)
{
    set_up(t, &full);
    mapper.makes_boot_tables = true;
    mapper.frames = &boot_frames.allocator;
    KTEST_STATUS(t, map(SIZE_4K, 0, SIZE_4K), K_OK);
    mapper.makes_boot_tables = false;
    mapper.frames = &frames.allocator;
    KTEST_STATUS(t, map(SIZE_2M + SIZE_4K, 0, SIZE_4K), K_OK); /* one table of the normal kind */
    KTEST_EQ(t, boot_frames.out, 3);
    KTEST_EQ(t, frames.out, 2);
    KTEST_STATUS(t, unmap(0, SIZE_1G, true), K_OK); /* no sink: boot tables stay, empty */
    KTEST_EQ(t, boot_frames.out, 3);
    KTEST_EQ(t, frames.out, 1);
    KTEST_EQ(t, print().leaves, 0);
    mapper.boot_tables = &boot_frames.allocator;
    KTEST_STATUS(t, unmap(0, SIZE_1G, true), K_OK);
    KTEST_EQ(t, boot_frames.out, 0);
    KTEST_EQ(t, print().hash, 0);
    KTEST_EQ(t, frames.bad_frees + boot_frames.bad_frees, 0);
}

static void page_mapper_make_second_level_makes_what_is_missing(struct ktest *t)
{
    set_up(t, &full);
    KTEST_STATUS(t,
                 page_mapper_make_second_level(&mapper, virt_addr(MMIO_POOL_START),
                                               MMIO_POOL_END - MMIO_POOL_START),
                 K_OK);
    KTEST_EQ(t, print().tables, 3); /* 1 TiB is two top-level entries */
    const struct table_print before = print();
    KTEST_STATUS(t, page_mapper_make_second_level(&mapper, virt_addr(MMIO_POOL_START), SIZE_4K),
                 K_OK);
    KTEST_TRUE(t, table_print_equal(before, print()));
    fake_frames_fail(&frames, 2, 0);
    KTEST_STATUS(t, page_mapper_make_second_level(&mapper, virt_addr(K), SIZE_1T), K_ENOMEM);
    KTEST_TRUE(t, table_print_equal(before, print()));
    check_books(t);
    mapper.top_level_fixed = true;
    fake_frames_fail(&frames, 0, 0);
    KTEST_STATUS(t, map(MMIO_POOL_END - SIZE_4K, 0, SIZE_4K), K_OK);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(page_mapper_create_zeroes_the_root),
    KTEST_CASE(page_mapper_create_without_frames_is_refused),
    KTEST_CASE(page_mapper_make_current_loads_cr3),
    KTEST_CASE(page_mapper_map_range_takes_the_largest_leaf_that_fits),
    KTEST_CASE(page_mapper_map_range_without_1g_uses_2m),
    KTEST_CASE(page_mapper_map_range_keeps_to_the_level_asked_for),
    KTEST_CASE(page_mapper_map_range_needs_both_addresses_aligned),
    KTEST_CASE(page_mapper_map_range_fills_an_empty_table_in_the_way),
    KTEST_CASE(page_mapper_map_range_of_nothing_changes_nothing),
    KTEST_CASE(page_mapper_map_range_writes_leaf_and_parent_bits),
    KTEST_CASE(page_mapper_refuses_unaligned_addresses_and_says_so),
    KTEST_CASE(page_mapper_refuses_addresses_that_do_not_exist),
    KTEST_CASE(page_mapper_maps_the_last_page_of_each_half),
    KTEST_CASE(page_mapper_refuses_memory_that_the_cpu_cannot_address),
    KTEST_CASE(page_mapper_maps_all_52_address_bits),
    KTEST_CASE(page_mapper_map_over_a_mapping_is_refused),
    KTEST_CASE(page_mapper_user_pages_are_for_the_lower_half),
    KTEST_CASE(page_mapper_fixed_top_level_takes_no_new_entry),
    KTEST_CASE(page_mapper_map_out_of_frames_leaves_all_as_before),
    KTEST_CASE(page_mapper_map_takes_frames_in_bulk),
    KTEST_CASE(page_mapper_map_without_bulk_to_be_had_takes_single_frames),
    KTEST_CASE(page_mapper_map_on_bump_keeps_what_it_cannot_give_back),
    KTEST_CASE(page_mapper_splits_out_of_frames_leave_all_as_before),
    KTEST_CASE(page_mapper_map_takes_a_frame_and_unmap_frees_it_at_the_flush),
    KTEST_CASE(page_mapper_map_gives_its_frame_back_on_every_failure),
    KTEST_CASE(page_mapper_unmap_phys_leaves_the_frame_to_the_caller),
    KTEST_CASE(page_mapper_unmap_phys_inside_a_huge_leaf_takes_one_page),
    KTEST_CASE(page_mapper_unmap_phys_frees_parents_where_asked),
    KTEST_CASE(page_mapper_map_linearly_uses_the_direct_map),
    KTEST_CASE(page_mapper_remap_splits_only_the_leaves_at_its_edges),
    KTEST_CASE(page_mapper_remap_from_a_page_table_into_a_huge_leaf_splits_it),
    KTEST_CASE(page_mapper_remap_of_whole_leaves_splits_nothing),
    KTEST_CASE(page_mapper_remap_with_a_hole_changes_nothing),
    KTEST_CASE(page_mapper_remap_flushes_the_range),
    KTEST_CASE(page_mapper_remap_to_user_opens_the_parents),
    KTEST_CASE(page_mapper_unmap_range_frees_empty_parents),
    KTEST_CASE(page_mapper_unmap_range_without_freeing_keeps_tables),
    KTEST_CASE(page_mapper_unmap_in_the_kernel_half_keeps_second_level_tables),
    KTEST_CASE(page_mapper_unmap_range_splits_a_huge_leaf),
    KTEST_CASE(page_mapper_split_of_a_user_leaf_stays_open_to_users),
    KTEST_CASE(page_mapper_boot_tables_go_to_their_own_sink),
    KTEST_CASE(page_mapper_make_second_level_makes_what_is_missing),
};
KTEST_SUITE(mm_page_mapper, "mm.paging.mapper", cases);
