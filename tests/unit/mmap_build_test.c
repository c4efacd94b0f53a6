/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/mmap_build.c case by case. Pictures: one column is a page or a stretch of pages; the first
 * line is what went in, the last what must come out. tests/property/mmap_build_prop.c has the
 * random maps.
 */
#include "mmap_build.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mmap_names.h"

#include "mm/addr.h"
#include "tests/fake/fake_efi_map.h"
#include "tests/ktest.h"

#define M   SIZE_1M
#define P   PAGE_SIZE
#define WB  UINT64_C(0xf)
#define TOP (UINT64_C(1) << 52)

/* An expected entry. */
struct expected {
    uint64_t start;
    uint64_t end;
    uint32_t reason;
};

/* One case's world: fill `efi`, change `input`, then build(). */
struct fixture {
    struct ktest *t;
    struct fake_efi_map efi;
    struct mmap_build_input input;
    struct fake_mmap_run run;
};

static void fixture_init(struct fixture *f, struct ktest *t)
{
    memset(f, 0, sizeof(*f));
    f->t = t;
    fake_efi_map_init(&f->efi, 48);
    f->input = fake_efi_input(&f->efi);
}

static void add(struct fixture *f, uint32_t type, uint64_t start, uint64_t end)
{
    fake_efi_map_add(&f->efi, type, start, (end - start) / P, WB);
}

static const struct mmap_build_output *build(struct fixture *f)
{
    fake_mmap_run_free(&f->run);
    fake_mmap_run(&f->input, &f->run);
    KTEST_STATUS(f->t, f->run.status, K_OK);
    KTEST_TRUE(f->t, memory_accounting_balances(&f->run.output.accounting));
    return &f->run.output;
}

static void fixture_free(struct fixture *f)
{
    fake_mmap_run_free(&f->run);
    fake_efi_map_free(&f->efi);
}

static void expect_entries(struct fixture *f, const struct expected *expected, uint32_t count)
{
    const struct mmap_build_output *const output = &f->run.output;
    if (!KTEST_EQ(f->t, output->entry_count, count)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct multiboot2_mmap_entry *const entry = &output->entries[i];
        KTEST_EQ(f->t, entry->address, expected[i].start);
        KTEST_EQ(f->t, entry->address + entry->length, expected[i].end);
        KTEST_STRING(f->t, mmap_reason_name(output->reasons[i]),
                     mmap_reason_name(expected[i].reason));
        KTEST_EQ(f->t, entry->type, mmap_reason_type(expected[i].reason));
    }
}

#define EXPECT(f, ...)                                            \
    expect_entries((f), (const struct expected[]){ __VA_ARGS__ }, \
                   (uint32_t)ARRAY_COUNT(((const struct expected[]){ __VA_ARGS__ })))

static void expect_repair(struct fixture *f, uint32_t index, const struct mmap_repair *expected)
{
    const struct mmap_build_output *const output = &f->run.output;
    if (!KTEST_TRUE(f->t, index < output->repair_count)) {
        return;
    }
    const struct mmap_repair *const repair = &output->repairs[index];
    KTEST_STRING(f->t, mmap_repair_name(repair->kind), mmap_repair_name(expected->kind));
    KTEST_STRING(f->t, mmap_reason_name(repair->reason), mmap_reason_name(expected->reason));
    KTEST_EQ(f->t, repair->entry, expected->entry);
    KTEST_EQ(f->t, repair->other, expected->other);
    KTEST_EQ(f->t, repair->base, expected->base);
    KTEST_EQ(f->t, repair->size, expected->size);
}

/* ---- conversion and merging -------------------------------------------------------------------
 */

/* Unsorted: MMIO first, RAM in three types that all become free, a runtime island.
 *
 *   3M        4M       5M        6M       7M
 *   | BSData  | Conv   | RTData  | Loader |      0xfec00000 MMIO
 *   |    available     | runtime | avail. |                                                    */
static void mmap_build_unsorted_map_is_sorted_and_merged(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, t);
    add(&f, EFI_MAP_MMIO, 0xfec00000, 0xfec01000);
    add(&f, EFI_MAP_LOADER_CODE, 6 * M, 7 * M);
    add(&f, EFI_MAP_RUNTIME_DATA, 5 * M, 6 * M);
    add(&f, EFI_MAP_CONVENTIONAL, 4 * M, 5 * M);
    add(&f, EFI_MAP_BOOT_SERVICES_DATA, 3 * M, 4 * M);
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { 3 * M, 5 * M, MMAP_REASON_AVAILABLE }, { 5 * M, 6 * M, MMAP_REASON_RUNTIME },
           { 6 * M, 7 * M, MMAP_REASON_AVAILABLE }, { 0xfec00000, 0xfec01000, MMAP_REASON_MMIO });
    KTEST_EQ(t, output->repair_count, 0);
    KTEST_EQ(t, output->ram_count, 1);
    KTEST_EQ(t, output->ram[0].base, 3 * M);
    KTEST_EQ(t, output->ram[0].size, 4 * M);
    KTEST_EQ(t, output->accounting.firmware_ram, 4 * M);
    KTEST_EQ(t, output->accounting.usable, 3 * M);
    KTEST_EQ(t, output->accounting.reserved, M);
    fixture_free(&f);
}

/* Same type, other reason: stays apart. */
static void mmap_build_neighbours_of_other_reason_stay_apart(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, t);
    add(&f, EFI_MAP_RESERVED, 3 * M, 4 * M);
    add(&f, EFI_MAP_MMIO, 4 * M, 5 * M);
    (void)build(&f);
    EXPECT(&f, { 3 * M, 4 * M, MMAP_REASON_FIRMWARE_RESERVED }, { 4 * M, 5 * M, MMAP_REASON_MMIO });
    fixture_free(&f);
}

/*   0                 1M             2M
 *   |        Conventional            |
 *   |      low        |   available  |                                                         */
static void mmap_build_first_mib_is_low(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, t);
    add(&f, EFI_MAP_CONVENTIONAL, 0, 2 * M);
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { 0, M, MMAP_REASON_LOW }, { M, 2 * M, MMAP_REASON_AVAILABLE });
    KTEST_EQ(t, output->accounting.low, M);
    KTEST_EQ(t, output->ram_count, 1);
    fixture_free(&f);
}

static void mmap_build_every_class_is_counted(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, t);
    add(&f, EFI_MAP_CONVENTIONAL, 0, M);
    add(&f, EFI_MAP_CONVENTIONAL, 2 * M, 3 * M);
    add(&f, EFI_MAP_UNUSABLE, 3 * M, 4 * M);
    add(&f, EFI_MAP_ACPI_NVS, 4 * M, 5 * M);
    add(&f, EFI_MAP_ACPI_RECLAIM, 5 * M, 6 * M);
    add(&f, EFI_MAP_PERSISTENT, 6 * M, 7 * M);
    add(&f, EFI_MAP_UNACCEPTED, 7 * M, 8 * M); /* not RAM yet */
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { 0, M, MMAP_REASON_LOW }, { 2 * M, 3 * M, MMAP_REASON_AVAILABLE },
           { 3 * M, 4 * M, MMAP_REASON_BAD }, { 4 * M, 5 * M, MMAP_REASON_NVS },
           { 5 * M, 6 * M, MMAP_REASON_ACPI }, { 6 * M, 7 * M, MMAP_REASON_PERSISTENT },
           { 7 * M, 8 * M, MMAP_REASON_UNACCEPTED });
    KTEST_EQ(t, output->accounting.firmware_ram, 6 * M);
    KTEST_EQ(t, output->accounting.bad, M);
    KTEST_EQ(t, output->accounting.nvs, M);
    KTEST_EQ(t, output->accounting.acpi, M);
    KTEST_EQ(t, output->accounting.reserved, M);
    KTEST_EQ(t, output->ram_count, 2);
    fixture_free(&f);
}

/* ---- overlays ---------------------------------------------------------------------------------
 */

/*   1M      2M       3M       4M        5M
 *   |            Conventional           |
 *           kernel   loader   scratch
 *   | avail | kernel | loader | available |                                                    */
static void mmap_build_ledger_is_laid_over_free_memory(struct ktest *t)
{
    static const struct bootinfo_ledger_entry ledger[] = {
        { .base = 2 * M, .pages = 256, .type = MMAP_KERNEL },
        { .base = 3 * M, .pages = 256, .type = MMAP_LOADER },
        { .base = 4 * M, .pages = 4, .type = MMAP_AVAILABLE },
    };
    struct fixture f;
    fixture_init(&f, t);
    add(&f, EFI_MAP_LOADER_DATA, M, 5 * M);
    f.input.ledger = ledger;
    f.input.ledger_count = ARRAY_COUNT(ledger);
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { M, 2 * M, MMAP_REASON_AVAILABLE }, { 2 * M, 3 * M, MMAP_REASON_KERNEL },
           { 3 * M, 4 * M, MMAP_REASON_LOADER }, { 4 * M, 5 * M, MMAP_REASON_AVAILABLE });
    KTEST_EQ(t, output->accounting.kernel, M);
    KTEST_EQ(t, output->accounting.loader, M);
    KTEST_EQ(t, output->repair_count, 0);
    fixture_free(&f);
}

/*   0        1M       2M       3M      4M
 *   | Conventional    | ACPI   | hole  |
 *   loader and kernel entries everywhere
 *   | low/kernel | loader | acpi |                                                             */
static void mmap_build_ledger_changes_only_what_was_free(struct ktest *t)
{
    static const struct bootinfo_ledger_entry ledger[] = {
        { .base = 0, .pages = 4 * 256, .type = MMAP_LOADER },
        { .base = 16 * P, .pages = 1, .type = MMAP_KERNEL },
        { .base = 2 * M, .pages = 512, .type = MMAP_KERNEL },
    };
    struct fixture f;
    fixture_init(&f, t);
    add(&f, EFI_MAP_CONVENTIONAL, 0, 2 * M);
    add(&f, EFI_MAP_ACPI_RECLAIM, 2 * M, 3 * M);
    f.input.ledger = ledger;
    f.input.ledger_count = ARRAY_COUNT(ledger);
    (void)build(&f);
    EXPECT(&f, { 0, 16 * P, MMAP_REASON_LOW }, { 16 * P, 17 * P, MMAP_REASON_KERNEL },
           { 17 * P, M, MMAP_REASON_LOW }, { M, 2 * M, MMAP_REASON_LOADER },
           { 2 * M, 3 * M, MMAP_REASON_ACPI });
    fixture_free(&f);
}

/*   0      1M            2M       3M
 *   |   Conventional     | NVS    |
 *      pins: reserved at 0.5M, ACPI at 1M+1 page, framebuffer at 1M+3 pages, reserved in NVS
 *   | low  |a|ACPI|a|fb| available | nvs |                                                     */
static void mmap_build_pins_apply_where_type_1_would_be(struct ktest *t)
{
    static const struct bootinfo_pin pins[] = {
        { .base = M / 2, .pages = 1, .kind = BOOTINFO_PIN_RESERVED },
        { .base = M + P, .pages = 1, .kind = BOOTINFO_PIN_ACPI },
        { .base = M + 3 * P, .pages = 1, .kind = BOOTINFO_PIN_FRAMEBUFFER },
        { .base = M + 4 * P, .pages = 1, .kind = BOOTINFO_PIN_RESERVED },
        { .base = 2 * M, .pages = 1, .kind = BOOTINFO_PIN_RESERVED },
        { .base = 8 * M, .pages = 1, .kind = BOOTINFO_PIN_ACPI },
    };
    struct fixture f;
    fixture_init(&f, t);
    add(&f, EFI_MAP_CONVENTIONAL, 0, 2 * M);
    add(&f, EFI_MAP_ACPI_NVS, 2 * M, 3 * M);
    f.input.pins = pins;
    f.input.pin_count = ARRAY_COUNT(pins);
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { 0, M, MMAP_REASON_LOW }, { M, M + P, MMAP_REASON_AVAILABLE },
           { M + P, M + 2 * P, MMAP_REASON_ACPI }, { M + 2 * P, M + 3 * P, MMAP_REASON_AVAILABLE },
           { M + 3 * P, M + 4 * P, MMAP_REASON_FRAMEBUFFER },
           { M + 4 * P, M + 5 * P, MMAP_REASON_PINNED },
           { M + 5 * P, 2 * M, MMAP_REASON_AVAILABLE }, { 2 * M, 3 * M, MMAP_REASON_NVS });
    KTEST_EQ(t, output->accounting.reserved, 2 * P);
    KTEST_EQ(t, output->accounting.acpi, P);
    fixture_free(&f);
}

/* A configuration table may point anywhere; nothing wraps, and the kernel's own memory stays. */
static void mmap_build_garbage_pins_are_cut_and_spare_the_kernel(struct ktest *t)
{
    static const struct bootinfo_ledger_entry ledger[] = {
        { .base = 2 * M, .pages = 256, .type = MMAP_KERNEL },
    };
    static const struct bootinfo_pin pins[] = {
        { .base = UINT64_MAX - 5, .pages = UINT64_MAX, .kind = BOOTINFO_PIN_RESERVED },
        { .base = 3 * M + 1, .pages = UINT64_MAX, .kind = 99 },
        { .base = 2 * M, .pages = 512, .kind = BOOTINFO_PIN_RESERVED },
        { .base = M, .pages = 0, .kind = BOOTINFO_PIN_RESERVED },
    };
    struct fixture f;
    fixture_init(&f, t);
    add(&f, EFI_MAP_CONVENTIONAL, M, 4 * M);
    f.input.ledger = ledger;
    f.input.ledger_count = 1;
    f.input.pins = pins;
    f.input.pin_count = ARRAY_COUNT(pins);
    (void)build(&f);
    EXPECT(&f, { M, 2 * M, MMAP_REASON_AVAILABLE }, { 2 * M, 3 * M, MMAP_REASON_KERNEL },
           { 3 * M, 4 * M, MMAP_REASON_PINNED });
    fixture_free(&f);
}

/* ---- overlaps ---------------------------------------------------------------------------------
 */

/*   2M      3M      4M      5M
 *   |  Conventional |
 *           |  Reserved     |
 *   | avail |   reserved    |                                                                  */
static void mmap_build_overlap_goes_to_the_less_usable(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, t);
    add(&f, EFI_MAP_CONVENTIONAL, 2 * M, 4 * M);
    add(&f, EFI_MAP_RESERVED, 3 * M, 5 * M);
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { 2 * M, 3 * M, MMAP_REASON_AVAILABLE },
           { 3 * M, 5 * M, MMAP_REASON_FIRMWARE_RESERVED });
    KTEST_EQ(t, output->repair_count, 1);
    expect_repair(&f, 0,
                  &(struct mmap_repair){ MMAP_REPAIR_OVERLAP, MMAP_REASON_FIRMWARE_RESERVED, 0, 1,
                                         3 * M, M });
    KTEST_EQ(t, output->accounting.firmware_ram, 2 * M);
    KTEST_EQ(t, output->accounting.reserved, M);
    fixture_free(&f);
}

static void mmap_build_duplicates_count_once_and_are_reported(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, t);
    add(&f, EFI_MAP_CONVENTIONAL, 2 * M, 4 * M);
    add(&f, EFI_MAP_CONVENTIONAL, 2 * M, 4 * M);
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { 2 * M, 4 * M, MMAP_REASON_AVAILABLE });
    expect_repair(
        &f, 0,
        &(struct mmap_repair){ MMAP_REPAIR_OVERLAP, MMAP_REASON_AVAILABLE, 0, 1, 2 * M, 2 * M });
    KTEST_EQ(t, output->repair_count, 1);
    KTEST_EQ(t, output->accounting.firmware_ram, 2 * M);
    fixture_free(&f);
}

/* Every pair of reasons: the first of the list wins, whichever descriptor comes first. */
static void mmap_build_overlap_winner_is_the_first_reason(struct ktest *t)
{
    static const uint32_t types[] = { 8, 0, 16, 11, 12, 13, 5, 14, 15, 10, 9, 7 };
    for (uint32_t a = 0; a < ARRAY_COUNT(types); a++) {
        for (uint32_t b = 0; b < ARRAY_COUNT(types); b++) {
            struct fixture f;
            fixture_init(&f, t);
            add(&f, types[a], 2 * M, 3 * M);
            add(&f, types[b], 2 * M, 3 * M);
            (void)build(&f);
            EXPECT(&f, { 2 * M, 3 * M, (uint32_t)efi_map_reason(types[a < b ? a : b], WB) });
            fixture_free(&f);
        }
    }
}

/* ---- malformed descriptors --------------------------------------------------------------------
 */

static void mmap_build_malformed_descriptors_are_skipped_and_named(struct ktest *t)
{
    static const struct {
        uint64_t start;
        uint64_t pages;
        uint32_t kind;
        uint64_t size_bytes;
    } bad[] = {
        { 2 * M, 0, MMAP_REPAIR_ZERO_LENGTH, 0 },
        { UINT64_MAX - 2 * P + 1, 3, MMAP_REPAIR_WRAPS, 3 * P },
        { 2 * M, UINT64_C(1) << 52, MMAP_REPAIR_WRAPS, UINT64_MAX },
        { 2 * M, UINT64_MAX, MMAP_REPAIR_WRAPS, UINT64_MAX },
        { 0, UINT64_C(1) << 52, MMAP_REPAIR_WRAPS, UINT64_MAX },    /* no 64-bit size */
        { UINT64_MAX - P + 1, 1, MMAP_REPAIR_ABOVE_MAXPHYADDR, P }, /* ends at 2^64 */
        { (UINT64_C(1) << 40) - P, 2, MMAP_REPAIR_ABOVE_MAXPHYADDR, 2 * P },
        { (UINT64_C(1) << 40) - P + 1, 1, MMAP_REPAIR_ABOVE_MAXPHYADDR, P },
    };
    for (uint32_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct fixture f;
        fixture_init(&f, t);
        f.input.phys_bits = 40;
        add(&f, EFI_MAP_CONVENTIONAL, M, 2 * M);
        fake_efi_map_add(&f.efi, i % 2 == 0 ? 7 : 11, bad[i].start, bad[i].pages, WB);
        const struct mmap_build_output *const output = build(&f);
        EXPECT(&f, { M, 2 * M, MMAP_REASON_AVAILABLE });
        KTEST_EQ(t, output->repair_count, 1);
        expect_repair(&f, 0,
                      &(struct mmap_repair){ bad[i].kind, MMAP_REASON_DROPPED, 1,
                                             MMAP_REPAIR_NO_ENTRY, bad[i].start,
                                             bad[i].size_bytes });
        KTEST_EQ(t, output->accounting.firmware_ram, M);
        fixture_free(&f);
    }
}

static void mmap_build_last_page_below_maxphyaddr_is_kept(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, t);
    f.input.phys_bits = 40;
    add(&f, EFI_MAP_CONVENTIONAL, (UINT64_C(1) << 40) - P, UINT64_C(1) << 40);
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { (UINT64_C(1) << 40) - P, UINT64_C(1) << 40, MMAP_REASON_AVAILABLE });
    KTEST_EQ(t, output->repair_count, 0);
    fixture_free(&f);
}

/* Free memory of three pages, half a page off: one dropped end, two whole pages, another end.
 *
 *      |--#########--|        raw bytes, all of them RAM
 *   |     |    |     |        page boundaries
 *      |dr| avail.   |dr|                                                                      */
static void mmap_build_unaligned_free_memory_shrinks(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, t);
    fake_efi_map_add(&f.efi, EFI_MAP_CONVENTIONAL, 2 * M + 0x800, 3, WB);
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { 2 * M + 0x800, 2 * M + P, MMAP_REASON_DROPPED },
           { 2 * M + P, 2 * M + 3 * P, MMAP_REASON_AVAILABLE },
           { 2 * M + 3 * P, 2 * M + 3 * P + 0x800, MMAP_REASON_DROPPED });
    KTEST_EQ(t, output->repair_count, 3);
    expect_repair(&f, 0,
                  &(struct mmap_repair){ MMAP_REPAIR_UNALIGNED, MMAP_REASON_AVAILABLE, 0,
                                         MMAP_REPAIR_NO_ENTRY, 2 * M + 0x800, 3 * P });
    expect_repair(&f, 1,
                  &(struct mmap_repair){ MMAP_REPAIR_TRIMMED, MMAP_REASON_DROPPED,
                                         MMAP_REPAIR_NO_ENTRY, MMAP_REPAIR_NO_ENTRY, 2 * M + 0x800,
                                         0x800 });
    KTEST_EQ(t, output->accounting.firmware_ram, 3 * P);
    KTEST_EQ(t, output->accounting.dropped, P);
    KTEST_EQ(t, output->ram[0].base, 2 * M + 0x800);
    KTEST_EQ(t, output->ram[0].size, 3 * P);
    fixture_free(&f);
}

static void mmap_build_unaligned_single_page_is_dropped_whole(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, t);
    fake_efi_map_add(&f.efi, EFI_MAP_BOOT_SERVICES_DATA, 2 * M + 8, 1, WB);
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { 2 * M + 8, 2 * M + 8 + P, MMAP_REASON_DROPPED });
    KTEST_EQ(t, output->accounting.dropped, P);
    fixture_free(&f);
}

/* Runtime memory half a page off takes both pages that it touches; its raw bytes count as RAM. */
static void mmap_build_unaligned_reserved_memory_grows(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, t);
    add(&f, EFI_MAP_CONVENTIONAL, 2 * M - P, 2 * M + P);
    fake_efi_map_add(&f.efi, EFI_MAP_RUNTIME_CODE, 2 * M + 0x800, 1, WB);
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { 2 * M - P, 2 * M, MMAP_REASON_AVAILABLE },
           { 2 * M, 2 * M + 2 * P, MMAP_REASON_RUNTIME });
    KTEST_EQ(t, output->accounting.firmware_ram, 2 * P + 0x800);
    KTEST_EQ(t, output->accounting.usable, P);
    KTEST_EQ(t, output->accounting.reserved, P + 0x800);
    fixture_free(&f);
}

/* ---- limits -----------------------------------------------------------------------------------
 */

/* mem= drops free memory only: the kernel above the limit, and ACPI, stay. A limit inside a page is
 * taken down to its start. */
static void mmap_build_mem_limit_drops_free_memory_only(struct ktest *t)
{
    static const struct bootinfo_ledger_entry ledger[] = {
        { .base = 6 * M, .pages = 256, .type = MMAP_KERNEL },
    };
    struct fixture f;
    fixture_init(&f, t);
    add(&f, EFI_MAP_CONVENTIONAL, 2 * M, 8 * M);
    add(&f, EFI_MAP_ACPI_RECLAIM, 8 * M, 9 * M);
    f.input.ledger = ledger;
    f.input.ledger_count = 1;
    f.input.mem_limit_bytes = 5 * M + 123;
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { 2 * M, 5 * M, MMAP_REASON_AVAILABLE }, { 5 * M, 6 * M, MMAP_REASON_DROPPED },
           { 6 * M, 7 * M, MMAP_REASON_KERNEL }, { 7 * M, 8 * M, MMAP_REASON_DROPPED },
           { 8 * M, 9 * M, MMAP_REASON_ACPI });
    KTEST_EQ(t, output->repair_count, 2);
    expect_repair(&f, 0,
                  &(struct mmap_repair){ MMAP_REPAIR_MEM_LIMIT, MMAP_REASON_DROPPED,
                                         MMAP_REPAIR_NO_ENTRY, MMAP_REPAIR_NO_ENTRY, 5 * M, M });
    KTEST_EQ(t, output->accounting.dropped, 2 * M);
    fixture_free(&f);
}

/* 33 TiB fit into the direct map; what would be mapped beyond is dropped, what is not stays. */
static void mmap_build_ram_beyond_the_direct_map_is_dropped(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, t);
    const uint64_t end = DIRECT_MAP_SIZE;
    add(&f, EFI_MAP_CONVENTIONAL, end - M, end + M);
    add(&f, EFI_MAP_ACPI_NVS, end + M, end + 2 * M);
    add(&f, EFI_MAP_RUNTIME_DATA, end + 2 * M, end + 3 * M);
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { end - M, end, MMAP_REASON_AVAILABLE }, { end, end + 2 * M, MMAP_REASON_DROPPED },
           { end + 2 * M, end + 3 * M, MMAP_REASON_RUNTIME });
    KTEST_EQ(t, output->repair_count, 1);
    expect_repair(&f, 0,
                  &(struct mmap_repair){ MMAP_REPAIR_BEYOND_DIRECT_MAP, MMAP_REASON_DROPPED,
                                         MMAP_REPAIR_NO_ENTRY, MMAP_REPAIR_NO_ENTRY, end, 2 * M });
    fixture_free(&f);
}

/* ---- e820 -------------------------------------------------------------------------------------
 */

/* The classic: 0x9fc00 of low memory, then the EBDA. Neighbours merge before they are cut.
 *
 *   0x400    0x9f000 0x9fc00   0xa0000     1M    1.5M+1   2M
 *   |    usable      | reserved |           |usable|usable|
 *   |dr|  low  | dr  | reserved |           |   available |                                    */
static void mmap_build_e820_is_cut_to_pages_after_merging(struct ktest *t)
{
    static const struct mmap_build_e820_entry map[] = {
        { 0x400, 0x9fc00 - 0x400, 1 },
        { 0x9fc00, 0x400, 2 },
        { M, M / 2 + 1, 1 },
        { M + M / 2 + 1, M / 2 - 1, 1 },
    };
    struct fixture f;
    fixture_init(&f, t);
    f.input = fake_e820_input(map, ARRAY_COUNT(map));
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { 0x400, P, MMAP_REASON_DROPPED }, { P, 0x9f000, MMAP_REASON_LOW },
           { 0x9f000, 0x9fc00, MMAP_REASON_DROPPED },
           { 0x9fc00, 0xa0000, MMAP_REASON_FIRMWARE_RESERVED },
           { M, 2 * M, MMAP_REASON_AVAILABLE });
    KTEST_EQ(t, output->repair_count, 2);
    KTEST_EQ(t, output->accounting.dropped, 0xc00 + 0xc00);
    KTEST_EQ(t, output->accounting.reserved, 0);
    KTEST_EQ(t, output->accounting.firmware_ram, 0x9fc00 - 0x400 + M);
    fixture_free(&f);
}

/* Two cut-off ends in one page, with nothing between them, are two runs of one dropped entry. */
static void mmap_build_e820_crumbs_of_one_page_are_dropped(struct ktest *t)
{
    static const struct mmap_build_e820_entry map[] = {
        { 2 * M + 0x100, 0x100, 1 },
        { 2 * M + 0x200, 0x100, 3 },
        { 2 * M + 0x300, 0x100, 1 },
    };
    struct fixture f;
    fixture_init(&f, t);
    f.input = fake_e820_input(map, ARRAY_COUNT(map));
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { 2 * M + 0x100, 2 * M + 0x200, MMAP_REASON_DROPPED },
           { 2 * M + 0x200, 2 * M + 0x300, MMAP_REASON_ACPI },
           { 2 * M + 0x300, 2 * M + 0x400, MMAP_REASON_DROPPED });
    KTEST_EQ(t, output->ram_count, 1);
    KTEST_EQ(t, output->accounting.usable, 0);
    fixture_free(&f);
}

static void mmap_build_e820_types_map_to_reasons(struct ktest *t)
{
    static const struct mmap_build_e820_entry map[] = {
        { 2 * M, M, 1 },           { 4 * M, M, 2 },   { 6 * M, M, 3 },   { 8 * M, M, 4 },
        { 10 * M, M, 5 },          { 12 * M, M, 7 },  { 14 * M, M, 20 }, { 16 * M, 0, 1 },
        { UINT64_MAX - 5, 10, 1 }, { TOP - 1, 2, 1 }, { TOP - 2, 1, 2 },
    };
    struct fixture f;
    fixture_init(&f, t);
    f.input = fake_e820_input(map, ARRAY_COUNT(map));
    const struct mmap_build_output *const output = build(&f);
    EXPECT(&f, { 2 * M, 3 * M, MMAP_REASON_AVAILABLE },
           { 4 * M, 5 * M, MMAP_REASON_FIRMWARE_RESERVED }, { 6 * M, 7 * M, MMAP_REASON_ACPI },
           { 8 * M, 9 * M, MMAP_REASON_NVS }, { 10 * M, 11 * M, MMAP_REASON_BAD },
           { 12 * M, 13 * M, MMAP_REASON_FIRMWARE_RESERVED },
           { 14 * M, 15 * M, MMAP_REASON_FIRMWARE_RESERVED },
           { TOP - 2, TOP - 1, MMAP_REASON_FIRMWARE_RESERVED });
    KTEST_EQ(t, output->accounting.firmware_ram, 4 * M);
    KTEST_EQ(t, output->repair_count, 3);
    KTEST_EQ(t, output->repairs[0].kind, MMAP_REPAIR_ZERO_LENGTH);
    KTEST_EQ(t, output->repairs[1].kind, MMAP_REPAIR_WRAPS);
    KTEST_EQ(t, output->repairs[2].kind, MMAP_REPAIR_ABOVE_MAXPHYADDR);
    fixture_free(&f);
}

/* ---- arguments, sizes, text -------------------------------------------------------------------
 */

static void mmap_build_refuses_bad_arguments(struct ktest *t)
{
    static uint64_t scratch[4096];
    static const struct mmap_build_e820_entry e820[] = { { M, M, 1 } };
    struct fake_efi_map efi;
    fake_efi_map_init(&efi, 48);
    fake_efi_map_add(&efi, 7, M, 1, WB);
    struct mmap_build_output output = { 0 };
    struct mmap_build_input input = fake_efi_input(&efi);
    input.phys_bits = 31;
    KTEST_STATUS(t, mmap_build(&input, scratch, sizeof(scratch), &output), K_EINVAL);
    input.phys_bits = 53;
    KTEST_STATUS(t, mmap_build(&input, scratch, sizeof(scratch), &output), K_EINVAL);
    input.phys_bits = 52;
    KTEST_STATUS(t, mmap_build(&input, (char *)scratch + 4, 4096, &output), K_EINVAL);
    input.e820 = e820;
    input.e820_count = 1;
    KTEST_STATUS(t, mmap_build(&input, scratch, sizeof(scratch), &output), K_EINVAL);
    input = fake_efi_input(&efi);
    efi.map.descriptor_size = 44;
    KTEST_STATUS(t, mmap_build(&input, scratch, sizeof(scratch), &output), K_EINVAL);
    input = fake_e820_input(NULL, 1);
    KTEST_STATUS(t, mmap_build(&input, scratch, sizeof(scratch), &output), K_EINVAL);
    input = fake_e820_input(e820, 1);
    input.ledger_count = UINT32_MAX; /* refused by its number, before anything is read */
    KTEST_STATUS(t, mmap_build(&input, scratch, sizeof(scratch), &output), K_EOVERFLOW);
    fake_efi_map_free(&efi);
}

/* One byte in another class, or an entry changed behind the books, is seen. */
static void mmap_build_balances_sees_a_single_byte(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, t);
    add(&f, EFI_MAP_CONVENTIONAL, 0, 4 * M);
    add(&f, EFI_MAP_ACPI_NVS, 4 * M, 5 * M);
    (void)build(&f); /* the same as below */
    struct mmap_build_output *const output = &f.run.output;
    KTEST_TRUE(t, mmap_build_balances(output));
    output->accounting.usable--;
    KTEST_FALSE(t, mmap_build_balances(output));
    output->accounting.nvs++;
    KTEST_FALSE(t, mmap_build_balances(output));
    output->accounting.usable++;
    output->accounting.nvs--;
    KTEST_TRUE(t, mmap_build_balances(output));
    output->entries[1].length -= P;
    KTEST_FALSE(t, mmap_build_balances(output));
    fixture_free(&f);
}

/* No firmware, no memory: nothing to report, and no one to blame. */
static void mmap_build_empty_map_is_empty(struct ktest *t)
{
    const struct mmap_build_input input = fake_e820_input(NULL, 0);
    struct fake_mmap_run run;
    fake_mmap_run(&input, &run);
    KTEST_STATUS(t, run.status, K_OK);
    KTEST_EQ(t, run.output.entry_count + run.output.ram_count + run.output.repair_count, 0);
    KTEST_EQ(t, run.output.accounting.firmware_ram, 0);
    fake_mmap_run_free(&run);
}

/* One element too few in any of the four is found before anything is written. */
static void mmap_build_refuses_small_memory(struct ktest *t)
{
    static uint64_t scratch[4096];
    static struct multiboot2_mmap_entry entries[64];
    static uint32_t reasons[64];
    static struct mmap_repair repairs[64];
    static struct bootinfo_ram_range ram[64];
    static const struct mmap_build_e820_entry e820[] = { { M, M, 1 } };
    const struct mmap_build_input input = fake_e820_input(e820, 1);
    struct mmap_build_sizes sizes;
    KTEST_STATUS(t, mmap_build_sizes(1, 0, &sizes), K_OK);
    for (uint32_t less = 0; less < 5; less++) {
        struct mmap_build_output output = {
            .entries = entries,
            .reasons = reasons,
            .entry_capacity = sizes.entries - (less == 1 ? 1 : 0),
            .repairs = repairs,
            .repair_capacity = sizes.repairs - (less == 2 ? 1 : 0),
            .ram = ram,
            .ram_capacity = sizes.ram - (less == 3 ? 1 : 0),
        };
        const size_t scratch_bytes = sizes.scratch_bytes - (less == 4 ? 1 : 0);
        KTEST_STATUS(t, mmap_build(&input, scratch, scratch_bytes, &output),
                     less == 0 ? K_OK : K_ENOSPC);
    }
}

static void mmap_build_sizes_refuses_what_passes_32_bits(struct ktest *t)
{
    struct mmap_build_sizes sizes;
    KTEST_STATUS(t, mmap_build_sizes(UINT64_MAX, 0, &sizes), K_EOVERFLOW);
    KTEST_STATUS(t, mmap_build_sizes(1, UINT64_C(1) << 32, &sizes), K_EOVERFLOW);
    KTEST_STATUS(t, mmap_build_sizes(0, 0, &sizes), K_OK);
    KTEST_STATUS(t, mmap_build_sizes(UINT32_MAX / 16, UINT32_MAX / 16, &sizes), K_OK);
    KTEST_EQ(t, sizes.repairs, 10 * (uint64_t)(UINT32_MAX / 16) + 12);
}

/* Nothing but RAM in pieces with gaps: as many RAM ranges as descriptors. */
static void mmap_build_many_islands_fit(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, t);
    for (uint64_t i = 0; i < 2000; i++) {
        fake_efi_map_add(&f.efi, 7, 2 * M + (2000 - i) * 4 * P + 8, 2, WB);
    }
    const struct mmap_build_output *const output = build(&f);
    KTEST_EQ(t, output->ram_count, 2000);
    KTEST_EQ(t, output->entry_count, 6000);
    KTEST_EQ(t, output->repair_count, 6000);
    KTEST_EQ(t, output->accounting.usable, 2000 * P);
    fixture_free(&f);
}

static void mmap_build_describe_repair_reads_well(struct ktest *t)
{
    static const struct {
        struct mmap_repair repair;
        const char *text;
    } cases[] = {
        { { MMAP_REPAIR_OVERLAP, MMAP_REASON_FIRMWARE_RESERVED, 17, 18, 0x7f000, 3 * P },
          "entry 17 overlaps entry 18 by 3 pages at 0x000000000007f000: firmware-reserved wins" },
        { { MMAP_REPAIR_ZERO_LENGTH, MMAP_REASON_DROPPED, 4, MMAP_REPAIR_NO_ENTRY, 0, 0 },
          "entry 4 has no pages, skipped: 0 bytes at 0x0000000000000000" },
        { { MMAP_REPAIR_TRIMMED, MMAP_REASON_DROPPED, MMAP_REPAIR_NO_ENTRY, MMAP_REPAIR_NO_ENTRY,
            0x9f000, 0xc00 },
          "memory is no whole page, dropped: 3072 bytes at 0x000000000009f000" },
        { { MMAP_REPAIR_MEM_LIMIT, MMAP_REASON_DROPPED, MMAP_REPAIR_NO_ENTRY, MMAP_REPAIR_NO_ENTRY,
            M, P },
          "memory is above the mem= limit, dropped: 1 page at 0x0000000000100000" },
        { { MMAP_REPAIR_TOO_MANY_AREAS, MMAP_REASON_DROPPED, MMAP_REPAIR_NO_ENTRY,
            MMAP_REPAIR_NO_ENTRY, M, P },
          "memory does not fit into the kernel's table of areas, dropped: 1 page at "
          "0x0000000000100000" },
        { { 77, MMAP_REASON_DROPPED, 1, MMAP_REPAIR_NO_ENTRY, M, 1 },
          "entry 1 was repaired: 1 byte at 0x0000000000100000" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[128];
        KTEST_EQ(t, mmap_build_describe_repair(&cases[i].repair, text, sizeof(text)),
                 strlen(cases[i].text));
        KTEST_STRING(t, text, cases[i].text);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(mmap_build_unsorted_map_is_sorted_and_merged),
    KTEST_CASE(mmap_build_neighbours_of_other_reason_stay_apart),
    KTEST_CASE(mmap_build_first_mib_is_low),
    KTEST_CASE(mmap_build_every_class_is_counted),
    KTEST_CASE(mmap_build_ledger_is_laid_over_free_memory),
    KTEST_CASE(mmap_build_ledger_changes_only_what_was_free),
    KTEST_CASE(mmap_build_pins_apply_where_type_1_would_be),
    KTEST_CASE(mmap_build_garbage_pins_are_cut_and_spare_the_kernel),
    KTEST_CASE(mmap_build_overlap_goes_to_the_less_usable),
    KTEST_CASE(mmap_build_duplicates_count_once_and_are_reported),
    KTEST_CASE(mmap_build_overlap_winner_is_the_first_reason),
    KTEST_CASE(mmap_build_malformed_descriptors_are_skipped_and_named),
    KTEST_CASE(mmap_build_last_page_below_maxphyaddr_is_kept),
    KTEST_CASE(mmap_build_unaligned_free_memory_shrinks),
    KTEST_CASE(mmap_build_unaligned_single_page_is_dropped_whole),
    KTEST_CASE(mmap_build_unaligned_reserved_memory_grows),
    KTEST_CASE(mmap_build_mem_limit_drops_free_memory_only),
    KTEST_CASE(mmap_build_ram_beyond_the_direct_map_is_dropped),
    KTEST_CASE(mmap_build_e820_is_cut_to_pages_after_merging),
    KTEST_CASE(mmap_build_e820_crumbs_of_one_page_are_dropped),
    KTEST_CASE(mmap_build_e820_types_map_to_reasons),
    KTEST_CASE(mmap_build_refuses_bad_arguments),
    KTEST_CASE(mmap_build_balances_sees_a_single_byte),
    KTEST_CASE(mmap_build_empty_map_is_empty),
    KTEST_CASE(mmap_build_refuses_small_memory),
    KTEST_CASE(mmap_build_sizes_refuses_what_passes_32_bits),
    KTEST_CASE(mmap_build_many_islands_fit),
    KTEST_CASE(mmap_build_describe_repair_reads_well),
};
KTEST_SUITE(loader_mmap_build, "loader.mmap_build", cases);
