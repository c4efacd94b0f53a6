/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/bringup_plan: what fits and what does not, to the frame, on made maps and on those of real
 * machines. Nothing of it touches physical memory: the fake RAM has none here.
 */
#include "bringup_plan.h"

#include <stdlib.h>
#include <string.h>

#include <arch/physmap.h>
#include <glob.h>

#include "lib/compiler.h"
#include "tests/fake/fake_efi_map.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define MIB UINT64_C(0x100000)

static struct bringup_plan plan;

/* To the end, with exactly the room that was asked for. */
static enum kstatus run_map(const struct bringup_needs *needs, struct memory_map *map)
{
    fake_ram_reset();
    enum kstatus status = bringup_plan_start(&plan, needs, map);
    if (status == K_OK) {
        const size_t bytes = bringup_plan_room_bytes(&plan);
        uint8_t *const memory = malloc(bytes + 64);
        uint8_t *const room = memory + 64 - (uintptr_t)memory % 64;
        memset(room, 0xa5, bytes);
        status = bringup_plan_build_tables(&plan, room, NULL, NULL);
        if (status == K_OK && plan.audit.violation_count == 0) {
            status = bringup_plan_finish(&plan);
        }
        free(memory);
    }
    return status;
}

#define VIRT(address)           \
    {                           \
        PHYS_OFFSET + (address) \
    }

static const struct paging_features features = { .nx = true, .pages_1g = true, .phys_bits = 46 };
/* No image, no guard: replay of a bare map. */
static const struct kernel_layout nothing = { .guard_count = 0 };
/* 3 pages of code, 2 of rodata, the rest data, a guard behind it. */
static const struct kernel_layout layout = { .image = { .code_start = VIRT(MIB),
                                                        .code_end = VIRT(MIB + 0x3000),
                                                        .rodata_end = VIRT(MIB + 0x5000),
                                                        .data_end = VIRT(MIB + 0x8000),
                                                        .start_brk = VIRT(MIB + 0xff000) },
                                             .guards = { { 2 * MIB - PAGE_SIZE } },
                                             .guard_count = 1 };

static struct bringup_needs needs_of(const struct kernel_layout *where, uint64_t bootinfo_bytes)
{
    return (struct bringup_needs){ *where, features, bootinfo_bytes };
}

static struct multiboot2_mmap_entry pc_entries[2];
static uint32_t pc_reasons[2];

/*   1 MiB  kernel  2 MiB  usable  +frames   */
static struct memory_map pc_map(uint64_t usable_frames)
{
    pc_entries[0] = (struct multiboot2_mmap_entry){ MIB, MIB, MMAP_KERNEL, 0 };
    pc_entries[1] =
        (struct multiboot2_mmap_entry){ 2 * MIB, usable_frames * PAGE_SIZE, MMAP_AVAILABLE, 0 };
    pc_reasons[0] = MMAP_REASON_KERNEL;
    pc_reasons[1] = MMAP_REASON_AVAILABLE;
    return (struct memory_map){ .entries = pc_entries, .reasons = pc_reasons, .count = 2 };
}

static enum kstatus run(uint64_t usable_frames, const struct bringup_needs *needs)
{
    struct memory_map map = pc_map(usable_frames);
    return run_map(needs, &map);
}

/* Of the direct map a second level, a directory and a table for the kernel's 2 MiB; of low memory
 * a second level, a directory, which maps 8 MiB by its own leaves; two of the MMIO pool; the root.
 */
#define PC_TABLES (3U + 2U + 2U + 1U)

static void bringup_plan_counts_what_is_taken_and_what_is_left(struct ktest *t)
{
    const struct bringup_needs needs = needs_of(&layout, 3 * PAGE_SIZE + 1);
    KTEST_STATUS(t, run(2048, &needs), K_OK);
    KTEST_EQ(t, plan.areas.count, 1);
    KTEST_EQ(t, plan.dropped_bytes, 0);
    KTEST_EQ(t, plan.bootinfo_frames, 4);
    KTEST_EQ(t, plan.table_frames, PC_TABLES);
    /* A record of the region, a directory, a zone, and a leaf for each of 4 x 2 MiB: 3 frames. */
    KTEST_EQ(t, plan.metadata_frames, 3);
    KTEST_EQ(t, plan.free_frames, 2048 - 4 - PC_TABLES - 3);
    KTEST_TRUE(t, physmap_stand_in == NULL);
}

/* Memory may be short at each single frame that is taken: of the copy, of the tables, of the
 * metadata. One is free in the end. */
static void bringup_plan_too_little_memory_is_refused_to_the_frame(struct ktest *t)
{
    const struct bringup_needs needs = needs_of(&layout, 4 * PAGE_SIZE);
    uint64_t frames = 0;
    while (frames < 100 && run(frames, &needs) == K_ENOMEM) {
        KTEST_TRUE(t, physmap_stand_in == NULL);
        frames++;
    }
    KTEST_STATUS(t, run(frames, &needs), K_OK);
    KTEST_EQ(t, plan.free_frames, 1);
    /* Less than 2 MiB: one more in the direct map, and one in low memory. */
    KTEST_EQ(t, plan.table_frames, PC_TABLES + 2);
    KTEST_EQ(t, frames, 4 + plan.table_frames + 2 + 1);
}

static uint64_t violations_with_guard(struct ktest *t, uint64_t guard)
{
    struct bringup_needs needs = needs_of(&layout, PAGE_SIZE);
    needs.layout.guards[0] = phys_addr(guard);
    KTEST_STATUS(t, run(2048, &needs), K_OK);
    return plan.audit.violation_count;
}

/* A guard inside of the code, which no kernel has, is mapped with it: the audit sees that. */
static void bringup_plan_tables_that_break_a_rule_are_found(struct ktest *t)
{
    KTEST_EQ(t, violations_with_guard(t, 2 * MIB - PAGE_SIZE), 0);
    KTEST_EQ(t, violations_with_guard(t, MIB + 0x1000), 1);
    KTEST_EQ(t, plan.audit.violations[PAGE_AUDIT_HOLE], 1);
    KTEST_EQ(t, plan.metadata_frames, 0); /* the caller went no further */
    KTEST_TRUE(t, physmap_stand_in == NULL);
}

static void bringup_plan_map_that_no_tables_hold_is_refused(struct ktest *t)
{
    struct bringup_needs needs = needs_of(&layout, PAGE_SIZE);
    needs.features.phys_bits = 20; /* the kernel's memory begins there */
    KTEST_STATUS(t, run(2048, &needs), K_ERANGE);
    KTEST_TRUE(t, physmap_stand_in == NULL);
}

/* What the loader does where it has no room: as many frames as there can be tables. */
static void bringup_plan_without_room_counts_from_above(struct ktest *t)
{
    const struct bringup_needs needs = needs_of(&layout, PAGE_SIZE);
    struct memory_map map = pc_map(2048);
    KTEST_STATUS(t, bringup_plan_start(&plan, &needs, &map), K_OK);
    KTEST_STATUS(t, bringup_plan_count_tables(&plan), K_OK);
    KTEST_TRUE(t, plan.table_frames > PC_TABLES && plan.table_frames < PC_TABLES + 40);
    KTEST_EQ(t, plan.table_frames, plan.table_frames_max);
    KTEST_EQ(t, plan.free_frames, 2048 - 1 - plan.table_frames);
    KTEST_EQ(t, plan.metadata_frames, 0);
    map = pc_map(plan.table_frames); /* and one of them for the copy */
    KTEST_STATUS(t, bringup_plan_start(&plan, &needs, &map), K_OK);
    KTEST_STATUS(t, bringup_plan_count_tables(&plan), K_ENOMEM);
}

/* 16 TiB in leaves of 2 MiB are 64 MiB of tables, of 1 GiB next to nothing; the room follows. */
static void bringup_plan_room_is_what_large_memory_takes(struct ktest *t)
{
    struct bringup_needs needs = needs_of(&layout, PAGE_SIZE);
    for (uint32_t i = 0; i < 2; i++) {
        needs.features.pages_1g = i == 1;
        struct memory_map map = pc_map((16 * 1024 * SIZE_1G - 2 * MIB) / PAGE_SIZE);
        KTEST_STATUS(t, run_map(&needs, &map), K_OK);
        const uint64_t room_bytes = bringup_plan_room_bytes(&plan);
        const uint64_t table_bytes = plan.table_frames * PAGE_SIZE;
        KTEST_TRUE(t, i == 1 ? table_bytes < MIB : table_bytes > 64 * MIB);
        KTEST_TRUE(t, room_bytes > table_bytes && room_bytes < table_bytes + 8 * MIB);
    }
}

/* Low memory in pieces of less than 2 MiB; and above, every border of code and rodata and every
 * guard in the middle of a GiB of its own. All that can be cut is, but the first GiB twice. */
static void bringup_plan_bound_is_reached(struct ktest *t)
{
    static const uint64_t at = 8 * SIZE_1G + 7 * PAGE_SIZE;
    static struct multiboot2_mmap_entry entries[17];
    static uint32_t reasons[17];
    struct bringup_needs needs = needs_of(&nothing, 1);
    struct memory_map map = { .entries = entries, .reasons = reasons, .count = 17 };
    for (uint32_t i = 0; i < 16; i++) {
        const uint64_t start = i == 0 ? 0 : i * SIZE_2M + PAGE_SIZE;
        entries[i] =
            (struct multiboot2_mmap_entry){ start, (i + 1) * SIZE_2M - start, MMAP_AVAILABLE, 0 };
    }
    entries[16] = (struct multiboot2_mmap_entry){ 4 * SIZE_1G, 64 * SIZE_1G, MMAP_AVAILABLE, 0 };
    needs.layout.image = (struct kernel_image){ .code_start = VIRT(at),
                                                .code_end = VIRT(at + SIZE_1G),
                                                .rodata_end = VIRT(at + 2 * SIZE_1G),
                                                .data_end = VIRT(at + 3 * SIZE_1G),
                                                .start_brk = VIRT(at + 3 * SIZE_1G) };
    needs.layout.guard_count = KERNEL_GUARDS_MAX;
    for (uint32_t i = 0; i < KERNEL_GUARDS_MAX; i++) {
        needs.layout.guards[i] = phys_addr(at + (16 + i) * SIZE_1G);
    }
    KTEST_STATUS(t, run_map(&needs, &map), K_OK);
    KTEST_EQ(t, plan.audit.violation_count, 0);
    KTEST_EQ(t, plan.table_frames, plan.table_frames_max - 1);
}

/* Every other frame usable: pieces of one frame hold no copy of four. */
static void bringup_plan_pieces_too_small_for_the_copy_are_refused(struct ktest *t)
{
    enum {
        PIECES = 600
    };
    static struct multiboot2_mmap_entry entries[PIECES];
    static uint32_t reasons[PIECES];
    const struct bringup_needs large = needs_of(&nothing, 4 * PAGE_SIZE);
    const struct bringup_needs small = needs_of(&nothing, 1);
    struct memory_map map = { .entries = entries, .reasons = reasons, .count = PIECES };
    for (uint32_t run_number = 0; run_number < 2; run_number++) {
        for (uint32_t i = 0; i < PIECES; i++) {
            entries[i] = (struct multiboot2_mmap_entry){ 2 * MIB + i * 2 * PAGE_SIZE, PAGE_SIZE,
                                                         MMAP_AVAILABLE, 0 };
            reasons[i] = MMAP_REASON_AVAILABLE;
        }
        const bool is_small = run_number == 1;
        KTEST_STATUS(t, run_map(is_small ? &small : &large, &map), K_ENOMEM);
        KTEST_EQ(t, plan.areas.count, PHYS_MEMORY_AREA_MAX);
        KTEST_EQ(t, plan.dropped_bytes, (PIECES - PHYS_MEMORY_AREA_MAX) * PAGE_SIZE);
    }
}

/* Runs too small for their own metadata, each alone in its GiB, with a large one before or behind
 * them: what they borrow, and from whom, is the most that the room must hold. */
static void bringup_plan_room_is_enough_where_all_borrow(struct ktest *t)
{
    enum {
        RUNS = 500
    };
    static struct multiboot2_mmap_entry entries[RUNS + 1];
    static uint32_t reasons[RUNS + 1];
    const struct bringup_needs needs = needs_of(&nothing, 1);
    struct memory_map map = { .entries = entries, .reasons = reasons, .count = RUNS + 1 };
    for (uint32_t large = 0; large <= RUNS; large += RUNS / 2) {
        uint64_t at = SIZE_1G - 3 * PAGE_SIZE;
        for (uint32_t i = 0; i <= RUNS; i++) {
            const uint64_t bytes = i == large ? 9 * SIZE_1G : (1 + i % 8) * PAGE_SIZE;
            entries[i] = (struct multiboot2_mmap_entry){ at, bytes, MMAP_AVAILABLE, 0 };
            reasons[i] = MMAP_REASON_AVAILABLE;
            at += bytes + SIZE_1G;
        }
        KTEST_STATUS(t, run_map(&needs, &map), K_OK);
        KTEST_EQ(t, plan.areas.count, RUNS + 1);
        KTEST_TRUE(t, plan.stand_in.piece_count > RUNS);
    }
}

static void check_plan(struct ktest *t)
{
    KTEST_EQ(t, plan.bootinfo_frames + plan.table_frames + plan.metadata_frames + plan.free_frames,
             phys_memory_areas_bytes(&plan.areas) / PAGE_SIZE);
    KTEST_TRUE(t, plan.metadata_frames > 0);
    KTEST_EQ(t, plan.audit.violation_count, 0);
    KTEST_TRUE(t, plan.table_frames <= plan.table_frames_max &&
                      plan.table_frames + 48 > plan.table_frames_max);
    /* The room is an estimate from above, but no wild one. */
    const uint64_t room_bytes = bringup_plan_room_bytes(&plan);
    KTEST_TRUE(t, plan.stand_in.used_bytes > 0 && plan.stand_in.used_bytes < room_bytes);
    KTEST_TRUE(t, room_bytes < phys_memory_areas_bytes(&plan.areas) / 256);
}

/* A map as a machine gave it, with the kernel at the start of its memory. */
static void plan_file(struct ktest *t, const char *path)
{
    const struct bringup_needs needs = needs_of(&nothing, 64 * PAGE_SIZE);
    struct fake_map_file file;
    struct fake_mmap_run made;
    if (!KTEST_TRUE(t, fake_map_file_read(path, &file))) {
        return;
    }
    fake_mmap_run(&file.input, &made);
    KTEST_STATUS(t, made.status, K_OK);
    struct memory_map map = { .entries = made.output.entries,
                              .reasons = made.output.reasons,
                              .count = made.output.entry_count,
                              .ram = made.output.ram,
                              .ram_count = made.output.ram_count };
    /* Of one machine only the broken end of the map was published. */
    const bool has_ram = made.output.accounting.usable != 0;
    KTEST_STATUS(t, run_map(&needs, &map), has_ram ? K_OK : K_ENOMEM);
    if (has_ram) {
        check_plan(t);
    }
    if (t->failures > 0) {
        ktest_output("    # %s\n", path);
    }
    fake_mmap_run_free(&made);
    fake_map_file_free(&file);
}

static void bringup_plan_works_on_the_maps_of_real_machines(struct ktest *t)
{
    glob_t found;
    if (!KTEST_EQ(t, glob("tests/data/maps/*.map", 0, NULL, &found), 0)) {
        return;
    }
    KTEST_TRUE(t, found.gl_pathc > 100);
    for (size_t i = 0; i < found.gl_pathc && t->failures == 0; i++) {
        plan_file(t, found.gl_pathv[i]);
    }
    globfree(&found);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(bringup_plan_counts_what_is_taken_and_what_is_left),
    KTEST_CASE(bringup_plan_too_little_memory_is_refused_to_the_frame),
    KTEST_CASE(bringup_plan_tables_that_break_a_rule_are_found),
    KTEST_CASE(bringup_plan_map_that_no_tables_hold_is_refused),
    KTEST_CASE(bringup_plan_without_room_counts_from_above),
    KTEST_CASE(bringup_plan_room_is_what_large_memory_takes),
    KTEST_CASE(bringup_plan_bound_is_reached),
    KTEST_CASE(bringup_plan_pieces_too_small_for_the_copy_are_refused),
    KTEST_CASE(bringup_plan_room_is_enough_where_all_borrow),
    KTEST_CASE(bringup_plan_works_on_the_maps_of_real_machines),
};

KTEST_SUITE(bringup_plan, "loader.bringup_plan", cases);
