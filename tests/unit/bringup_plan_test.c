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

static enum kstatus run_map(const struct bringup_needs *needs, struct memory_map *map)
{
    fake_ram_reset();
    enum kstatus status = bringup_plan_start(&plan, needs, map);
    if (status == K_OK) {
        const size_t bytes = bringup_plan_room_bytes(&plan);
        void *const room = aligned_alloc(64, bits_align_up(bytes, 64));
        memset(room, 0xa5, bytes);
        status = bringup_plan_finish(&plan, room);
        free(room);
    }
    return status;
}

/*   1 MiB  kernel  2 MiB  usable  +frames   */
static enum kstatus run(uint64_t usable_frames, const struct bringup_needs *needs)
{
    static struct multiboot2_mmap_entry entries[2];
    static uint32_t reasons[2];
    entries[0] = (struct multiboot2_mmap_entry){ MIB, MIB, MMAP_KERNEL, 0 };
    entries[1] =
        (struct multiboot2_mmap_entry){ 2 * MIB, usable_frames * PAGE_SIZE, MMAP_AVAILABLE, 0 };
    reasons[0] = MMAP_REASON_KERNEL;
    reasons[1] = MMAP_REASON_AVAILABLE;
    struct memory_map map = { .entries = entries, .reasons = reasons, .count = 2 };
    return run_map(needs, &map);
}

static void bringup_plan_counts_what_is_taken_and_what_is_left(struct ktest *t)
{
    const struct bringup_needs needs = { { 2 * MIB }, 3 * PAGE_SIZE + 1, 30 };
    KTEST_STATUS(t, run(2048, &needs), K_OK);
    KTEST_EQ(t, plan.areas.count, 1);
    KTEST_EQ(t, plan.dropped_bytes, 0);
    KTEST_EQ(t, plan.used_frames, 34);
    /* A record of the region, a directory, a zone, and a leaf for each of 4 x 2 MiB: 3 frames. */
    KTEST_EQ(t, plan.metadata_frames, 3);
    KTEST_EQ(t, plan.free_frames, 2048 - 34 - 3);
    KTEST_TRUE(t, physmap_stand_in == NULL);
}

static void bringup_plan_too_little_memory_is_refused_to_the_frame(struct ktest *t)
{
    const struct bringup_needs needs = { { 2 * MIB }, 4 * PAGE_SIZE, 30 };
    KTEST_STATUS(t, run(37, &needs), K_OK); /* 34, two of metadata, one free */
    KTEST_EQ(t, plan.free_frames, 1);
    KTEST_STATUS(t, run(36, &needs), K_ENOMEM);
    KTEST_TRUE(t, physmap_stand_in == NULL);
    KTEST_STATUS(t, run(35, &needs), K_ENOMEM);
    KTEST_STATUS(t, run(34, &needs), K_ENOMEM);
    KTEST_STATUS(t, run(33, &needs), K_ENOMEM);
    KTEST_STATUS(t, run(3, &needs), K_ENOMEM); /* not even the copy of the bootinfo */
    KTEST_STATUS(t, run(0, &needs), K_ENOMEM);
}

/* Every other frame usable: pieces of one frame hold no copy of four. */
static void bringup_plan_pieces_too_small_for_the_copy_are_refused(struct ktest *t)
{
    enum {
        PIECES = 600
    };
    static struct multiboot2_mmap_entry entries[PIECES];
    static uint32_t reasons[PIECES];
    const struct bringup_needs large = { { 2 * MIB }, 4 * PAGE_SIZE, 1 };
    const struct bringup_needs small = { { 2 * MIB }, 1, 1 };
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
    const struct bringup_needs needs = { { 0 }, 1, 1 };
    struct memory_map map = { .entries = entries, .reasons = reasons, .count = RUNS + 1 };
    for (uint32_t large = 0; large <= RUNS; large += RUNS / 2) {
        uint64_t at = SIZE_1G - 3 * PAGE_SIZE;
        for (uint32_t i = 0; i <= RUNS; i++) {
            const uint64_t bytes = i == large ? 3 * SIZE_1G : (1 + i % 8) * PAGE_SIZE;
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
    KTEST_EQ(t, plan.used_frames + plan.metadata_frames + plan.free_frames,
             phys_memory_areas_bytes(&plan.areas) / PAGE_SIZE);
    KTEST_TRUE(t, plan.metadata_frames > 0);
    /* The room is an estimate from above, but no wild one. */
    const uint64_t room_bytes = bringup_plan_room_bytes(&plan);
    KTEST_TRUE(t, plan.stand_in.used_bytes > 0 && plan.stand_in.used_bytes < room_bytes);
    KTEST_TRUE(t, room_bytes < phys_memory_areas_bytes(&plan.areas) / 256);
}

/* A map as a machine gave it, with the kernel at the start of its memory. */
static void plan_file(struct ktest *t, const char *path)
{
    const struct bringup_needs needs = { { 0 }, 64 * PAGE_SIZE, 400 };
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
    KTEST_CASE(bringup_plan_pieces_too_small_for_the_copy_are_refused),
    KTEST_CASE(bringup_plan_room_is_enough_where_all_borrow),
    KTEST_CASE(bringup_plan_works_on_the_maps_of_real_machines),
};

KTEST_SUITE(bringup_plan, "loader.bringup_plan", cases);
