/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Random firmware maps through the loader's pipeline and the whole bring-up. After each step the
 * books balance and the audit is clean; the loader's plan of it was right to the frame; what stands
 * in the tables is compared with a list of pages made here from the loader's map, and the allocator
 * is used and must get back to where it was.
 *
 * A map is a walk up through memory: piece, gap, piece ..., each of a random EFI type, small or up
 * to some GiB; descriptors may overlap, come in any order, and be more than 512 usable ones.
 */
#include "mm/mm_init.h"

#include <stdlib.h>
#include <string.h>

#include <arch/physmap.h>
#include <glob.h>

#include "bringup_plan.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_audit.h"
#include "mm/page_flush.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_machine.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/table_print.h"
#include "tests/ktest.h"

#define MAPS       30U
#define BLOCKS_MAX 64U
#define NO_EXECUTE (UINT64_C(1) << 63)
#define LEAF_WRITE UINT64_C(2)
#define JUNK_BYTES (4 * SIZE_1M)

static struct fake_machine machine;

/* ---- a random machine -------------------------------------------------------------------------
 */

static uint32_t random_type(uint64_t *random)
{
    static const uint32_t types[] = {
        EFI_MAP_CONVENTIONAL,
        EFI_MAP_CONVENTIONAL,
        EFI_MAP_CONVENTIONAL,
        EFI_MAP_BOOT_SERVICES_CODE,
        EFI_MAP_BOOT_SERVICES_DATA,
        EFI_MAP_LOADER_DATA,
        EFI_MAP_RESERVED,
        EFI_MAP_RUNTIME_CODE,
        EFI_MAP_RUNTIME_DATA,
        EFI_MAP_UNUSABLE,
        EFI_MAP_ACPI_RECLAIM,
        EFI_MAP_ACPI_NVS,
        EFI_MAP_MMIO,
        EFI_MAP_PERSISTENT,
        0x80000001U,
    };
    return types[fake_random_below(random, ARRAY_COUNT(types))];
}

static uint64_t random_pages(uint64_t *random)
{
    switch (fake_random_below(random, 8)) {
    case 0:
        return 1;
    case 1:
        return 1 + fake_random_below(random, 4 << 18); /* up to 4 GiB */
    case 2:
        return 512 * (1 + fake_random_below(random, 64));
    default:
        return 1 + fake_random_below(random, 600);
    }
}

static uint64_t random_gap_pages(uint64_t *random)
{
    return fake_random_below(random, 3) == 0 ? random_pages(random) : 0;
}

static void add_pieces(uint64_t *random, uint64_t at, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t size = random_pages(random) * PAGE_SIZE;
        const uint64_t back =
            fake_random_below(random, 10) == 0 && at > SIZE_1M ? PAGE_SIZE : 0; /* an overlap */
        fake_machine_add(&machine, random_type(random), at - back, size);
        at += size + random_gap_pages(random) * PAGE_SIZE;
    }
}

/* RAM for the kernel and what the loader leaves with it, at a random place of [start, start+16M).
 */
static void add_home(uint64_t *random, uint64_t start)
{
    const uint64_t pages = 16 * SIZE_1M / PAGE_SIZE;
    const uint64_t loader_pages = 64 + fake_random_below(random, 64);
    const uint64_t kernel = fake_random_below(random, pages / 2 - FAKE_KERNEL_ALL_PAGES);
    const uint64_t loader = pages / 2 + fake_random_below(random, pages / 2 - loader_pages);
    const bool is_top = fake_random_below(random, 4) == 0;
    fake_machine_add(&machine, EFI_MAP_CONVENTIONAL, start, pages * PAGE_SIZE);
    fake_machine_add_kernel(&machine,
                            start + (is_top ? pages - FAKE_KERNEL_ALL_PAGES : kernel) * PAGE_SIZE);
    fake_machine_add_loader(&machine, start + (is_top ? kernel : loader) * PAGE_SIZE, loader_pages);
}

/* Descriptors in any order. */
static void shuffle(uint64_t *random)
{
    const uint64_t stride = machine.efi.map.descriptor_size;
    uint8_t spare[64];
    for (uint64_t i = efi_map_count(&machine.efi.map); i > 1; i--) {
        uint8_t *const a = machine.efi.bytes + (i - 1) * stride;
        uint8_t *const b = machine.efi.bytes + fake_random_below(random, i) * stride;
        memcpy(spare, a, stride);
        memmove(a, b, stride);
        memcpy(b, spare, stride);
    }
}

static void make_machine(uint64_t *random)
{
    fake_machine_start(&machine);
    machine.boot.cpu_has_nx = fake_random_below(random, 4) != 0;
    machine.boot.cpu_has_pages_1g = fake_random_below(random, 2) != 0;
    machine.boot.cpu_has_pge = fake_random_below(random, 2) != 0;
    machine.boot.phys_bits = (uint8_t)(40 + fake_random_below(random, 13)); /* 40..52 */
    machine.junk_limit_bytes = JUNK_BYTES;
    fake_cpu.has_nx = machine.boot.cpu_has_nx;
    fake_cpu.efer = machine.boot.cpu_has_nx ? 0xd00 : 0x500;
    fake_machine_add(&machine, EFI_MAP_CONVENTIONAL, 0, 0xa0000);
    /* The home lies low, between the pieces, or high; nothing else is where it is. */
    const uint64_t home = fake_random_below(random, 3) * 64 * SIZE_1G + 2 * SIZE_1M;
    add_home(random, home);
    const bool is_many = fake_random_below(random, 6) == 0;
    const uint32_t pieces = (uint32_t)(is_many ? 1500 : fake_random_below(random, 60));
    add_pieces(random, home + 32 * SIZE_1M, pieces);
    shuffle(random);
}

/* ---- what must stand in the tables ------------------------------------------------------------
 */

/* Bytes that the direct map must have: whole pages of the mapped types, less the holes. */
static uint64_t expected_bytes(void)
{
    const struct memory_map map = mm_memory_map();
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < map.count; i++) {
        if (memory_map_type_is_mapped(map.entries[i].type)) {
            bytes += map.entries[i].length; /* made of EFI pages: whole ones */
        }
    }
    return bytes - (1 + machine.boot.layout.guard_count) * PAGE_SIZE;
}

struct table_facts {
    uint64_t bytes;
    uint64_t low_leaves;
    uint64_t no_execute;
    uint64_t writable_text;
};

static void look_at_leaf(void *context, uint64_t virt, uint64_t word, unsigned level)
{
    struct table_facts *const facts = context;
    const uint64_t size = UINT64_C(1) << (12 + 9 * (level - 1));
    const struct kernel_image *const image = &machine.boot.layout.image;
    facts->no_execute += (word & NO_EXECUTE) != 0 ? 1 : 0;
    if (virt < PHYS_OFFSET) {
        facts->low_leaves++;
        return;
    }
    facts->bytes += size;
    const bool touches_text =
        virt < image->rodata_end.value && virt + size > image->code_start.value;
    facts->writable_text += touches_text && (word & LEAF_WRITE) != 0 ? 1 : 0;
}

/* ---- the checks of one machine ----------------------------------------------------------------
 */

static bool is_balanced(void)
{
    struct mm_books books;
    mm_read_books(&books);
    return books.classes_balance && books.frames_balance && page_flush_outstanding() == 0;
}

static bool audit_is_clean(void)
{
    struct page_audit_report report = { .violation_count = 1 };
    return mm_audit(&report) == K_OK && report.violation_count == 0 &&
           (report.writable_executable == 0 || !machine.boot.cpu_has_nx);
}

static bool is_sound(void)
{
    return is_balanced() && audit_is_clean() &&
           buddy_validate(locked_frame_allocator_inner()) == K_OK;
}

struct block {
    phys_addr_t base;
    page_frame_count_t count;
    uint64_t mark;
};

/* Each block carries its mark in its first and last word: two that overlap show. */
static bool block_is_intact(const struct block *block)
{
    const uint64_t bytes = page_frame_count_bytes(block->count);
    const uint64_t *const words = physmap_ptr(block->base, bytes);
    return words[0] == block->mark && words[bytes / 8 - 1] == block->mark;
}

static void write_marks(const struct block *block)
{
    const uint64_t bytes = page_frame_count_bytes(block->count);
    uint64_t *const words = physmap_ptr(block->base, bytes);
    words[0] = block->mark;
    words[bytes / 8 - 1] = block->mark;
}

/* Takes blocks, gives them back in another order. @return whether nothing was lost or damaged */
static bool allocator_works(uint64_t *random)
{
    struct block blocks[BLOCKS_MAX];
    uint32_t count = 0;
    const uint64_t before = locked_frame_allocator_get_usage().free.value;
    for (uint32_t i = 0; i < BLOCKS_MAX; i++) {
        struct block *const block = &blocks[count];
        block->count = page_frame_count(BIT((unsigned)fake_random_below(random, 10)));
        block->mark = fake_random(random);
        if (allocate_page_frames(block->count, &block->base) == K_OK) {
            write_marks(block);
            count++;
        }
    }
    bool ok = is_balanced() && count > 0;
    while (count > 0) {
        const uint64_t pick = fake_random_below(random, count);
        ok = ok && block_is_intact(&blocks[pick]);
        deallocate_page_frames(blocks[pick].base, blocks[pick].count);
        blocks[pick] = blocks[--count];
    }
    return ok && locked_frame_allocator_get_usage().free.value == before;
}

/* Whether the tables that the plan made are the kernel's, to the bit, and in the same frames. */
static bool made_the_kernels_tables(struct bringup_plan *plan)
{
    const struct table_print kernels = table_print(mm_state()->root);
    stand_in_memory_use(&plan->stand_in);
    const struct table_print plans = table_print(plan->mapper.root);
    stand_in_memory_use(NULL);
    return plan->mapper.root.value == mm_state()->root.value && table_print_equal(plans, kernels);
}

/* What the loader would have promised of this map, which is what came about. */
static void check_plan(struct ktest *t)
{
    static struct bringup_plan plan;
    const struct mmap_build_output *const made = &machine.run.output;
    struct memory_map map = { .entries = made->entries,
                              .reasons = made->reasons,
                              .count = made->entry_count,
                              .ram = made->ram,
                              .ram_count = made->ram_count };
    struct mm_books books;
    mm_read_books(&books);
    const struct bringup_needs needs = {
        .layout = machine.boot.layout,
        .features = { .nx = machine.boot.cpu_has_nx,
                      .pages_1g = machine.boot.cpu_has_pages_1g,
                      .global = machine.boot.cpu_has_pge,
                      .phys_bits = machine.boot.phys_bits },
        .bootinfo_bytes = mm_bootinfo()->total_size,
    };
    KTEST_STATUS(t, bringup_plan_start(&plan, &needs, &map), K_OK);
    const uint64_t bytes = bringup_plan_room_bytes(&plan);
    void *const room = aligned_alloc(64, bits_align_up(bytes, 64));
    memset(room, 0xa5, bytes);
    KTEST_STATUS(t, bringup_plan_build_tables(&plan, room, NULL, NULL), K_OK);
    KTEST_EQ(t, plan.audit.violation_count, 0);
    KTEST_TRUE(t, made_the_kernels_tables(&plan));
    KTEST_STATUS(t, bringup_plan_finish(&plan), K_OK);
    free(room);
    KTEST_EQ(t, plan.dropped_bytes, mm_state()->dropped_bytes);
    KTEST_EQ(t, plan.bootinfo_frames, books.bump_used_frames);
    KTEST_EQ(t, plan.table_frames, books.page_table_frames);
    KTEST_TRUE(t, plan.table_frames <= plan.table_frames_max);
    KTEST_EQ(t, plan.metadata_frames, books.metadata_frames);
    KTEST_EQ(t, plan.free_frames, books.free_frames + books.allocated_frames);
}

static void check_tables(struct ktest *t)
{
    struct table_facts facts = { 0 };
    const struct table_print print = table_walk(mm_state()->root, look_at_leaf, &facts);
    KTEST_EQ(t, facts.bytes, expected_bytes());
    KTEST_EQ(t, facts.low_leaves, 0);
    KTEST_EQ(t, facts.writable_text, 0);
    KTEST_EQ(t, facts.no_execute > 0, machine.boot.cpu_has_nx);
    KTEST_TRUE(t, print.tables >= mm_state()->page_tables.value);
}

static void check_machine(struct ktest *t, uint64_t *random)
{
    KTEST_TRUE(t, is_sound());
    check_plan(t);
    KTEST_STATUS(t, mm_unmap_low(), K_OK);
    KTEST_TRUE(t, is_sound());
    mm_reclaim_loader_memory();
    fake_ram_fill(machine.block_at, PAGE_SIZE, 0xa5); /* the loader's bootinfo is gone for good */
    KTEST_TRUE(t, is_sound());
    check_tables(t);
    KTEST_TRUE(t, allocator_works(random));
    KTEST_TRUE(t, is_sound());
}

/* The loader may refuse a map (its ledger under something less usable); a kernel that is entered
 * must come up: there are 16 MiB of RAM at least. */
static void mm_init_of_random_maps_is_sound(struct ktest *t)
{
    uint64_t random = t->seed;
    uint32_t booted = 0;
    for (uint32_t i = 0; i < MAPS; i++) {
        make_machine(&random);
        KTEST_STATUS(t, fake_machine_boot(&machine), K_OK);
        KTEST_STRING(t, machine.panic != NULL ? machine.panic : machine.why,
                     machine.status == K_OK ? machine.why : "");
        if (machine.status == K_OK) {
            booted++;
            check_machine(t, &random);
        }
        if (t->failures > 0) {
            ktest_output("    # map %u of seed %llu\n", i, (unsigned long long)t->seed);
            return;
        }
    }
    KTEST_EQ(t, booted, MAPS);
}

/* ---- recorded machines ------------------------------------------------------------------------
 */

/* The first free range that holds kernel and loader as small_pc has them, or 0. */
static uint64_t find_home(void)
{
    for (uint64_t i = 0; i < efi_map_count(&machine.efi.map); i++) {
        const struct efi_map_descriptor d = efi_map_get(&machine.efi.map, i);
        const uint64_t start = bits_align_up(bits_max(d.physical_start, SIZE_1M), SIZE_2M);
        if (d.type == EFI_MAP_CONVENTIONAL &&
            start + 2 * SIZE_2M <= d.physical_start + d.pages * PAGE_SIZE) {
            return start;
        }
    }
    return 0;
}

/* What EFI firmware would say of an entry of a PC BIOS, in whole pages. */
static void add_e820(const struct mmap_build_e820_entry *entry)
{
    static const uint32_t types[] = { EFI_MAP_RESERVED, EFI_MAP_CONVENTIONAL, EFI_MAP_RESERVED,
                                      EFI_MAP_ACPI_RECLAIM, EFI_MAP_ACPI_NVS };
    const uint64_t end = entry->base + entry->size;
    const uint32_t type = entry->type < ARRAY_COUNT(types) ? types[entry->type] : EFI_MAP_RESERVED;
    const bool is_free = type == EFI_MAP_CONVENTIONAL;
    const uint64_t from =
        is_free ? bits_align_up(entry->base, PAGE_SIZE) : bits_align_down(entry->base, PAGE_SIZE);
    const uint64_t to = is_free ? bits_align_down(end, PAGE_SIZE) : bits_align_up(end, PAGE_SIZE);
    if (from < to) {
        fake_machine_add(&machine, type, from, to - from);
    }
}

/* A machine with the memory of a recorded one. @return whether a kernel fits into it */
static bool make_recorded(struct ktest *t, const char *path)
{
    struct fake_map_file file;
    if (!KTEST_TRUE(t, fake_map_file_read(path, &file))) {
        return false;
    }
    fake_machine_start(&machine);
    machine.junk_limit_bytes = 0;
    machine.boot.phys_bits = 52;
    for (uint64_t i = 0; !file.is_e820 && i < efi_map_count(&file.efi.map); i++) {
        const struct efi_map_descriptor d = efi_map_get(&file.efi.map, i);
        fake_efi_map_add(&machine.efi, d.type, d.physical_start, d.pages, d.attribute);
    }
    for (uint32_t i = 0; i < file.e820_count; i++) {
        add_e820(&file.e820[i]);
    }
    fake_map_file_free(&file);
    const uint64_t home = find_home();
    if (home != 0) {
        fake_machine_add_kernel(&machine, home);
        fake_machine_add_loader(&machine, home + SIZE_2M, 256);
    }
    return home != 0;
}

/* With and without 1 GiB pages. */
static void mm_init_of_recorded_maps_is_as_planned(struct ktest *t)
{
    glob_t found;
    uint32_t booted = 0;
    if (!KTEST_EQ(t, glob("tests/data/maps/*.map", 0, NULL, &found), 0)) {
        return;
    }
    for (size_t i = 0; i < 2 * found.gl_pathc && t->failures == 0; i++) {
        const char *const path = found.gl_pathv[i / 2];
        if (!make_recorded(t, path)) {
            continue;
        }
        machine.boot.cpu_has_pages_1g = i % 2 == 0;
        KTEST_STATUS(t, fake_machine_boot(&machine), K_OK);
        booted++;
        if (machine.status == K_OK) {
            KTEST_TRUE(t, is_sound());
            check_plan(t);
        }
        if (t->failures > 0) {
            ktest_output("    # %s\n", path);
        }
    }
    KTEST_TRUE(t, booted > 200);
    globfree(&found);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(mm_init_of_random_maps_is_sound),
    KTEST_CASE(mm_init_of_recorded_maps_is_as_planned),
};
KTEST_SUITE(mm_init_random, "mm.init.random", cases);
