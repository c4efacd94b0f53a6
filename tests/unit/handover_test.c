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

#include <stdlib.h>

#include <glob.h>

#include "tests/fake/fake_efi_map.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define MIB         UINT64_C(0x100000)
#define POOL_BASE   MIB
#define POOL_FRAMES UINT64_C(256)
#define IMAGE_BASE  (2 * MIB)
#define GUARD       (4 * MIB)
#define JUMP        (32 * MIB)
#define ENTRIES_MAX 8U

#define EXTENSION_FRAMES 32U /* of the pool, for handover_extend() */

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

/* With the pool that it asks for, of which it leaves the share of handover_extend(). @return the
 * frames that it leaves. */
static uint64_t build_in_own_pool(struct ktest *t, struct fixture *f)
{
    const uint64_t frames = handover_pool_frames(&f->map, &f->handover.features, &f->image);
    fake_ram_reset();
    fake_ram_add(POOL_BASE, frames * PAGE_SIZE);
    KTEST_STATUS(t, build(f, frames), K_OK);
    const uint64_t used = f->handover.pool.used_frames;
    KTEST_TRUE(t, used + EXTENSION_FRAMES <= frames);
    return frames - used;
}

static void handover_pool_is_enough_and_modest(struct ktest *t)
{
    static const uint64_t sizes[] = { 2 * MIB, 60 * MIB + 0x5000, 3 * SIZE_1G + 0x3000, SIZE_1T };
    for (size_t i = 0; i < 2 * ARRAY_COUNT(sizes); i++) {
        struct paging_features features = with_nx;
        features.pages_1g = i % 2 == 0;
        struct fixture f;
        fixture_init(&f, features);
        add_entry(&f, SIZE_1G + 0x7000, sizes[i / 2], MMAP_AVAILABLE);
        KTEST_TRUE(t, build_in_own_pool(t, &f) <= EXTENSION_FRAMES + 18);
    }
}

/* The most segments, and each of their borders, the guard and the jump page in a GiB of its own. */
static void handover_pool_is_used_up_where_everything_is_cut(struct ktest *t)
{
    for (uint32_t run = 0; run < 2; run++) {
        struct paging_features features = with_nx;
        features.pages_1g = run == 0;
        struct fixture f;
        fixture_init(&f, features);
        f.map.count = 0;
        add_entry(&f, 0, 64 * SIZE_1G, MMAP_AVAILABLE);
        f.image.segment_count = ELF_IMAGE_MAX_SEGMENTS;
        for (uint32_t i = 0; i < ELF_IMAGE_MAX_SEGMENTS; i++) {
            const uint64_t start = (3 + 2 * i) * SIZE_1G + 7 * PAGE_SIZE;
            f.image.segments[i] =
                (struct elf_image_segment){ .start = start, .end = start + SIZE_1G };
        }
        f.layout.image_base = phys_addr(0);
        f.layout.stack_guard = phys_addr(SIZE_1G);
        f.layout.jump_page = phys_addr(3 * SIZE_1G - PAGE_SIZE);
        KTEST_EQ(t, build_in_own_pool(t, &f), EXTENSION_FRAMES);
    }
}

/* No leaf reaches over a border of two entries, and no table serves two of these borders. */
static void handover_pool_is_enough_where_entries_touch(struct ktest *t)
{
    enum {
        COUNT = 400
    };
    static struct multiboot2_mmap_entry entries[COUNT];
    static struct phys_frame_range mapped[COUNT];
    struct fixture f;
    fixture_init(&f, with_nx);
    for (uint32_t i = 0; i < COUNT; i++) {
        entries[i] = (struct multiboot2_mmap_entry){
            .address = i * SIZE_2M + PAGE_SIZE,
            .length = SIZE_2M,
            .type = i % 2 == 0 ? MMAP_AVAILABLE : MMAP_ACPI_NVS,
        };
    }
    f.map = (struct memory_map){ .entries = entries, .count = COUNT };
    handover_init(&f.handover, &with_nx, mapped, COUNT);
    KTEST_TRUE(t, build_in_own_pool(t, &f) <= EXTENSION_FRAMES + 18);
    KTEST_TRUE(t, f.handover.pool.used_frames > COUNT);
    KTEST_EQ(t, violations(t, &f), 0);
}

static void build_on_file(struct ktest *t, const char *path, bool pages_1g)
{
    struct fake_map_file file;
    struct fake_mmap_run made;
    if (!KTEST_TRUE(t, fake_map_file_read(path, &file))) {
        return;
    }
    fake_mmap_run(&file.input, &made);
    struct paging_features features = { .nx = true, .pages_1g = pages_1g, .phys_bits = 52 };
    struct fixture f;
    fixture_init(&f, features);
    f.map = (struct memory_map){ .entries = made.output.entries, .count = made.output.entry_count };
    struct phys_frame_range *const mapped = calloc(f.map.count + 1, sizeof(*mapped));
    handover_init(&f.handover, &features, mapped, f.map.count);
    KTEST_TRUE(t, build_in_own_pool(t, &f) <= EXTENSION_FRAMES + 20);
    if (t->failures > 0) {
        ktest_output("    # %s\n", path);
    }
    free(mapped);
    fake_mmap_run_free(&made);
    fake_map_file_free(&file);
}

static void handover_pool_is_enough_on_the_maps_of_real_machines(struct ktest *t)
{
    glob_t found;
    if (!KTEST_EQ(t, glob("tests/data/maps/*.map", 0, NULL, &found), 0)) {
        return;
    }
    KTEST_TRUE(t, found.gl_pathc > 100);
    for (size_t i = 0; i < 2 * found.gl_pathc && t->failures == 0; i++) {
        build_on_file(t, found.gl_pathv[i / 2], i % 2 == 0);
    }
    globfree(&found);
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
    KTEST_CASE(handover_pool_is_enough_and_modest),
    KTEST_CASE(handover_pool_is_used_up_where_everything_is_cut),
    KTEST_CASE(handover_pool_is_enough_where_entries_touch),
    KTEST_CASE(handover_pool_is_enough_on_the_maps_of_real_machines),
    KTEST_CASE(handover_extend_of_the_same_map_does_nothing),
    KTEST_CASE(handover_extend_maps_what_appeared),
    KTEST_CASE(handover_extend_fills_gaps_inside),
};
KTEST_SUITE(loader_handover, "loader.handover", cases);
