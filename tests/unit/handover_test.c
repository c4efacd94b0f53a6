/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The loader's handover.c: the tables that the kernel starts on, read back through the mapper and
 * judged by the audit.
 *
 *   0    640K   1M    2M                      4M   4M+64K+4K      32M        64M      65M 1G+..
 *   [low )      [pool )[text|rodata|data )    [guard|stack)       [jump page)[free ..)[NVS  )  [
 * more )
 */
#include "loader/handover.h"

#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define MIB         UINT64_C(0x100000)
#define POOL_BASE   MIB
#define POOL_FRAMES UINT64_C(256)
#define IMAGE_BASE  (2 * MIB)
#define GUARD       (4 * MIB)
#define JUMP        (32 * MIB)
#define ENTRIES_MAX 8U

struct fixture {
    struct multiboot2_mmap_entry entries[ENTRIES_MAX];
    uint32_t reasons[ENTRIES_MAX];
    struct memory_map map;
    struct elf_image_plan image;
    struct handover_layout layout;
    struct phys_frame_range mapped[ENTRIES_MAX];
    struct handover handover;
};

static void add_entry(struct fixture *f, uint64_t base, uint64_t size_bytes, uint32_t type)
{
    f->entries[f->map.count++] =
        (struct multiboot2_mmap_entry){ .address = base, .length = size_bytes, .type = type };
}

static void fixture_init(struct fixture *f, struct paging_features features)
{
    fake_ram_reset();
    fake_ram_add(POOL_BASE, POOL_FRAMES * PAGE_SIZE);
    fake_ram_fill(POOL_BASE, POOL_FRAMES * PAGE_SIZE, 0xa5);
    *f = (struct fixture){ .map = { .entries = f->entries, .reasons = f->reasons } };
    add_entry(f, 0, 640 * 1024, MMAP_LOW);
    add_entry(f, MIB, MIB, MMAP_LOADER);
    add_entry(f, 2 * MIB, 3 * MIB, MMAP_KERNEL);
    add_entry(f, 5 * MIB, 59 * MIB, MMAP_AVAILABLE);
    add_entry(f, 64 * MIB, MIB, MMAP_ACPI_NVS);
    add_entry(f, 65 * MIB, MIB, MMAP_RESERVED);
    f->image.segment_count = 3;
    f->image.segments[0] = (struct elf_image_segment){ .start = 0, .end = 0x3000, .execute = true };
    f->image.segments[1] = (struct elf_image_segment){ .start = 0x3000, .end = 0x5000 };
    f->image.segments[2] =
        (struct elf_image_segment){ .start = 0x5000, .end = 0x9000, .write = true };
    f->layout = (struct handover_layout){ .image = &f->image,
                                          .image_base = phys_addr(IMAGE_BASE),
                                          .stack_guard = phys_addr(GUARD),
                                          .jump_page = phys_addr(JUMP) };
    handover_init(&f->handover, &features, f->mapped, ENTRIES_MAX);
}

static const struct paging_features with_nx = { .nx = true, .pages_1g = true, .phys_bits = 46 };

static enum kstatus build(struct fixture *f, uint64_t pool_frames)
{
    return handover_build(&f->handover, &f->map, &f->layout, phys_addr(POOL_BASE), pool_frames);
}

/* "rw", "rx", "r", "rwx" or "-" of a virtual address. */
static const char *permission(const struct fixture *f, uint64_t virt)
{
    struct page_translation translation;
    if (page_mapper_translate(&f->handover.mapper, virt_addr(virt), &translation) != K_OK) {
        return "-";
    }
    if (translation.flags.write) {
        return translation.flags.execute ? "rwx" : "rw";
    }
    return translation.flags.execute ? "rx" : "r";
}

static uint64_t violations(struct ktest *t, const struct fixture *f)
{
    struct page_audit_report report = { .violation_count = UINT64_MAX };
    KTEST_STATUS(t, handover_audit(&f->handover, NULL, NULL, &report), K_OK);
    return report.violation_count;
}

static void handover_gives_each_page_its_permission(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, with_nx);
    KTEST_STATUS(t, build(&f, POOL_FRAMES), K_OK);
    static const struct {
        uint64_t phys;
        const char *permission;
    } expected[] = {
        { 0, "-" },
        { 0x1000, "rw" },
        { 639 * 1024, "rw" },
        { 640 * 1024, "-" },
        { MIB, "rw" },
        { IMAGE_BASE, "rx" },
        { IMAGE_BASE + 0x2fff, "rx" },
        { IMAGE_BASE + 0x3000, "r" },
        { IMAGE_BASE + 0x5000, "rw" },
        { GUARD - 1, "rw" },
        { GUARD, "-" },
        { GUARD + 0x1000, "rw" },
        { JUMP - 1, "rw" },
        { JUMP, "r" },
        { JUMP + 0x1000, "rw" },
        { 65 * MIB - 1, "rw" },
        { 65 * MIB, "-" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        KTEST_STRING(t, permission(&f, PHYS_OFFSET + expected[i].phys), expected[i].permission);
    }
    KTEST_EQ(t, violations(t, &f), 0);
}

static void handover_maps_one_identity_page(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, with_nx);
    KTEST_STATUS(t, build(&f, POOL_FRAMES), K_OK);
    KTEST_STRING(t, permission(&f, JUMP), "rx");
    KTEST_STRING(t, permission(&f, JUMP - 1), "-");
    KTEST_STRING(t, permission(&f, JUMP + PAGE_SIZE), "-");
    KTEST_STRING(t, permission(&f, 0), "-");
}

static void handover_audit_sees_a_broken_rule(struct ktest *t)
{
    static const uint64_t pages[] = { IMAGE_BASE, IMAGE_BASE + 0x3000, JUMP };
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        struct fixture f;
        fixture_init(&f, with_nx);
        KTEST_STATUS(t, build(&f, POOL_FRAMES), K_OK);
        struct page_flush flush;
        KTEST_STATUS(t,
                     page_mapper_remap(&f.handover.mapper, virt_addr(PHYS_OFFSET + pages[i]),
                                       PAGE_SIZE, page_flags_set_write(page_flags_new(), true),
                                       &flush),
                     K_OK);
        page_flush_ignore(&flush);
        KTEST_TRUE(t, violations(t, &f) > 0);
    }
}

static void handover_without_nx_builds_and_passes(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, (struct paging_features){ .phys_bits = 36 });
    KTEST_STATUS(t, build(&f, POOL_FRAMES), K_OK);
    KTEST_STRING(t, permission(&f, PHYS_OFFSET + 5 * MIB), "rwx");
    KTEST_STRING(t, permission(&f, PHYS_OFFSET + IMAGE_BASE), "rx");
    KTEST_EQ(t, violations(t, &f), 0);
}

/* A pool that is short by any number of frames is refused; the next try with more succeeds. */
static void handover_short_pool_is_refused_and_can_be_repeated(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, with_nx);
    KTEST_STATUS(t, build(&f, POOL_FRAMES), K_OK);
    const uint64_t used = f.handover.pool.used_frames;
    for (uint64_t frames = 0; frames < used; frames++) {
        fixture_init(&f, with_nx);
        KTEST_STATUS(t, build(&f, frames), K_ENOMEM);
        KTEST_STATUS(t, build(&f, used), K_OK);
        KTEST_EQ(t, violations(t, &f), 0);
    }
}

static void handover_estimate_is_enough_and_modest(struct ktest *t)
{
    static const uint64_t sizes[] = { 2 * MIB, 60 * MIB + 0x5000, 3 * SIZE_1G + 0x3000, SIZE_1T };
    for (size_t i = 0; i < 2 * ARRAY_COUNT(sizes); i++) {
        struct paging_features features = with_nx;
        features.pages_1g = i % 2 == 0;
        struct fixture f;
        fixture_init(&f, features);
        add_entry(&f, SIZE_1G + 0x7000, sizes[i / 2], MMAP_AVAILABLE);
        const uint64_t estimate = handover_estimate_frames(&f.map, &features);
        fake_ram_add(POOL_BASE, estimate * PAGE_SIZE);
        KTEST_STATUS(t, build(&f, estimate), K_OK);
        KTEST_TRUE(t, f.handover.pool.used_frames <= estimate);
        KTEST_TRUE(t, estimate <= f.handover.pool.used_frames + 100);
    }
}

static void handover_extend_of_the_same_map_does_nothing(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, with_nx);
    KTEST_STATUS(t, build(&f, POOL_FRAMES), K_OK);
    const uint64_t used = f.handover.pool.used_frames;
    uint64_t extended = 1;
    KTEST_STATUS(t, handover_extend(&f.handover, &f.map, &extended), K_OK);
    KTEST_EQ(t, extended, 0);
    KTEST_EQ(t, f.handover.pool.used_frames, used);
}

/* before   [..5M      64M)[NVS)        [reserved)
 * after    [..5M      64M)[NVS)[free 66M + 2M)   and [1G, 1G + 8K): both parts are mapped then */
static void handover_extend_maps_what_appeared(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, with_nx);
    KTEST_STATUS(t, build(&f, POOL_FRAMES), K_OK);
    f.entries[5] = (struct multiboot2_mmap_entry){ .address = 65 * MIB,
                                                   .length = 3 * MIB,
                                                   .type = MMAP_AVAILABLE };
    add_entry(&f, SIZE_1G, 0x2000, MMAP_LOADER);
    uint64_t extended = 0;
    KTEST_STATUS(t, handover_extend(&f.handover, &f.map, &extended), K_OK);
    KTEST_EQ(t, extended, 3 * MIB + 0x2000);
    KTEST_STRING(t, permission(&f, PHYS_OFFSET + 65 * MIB), "rw");
    KTEST_STRING(t, permission(&f, PHYS_OFFSET + 68 * MIB - 1), "rw");
    KTEST_STRING(t, permission(&f, PHYS_OFFSET + 68 * MIB), "-");
    KTEST_STRING(t, permission(&f, PHYS_OFFSET + SIZE_1G + 0x1fff), "rw");
    KTEST_STRING(t, permission(&f, PHYS_OFFSET + IMAGE_BASE), "rx");
    KTEST_STRING(t, permission(&f, PHYS_OFFSET + GUARD), "-");
}

/* The hole between 640K and 1M fills up, and the map's beginning is cut differently. */
static void handover_extend_fills_gaps_inside(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f, with_nx);
    KTEST_STATUS(t, build(&f, POOL_FRAMES), K_OK);
    f.entries[0].length = MIB;
    uint64_t extended = 0;
    KTEST_STATUS(t, handover_extend(&f.handover, &f.map, &extended), K_OK);
    KTEST_EQ(t, extended, MIB - 640 * 1024);
    KTEST_STRING(t, permission(&f, PHYS_OFFSET + 640 * 1024), "rw");
    KTEST_STRING(t, permission(&f, PHYS_OFFSET), "-");
}

static const struct ktest_case cases[] = {
    KTEST_CASE(handover_gives_each_page_its_permission),
    KTEST_CASE(handover_maps_one_identity_page),
    KTEST_CASE(handover_audit_sees_a_broken_rule),
    KTEST_CASE(handover_without_nx_builds_and_passes),
    KTEST_CASE(handover_short_pool_is_refused_and_can_be_repeated),
    KTEST_CASE(handover_estimate_is_enough_and_modest),
    KTEST_CASE(handover_extend_of_the_same_map_does_nothing),
    KTEST_CASE(handover_extend_maps_what_appeared),
    KTEST_CASE(handover_extend_fills_gaps_inside),
};
KTEST_SUITE(loader_handover, "loader.handover", cases);
