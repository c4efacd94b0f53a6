/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/bringup_plan: what fits and what does not, to the frame; nothing of it touches memory (the
 * fake RAM has none here).
 */
#include "bringup_plan.h"

#include "lib/compiler.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define MIB UINT64_C(0x100000)

static struct bringup_plan plan;

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
    fake_ram_reset();
    return bringup_plan_run(&plan, needs, &map);
}

static void bringup_plan_counts_what_is_taken_and_what_is_left(struct ktest *t)
{
    const struct bringup_needs needs = { { 2 * MIB }, 3 * PAGE_SIZE + 1, 30 };
    KTEST_STATUS(t, run(2048, &needs), K_OK);
    KTEST_EQ(t, plan.areas.count, 1);
    KTEST_EQ(t, plan.dropped_bytes, 0);
    KTEST_EQ(t, plan.used_frames, 34);
    KTEST_EQ(t, plan.free_frames, 2048 - 34);
}

static void bringup_plan_too_little_memory_is_refused_to_the_frame(struct ktest *t)
{
    const struct bringup_needs needs = { { 2 * MIB }, 4 * PAGE_SIZE, 30 };
    KTEST_STATUS(t, run(36, &needs), K_OK); /* 34, one of metadata, one free */
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
        KTEST_STATUS(t, bringup_plan_run(&plan, is_small ? &small : &large, &map),
                     is_small ? K_OK : K_ENOMEM);
        KTEST_EQ(t, plan.areas.count, PHYS_MEMORY_AREA_MAX);
        KTEST_EQ(t, plan.dropped_bytes, (PIECES - PHYS_MEMORY_AREA_MAX) * PAGE_SIZE);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(bringup_plan_counts_what_is_taken_and_what_is_left),
    KTEST_CASE(bringup_plan_too_little_memory_is_refused_to_the_frame),
    KTEST_CASE(bringup_plan_pieces_too_small_for_the_copy_are_refused),
};

KTEST_SUITE(bringup_plan, "loader.bringup_plan", cases);
