/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What a mapping allows, exhaustively: every combination of leaf size, write, execute, user, NX in
 * the CPU, CR0.WP, SMEP, SMAP and EFLAGS.AC, mapped by the page mapper and then accessed in every
 * way on the MMU model, against what the flags promise in plain words. Then the other way round:
 * every combination of rights in every entry of a path, written by hand, and audit and leaf walk
 * must read from it what the model does with it.
 */
#include <arch/physmap.h>

#include "mm/page_audit.h"
#include "mm/page_mapper.h"
#include "mm/page_walk.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_frames.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/mmu_model.h"
#include "tests/ktest.h"

#define LOWER  UINT64_C(0x0000004000000000) /* aligned for every leaf size */
#define UPPER  (PHYS_OFFSET + UINT64_C(0x4000000000))
#define MEMORY UINT64_C(0x8000000000) /* what is mapped: only addresses, no RAM */
#define OFFSET 0x123U

static struct fake_frames frames;
static struct page_mapper mapper;
static struct paging_features features;

/* One of 2^9 machines and mappings; a bit of `bits` each. */
struct setting {
    bool write, execute, user, nx, write_protect, smep, smap, ac, upper;
};

static struct setting setting_of(unsigned bits)
{
    return (struct setting){
        .write = (bits & 1) != 0,
        .execute = (bits & 2) != 0,
        .user = (bits & 4) != 0,
        .nx = (bits & 8) != 0,
        .write_protect = (bits & 16) != 0,
        .smep = (bits & 32) != 0,
        .smap = (bits & 64) != 0,
        .ac = (bits & 128) != 0,
        .upper = (bits & 256) != 0,
    };
}

#define SETTINGS 512U

/* The promise, in words. */
static bool is_promised(const struct setting *s, enum mmu_access access, bool from_user)
{
    const bool executable = s->execute || !s->nx; /* without NX all that is mapped is */
    if (from_user && !s->user) {
        return false; /* users reach user pages only */
    }
    switch (access) {
    case MMU_READ:
        return from_user || !s->user || !s->smap || s->ac;
    case MMU_WRITE:
        if (from_user) {
            return s->write;
        }
        return (s->write || !s->write_protect) && (!s->user || !s->smap || s->ac);
    case MMU_FETCH:
        return executable && (from_user || !s->user || !s->smep);
    }
    return false;
}

static struct mmu_cpu cpu_of(const struct setting *s)
{
    return (struct mmu_cpu){
        .cr3 = mapper.root.value,
        .write_protect = s->write_protect,
        .nxe = s->nx,
        .smep = s->smep,
        .smap = s->smap,
        .ac = s->ac,
        .pages_1g = true,
        .phys_bits = 46,
    };
}

static void create_mapper(struct ktest *t, bool nx)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_frames_init(&frames, SIZE_1M, 16);
    features = (struct paging_features){ .nx = nx, .pages_1g = true, .phys_bits = 46 };
    KTEST_STATUS(t, page_mapper_create(&mapper, &frames.allocator, &features), K_OK);
}

/* All six accesses to the mapping of `s` with leaves of `level`; whether all are as promised. */
static bool accesses_are_as_promised(const struct setting *s, unsigned level)
{
    static const enum mmu_access kinds[] = { MMU_READ, MMU_WRITE, MMU_FETCH };
    const struct mmu_cpu cpu = cpu_of(s);
    const uint64_t virt = (s->upper ? UPPER : LOWER) + OFFSET;
    bool ok = true;
    for (unsigned i = 0; i < 6; i++) {
        const enum mmu_access access = kinds[i % 3];
        const struct mmu_answer answer = mmu_access(&cpu, virt, access, i >= 3);
        ok = ok && answer.faults == !is_promised(s, access, i >= 3);
        ok = ok && (answer.faults ? (answer.error_code & MMU_ERROR_PRESENT) != 0 &&
                                        (answer.error_code & MMU_ERROR_RESERVED) == 0
                                  : answer.phys == MEMORY + OFFSET && answer.level == level);
    }
    return ok;
}

static void check_setting(struct ktest *t, unsigned bits, unsigned level)
{
    const struct setting s = setting_of(bits);
    const page_flags_t flags = { .write = s.write, .execute = s.execute, .user = s.user };
    const struct page_mapping request = {
        .virt = virt_addr(s.upper ? UPPER : LOWER),
        .phys = phys_addr(MEMORY),
        .size_bytes = page_level_size(level),
        .flags = flags,
        .max_leaf_level = level,
    };
    struct page_flush flush;
    create_mapper(t, s.nx);
    const enum kstatus status = page_mapper_map_range(&mapper, &request, &flush);
    if (s.upper && s.user) {
        KTEST_STATUS(t, status, K_EINVAL); /* no user page in the kernel half, whatever the CPU */
        return;
    }
    KTEST_STATUS(t, status, K_OK);
    page_flush_ignore(&flush);
    if (!KTEST_TRUE(t, accesses_are_as_promised(&s, level))) {
        ktest_output("    # level %u, setting %#x\n", level, bits);
    }
}

static void page_access_of_every_mapping_is_as_promised(struct ktest *t)
{
    for (unsigned level = PAGE_LEVEL_4K; level <= PAGE_LEVEL_1G; level++) {
        for (unsigned bits = 0; bits < SETTINGS; bits++) {
            check_setting(t, bits, level);
        }
    }
}

/* The same through remap, from the opposite rights: no bit of the old ones may stay. */
static void page_access_after_remap_is_as_promised(struct ktest *t)
{
    for (unsigned bits = 0; bits < SETTINGS / 2; bits++) {
        const struct setting s = setting_of(bits);
        const page_flags_t flags = { .write = s.write, .execute = s.execute, .user = s.user };
        const page_flags_t opposite = { !s.write, !s.execute, !s.user, false,
                                        PAGE_CACHE_WRITE_BACK };
        struct page_flush flush;
        create_mapper(t, s.nx);
        KTEST_STATUS(
            t, page_mapper_map_phys(&mapper, virt_addr(LOWER), phys_addr(MEMORY), opposite, &flush),
            K_OK);
        page_flush_ignore(&flush);
        KTEST_STATUS(t, page_mapper_remap(&mapper, virt_addr(LOWER), PAGE_SIZE, flags, &flush),
                     K_OK);
        page_flush_ignore(&flush);
        KTEST_TRUE(t, accesses_are_as_promised(&s, PAGE_LEVEL_4K));
    }
}

/* A part of a huge leaf with other rights: the rest keeps the old ones, byte for byte. */
static void page_access_after_a_split_is_as_promised(struct ktest *t)
{
    for (unsigned bits = 0; bits < SETTINGS / 2; bits++) {
        struct setting s = setting_of(bits);
        const struct page_mapping request = {
            .virt = virt_addr(LOWER),
            .phys = phys_addr(MEMORY),
            .size_bytes = SIZE_1G,
            .flags = { .write = s.write, .execute = s.execute, .user = s.user },
        };
        const page_flags_t opposite = { !s.write, !s.execute, !s.user, false,
                                        PAGE_CACHE_WRITE_BACK };
        struct page_flush flush;
        create_mapper(t, s.nx);
        KTEST_STATUS(t, page_mapper_map_range(&mapper, &request, &flush), K_OK);
        page_flush_ignore(&flush);
        KTEST_STATUS(t,
                     page_mapper_remap(&mapper, virt_addr(LOWER + SIZE_2M + PAGE_SIZE), PAGE_SIZE,
                                       opposite, &flush),
                     K_OK);
        page_flush_ignore(&flush);
        KTEST_TRUE(t, accesses_are_as_promised(&s, PAGE_LEVEL_2M));
    }
}

/* ---- what audit and leaf walk read ------------------------------------------------------------
 */

#define RIGHTS 8U /* write, no-execute, user */

static uint64_t rights_bits(unsigned rights)
{
    return ((rights & 1) != 0 ? 0x2U : 0) | ((rights & 2) != 0 ? UINT64_C(1) << 63 : 0) |
           ((rights & 4) != 0 ? 0x4U : 0);
}

/* Writes rights into the entry of each level down to `leaf_level`; three bits of `code` each. */
static void write_path(unsigned code, unsigned leaf_level, uint64_t leaf)
{
    for (unsigned level = 4; level >= leaf_level; level--) {
        const uint64_t table = SIZE_1M + (4 - level) * PAGE_SIZE;
        uint64_t *const words = physmap_ptr(phys_addr(table), PAGE_SIZE);
        const uint64_t target = level > leaf_level ? table + PAGE_SIZE : leaf;
        words[LOWER >> (12 + 9 * (level - 1)) & 511] =
            target | 1U | rights_bits(code % RIGHTS) |
            (level == leaf_level && level > 1 ? 0x80U : 0);
        code /= RIGHTS;
    }
}

static struct page_audit_report audit_path(struct ktest *t)
{
    const struct phys_frame_range everything = { .first = { 0 },
                                                 .count = { DIRECT_MAP_SIZE / PAGE_SIZE } };
    const struct page_audit_window window = { .size_bytes = PAGE_ADDRESS_SIZE / 2,
                                              .kind = PAGE_AUDIT_WINDOW_ANY };
    const struct page_audit_expectation expectation = { .mapped = { &everything, 1 },
                                                        .windows = &window,
                                                        .window_count = 1 };
    struct page_audit_report report = { 0 };
    KTEST_STATUS(t, page_audit(phys_addr(SIZE_1M), &features, &expectation, &report), K_OK);
    return report;
}

/* What the model lets a CPU without SMEP and SMAP do, as rights. */
static page_flags_t rights_by_the_model(void)
{
    const struct mmu_cpu cpu = {
        .cr3 = SIZE_1M, .write_protect = true, .nxe = true, .pages_1g = true, .phys_bits = 46
    };
    return (page_flags_t){
        .write = !mmu_access(&cpu, LOWER, MMU_WRITE, false).faults,
        .execute = !mmu_access(&cpu, LOWER, MMU_FETCH, false).faults,
        .user = !mmu_access(&cpu, LOWER, MMU_READ, true).faults,
    };
}

static void check_path(struct ktest *t, unsigned code, unsigned leaf_level)
{
    write_path(code, leaf_level, MEMORY);
    const page_flags_t expected = rights_by_the_model();
    const struct page_audit_report report = audit_path(t);
    bool ok = report.permission[expected.write][expected.execute].leaves == 1 &&
              report.user_leaves == expected.user &&
              report.writable_executable == (expected.write && expected.execute);
    struct page_leaf leaf = { .level = 0 };
    ok = ok && page_walk_next(phys_addr(SIZE_1M), virt_addr(0), &leaf) == K_OK;
    ok = ok && leaf.virt.value == LOWER && leaf.phys.value == MEMORY && leaf.level == leaf_level &&
         page_flags_equal(leaf.flags, expected);
    if (!KTEST_TRUE(t, ok)) {
        ktest_output("    # leaf level %u, rights %#o from the top\n", leaf_level, code);
    }
}

static void page_access_as_audit_and_walk_read_it_is_the_cpus(struct ktest *t)
{
    fake_ram_reset();
    fake_ram_add(SIZE_1M, 4 * PAGE_SIZE);
    features = (struct paging_features){ .nx = true, .pages_1g = true, .phys_bits = 46 };
    unsigned paths = RIGHTS * RIGHTS; /* of two levels: 1 GiB leaves */
    for (unsigned level = PAGE_LEVEL_1G; level >= PAGE_LEVEL_4K; level--) {
        for (unsigned code = 0; code < paths; code++) {
            check_path(t, code, level);
        }
        paths *= RIGHTS;
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(page_access_of_every_mapping_is_as_promised),
    KTEST_CASE(page_access_after_remap_is_as_promised),
    KTEST_CASE(page_access_after_a_split_is_as_promised),
    KTEST_CASE(page_access_as_audit_and_walk_read_it_is_the_cpus),
};
KTEST_SUITE(mm_page_access, "mm.access", cases);
