/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The identity map of low memory (S36, S87).
 *
 *     0    4K       640K  1M        8M       9M              16M           30M      40M
 *     | low (1002h) |     | RAM (1) | 1000h  | loader 1001h   | reserved 2  | RAM (1) |
 *                                     image inside
 */
#include "low_remap.h"

#include <stddef.h>

#include "mm/page_mapper.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_frames.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/table_print.h"
#include "tests/ktest.h"

#define LOW_END (640 * UINT64_C(1024))
#define M       SIZE_1M

static const struct paging_features features = { .nx = true, .pages_1g = true, .phys_bits = 40 };
static struct fake_frames frames; /* stands for the bump allocator, then for the sink */
static struct fake_frames buddy;
static struct page_mapper mapper;

static struct multiboot2_mmap_entry entries[] = {
    { .address = 0, .length = LOW_END, .type = MMAP_LOW },
    { .address = M, .length = 7 * M, .type = MMAP_AVAILABLE },
    { .address = 8 * M, .length = M, .type = MMAP_KERNEL },
    { .address = 9 * M, .length = 7 * M, .type = MMAP_LOADER },
    { .address = 16 * M, .length = 14 * M, .type = MMAP_RESERVED },
    { .address = 30 * M, .length = 10 * M, .type = MMAP_AVAILABLE },
};
static const struct memory_map map = { .entries = entries, .count = ARRAY_COUNT(entries) };

/* In the 1000h entry, and in a second one that lies in plain RAM. */
static const struct kernel_image image = {
    .code_start = { PHYS_OFFSET + 8 * M },
    .start_brk = { PHYS_OFFSET + 9 * M },
};
static const struct kernel_image image_in_ram = {
    .code_start = { PHYS_OFFSET + 2 * M },
    .start_brk = { PHYS_OFFSET + 3 * M },
};

static void set_up(struct ktest *t)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_log_reset();
    fake_frames_init(&frames, 64 * M, 64);
    fake_frames_init(&buddy, 128 * M, 64);
    KTEST_STATUS(t, page_mapper_create(&mapper, &frames.allocator, &features), K_OK);
    KTEST_STATUS(t, page_mapper_make_second_level(&mapper, virt_addr(PHYS_OFFSET), SIZE_4K), K_OK);
    mapper.makes_boot_tables = true;
}

static bool is_mapped(uint64_t address)
{
    struct page_translation found = { 0 };
    if (page_mapper_translate(&mapper, virt_addr(address), &found) != K_OK) {
        return false;
    }
    return found.phys.value == address && found.flags.write && !found.flags.execute &&
           !found.flags.user;
}

/* Every page below 40 MiB against the picture. */
static uint32_t wrong_pages(const struct kernel_image *excluded)
{
    const uint64_t from = excluded->code_start.value - PHYS_OFFSET;
    const uint64_t to = excluded->start_brk.value - PHYS_OFFSET;
    uint32_t wrong = 0;
    for (uint64_t page = 0; page < 40 * M; page += SIZE_4K) {
        const bool memory = (page >= SIZE_4K && page < LOW_END) || (page >= M && page < 8 * M) ||
                            (page >= 9 * M && page < 16 * M) ||
                            (page >= 30 * M && page < LOW_REMAP_END);
        const bool expected = memory && !(page >= from && page < to);
        wrong += is_mapped(page) == expected ? 0 : 1;
    }
    return wrong;
}

static void low_remap_maps_memory_below_32m_and_nothing_else(struct ktest *t)
{
    set_up(t);
    KTEST_STATUS(t, remap_at_low_address(&mapper, &map, &image), K_OK);
    KTEST_EQ(t, wrong_pages(&image), 0);
    KTEST_FALSE(t, is_mapped(0));
    KTEST_FALSE(t, is_mapped(LOW_REMAP_END));
}

static void low_remap_leaves_the_image_out_wherever_it_lies(struct ktest *t)
{
    set_up(t);
    KTEST_STATUS(t, remap_at_low_address(&mapper, &map, &image_in_ram), K_OK);
    KTEST_EQ(t, wrong_pages(&image_in_ram), 0);
}

static void low_remap_without_an_image_maps_all_memory(struct ktest *t)
{
    set_up(t);
    const struct kernel_image none = { .code_start = { PHYS_OFFSET },
                                       .start_brk = { PHYS_OFFSET } };
    KTEST_STATUS(t, remap_at_low_address(&mapper, &map, &none), K_OK);
    KTEST_EQ(t, wrong_pages(&none), 0);
}

/* e820 firmware: two entries share the page at 8 KiB. */
static void low_remap_maps_a_shared_page_once(struct ktest *t)
{
    struct multiboot2_mmap_entry ragged[] = {
        { .address = 0x1000, .length = 0x1800, .type = MMAP_LOW },
        { .address = 0x2800, .length = 0x1000, .type = MMAP_ACPI_NVS },
    };
    const struct memory_map small = { .entries = ragged, .count = 2 };
    set_up(t);
    KTEST_STATUS(t, remap_at_low_address(&mapper, &small, &image), K_OK);
    KTEST_TRUE(t, is_mapped(0x1000));
    KTEST_TRUE(t, is_mapped(0x2000));
    KTEST_TRUE(t, is_mapped(0x3000));
    KTEST_EQ(t, table_print(mapper.root).leaves, 3);
}

static void low_remap_out_of_frames_maps_nothing(struct ktest *t)
{
    set_up(t);
    frames.no_free = true;
    uint32_t call = 1;
    for (; call < 20; call++) {
        fake_frames_fail(&frames, call, 1);
        const enum kstatus status = remap_at_low_address(&mapper, &map, &image);
        if (status == K_OK) {
            break;
        }
        KTEST_STATUS(t, status, K_ENOMEM);
        KTEST_EQ(t, table_print(mapper.root).leaves, 0);
        KTEST_EQ(t, frames.out, table_print(mapper.root).tables + mapper.spare_frames);
    }
    KTEST_TRUE(t, call > 1);
    KTEST_EQ(t, wrong_pages(&image), 0);
}

/* Bring-up with tables from `frames`, then another mapper on them, with `buddy`. */
static void bring_up(struct ktest *t)
{
    set_up(t);
    KTEST_STATUS(t, remap_at_low_address(&mapper, &map, &image), K_OK);
    page_mapper_open(&mapper, mapper.root, &buddy.allocator, &features);
}

static void low_remap_unmap_gives_the_tables_to_the_sink(struct ktest *t)
{
    bring_up(t);
    KTEST_TRUE(t, frames.out > 2);
    mapper.boot_tables = &frames.allocator;
    KTEST_STATUS(t, unmap_at_low_address(&mapper, true), K_OK);
    KTEST_EQ(t, table_print(mapper.root).leaves, 0);
    KTEST_EQ(t, frames.out, 2); /* the root and the kernel half's second level */
    KTEST_EQ(t, buddy.calls + buddy.bad_frees + frames.bad_frees, 0);
    KTEST_EQ(t, fake_cpu.cr3_writes, 1);
}

static void low_remap_unmap_without_a_sink_keeps_the_tables(struct ktest *t)
{
    bring_up(t);
    const uint32_t out = frames.out;
    KTEST_STATUS(t, unmap_at_low_address(&mapper, false), K_OK);
    KTEST_EQ(t, table_print(mapper.root).leaves, 0);
    KTEST_EQ(t, frames.out, out);
    KTEST_EQ(t, fake_cpu.cr3_writes + fake_cpu.invlpg_count, 0);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(low_remap_maps_memory_below_32m_and_nothing_else),
    KTEST_CASE(low_remap_leaves_the_image_out_wherever_it_lies),
    KTEST_CASE(low_remap_without_an_image_maps_all_memory),
    KTEST_CASE(low_remap_maps_a_shared_page_once),
    KTEST_CASE(low_remap_out_of_frames_maps_nothing),
    KTEST_CASE(low_remap_unmap_gives_the_tables_to_the_sink),
    KTEST_CASE(low_remap_unmap_without_a_sink_keeps_the_tables),
};
KTEST_SUITE(mm_low_remap, "mm.low_remap", cases);
