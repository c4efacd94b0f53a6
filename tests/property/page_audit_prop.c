/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The audit against a judge who looks at one page of one leaf at a time. Random lists of memory
 * that shall be mapped, holes and read-only frames; random mappings, many of them wrong; then
 * random bits flipped in leaves. Both must count the same violations of every kind: this is what
 * keeps the audit's short cut over runs of equal leaves honest.
 */
#include "mm/page_audit.h"

#include <stddef.h>
#include <string.h>

#include "lib/random.h"
#include "mm/page_mapper.h"
#include "mm/page_walk.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_frames.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/table_print.h"
#include "tests/ktest.h"

#define ROUNDS       60U
#define MEMORY_BYTES (16 * SIZE_1M)
#define PAGES        (MEMORY_BYTES / PAGE_SIZE)
#define TABLES       MEMORY_BYTES /* behind the memory: frames of the tables, always in `mapped` */
#define TABLE_FRAMES 512U
#define RANGE_MAX    (PAGES + 1)
#define DEVICE       (4 * SIZE_1G)
#define ANY_START    SIZE_1T
#define PHYS_BITS    40U

static const struct paging_features features = { .nx = true,
                                                 .pages_1g = true,
                                                 .phys_bits = PHYS_BITS };

/* A set of pages, and the same as a list. */
struct page_set {
    bool has[PAGES];
    struct phys_frame_range range[RANGE_MAX];
    uint32_t count;
};

static struct fake_frames frames;
static struct page_mapper mapper;
static struct page_set mapped;
static struct page_set holes;
static struct page_set read_only;
static bool covered[PAGES]; /* has a leaf at its place in the direct map */
static uint64_t expected[PAGE_AUDIT_KIND_COUNT];

/* Up to `runs` runs of pages; in the list, some runs are cut in two that touch. */
static void random_set(struct page_set *set, struct random *random, unsigned runs)
{
    memset(set, 0, sizeof(*set));
    for (unsigned i = 0; i < runs; i++) {
        const uint64_t start = random_below(random, PAGES);
        const uint64_t length = 1 + random_below(random, PAGES / 2 / runs);
        for (uint64_t page = start; page < start + length && page < PAGES; page++) {
            set->has[page] = true;
        }
    }
    for (uint64_t page = 0; page < PAGES; page++) {
        const bool goes_on = page > 0 && set->has[page - 1] && !random_chance(random, 1);
        if (set->has[page] && goes_on) {
            set->range[set->count - 1].count.value++;
        } else if (set->has[page]) {
            set->range[set->count++] = (struct phys_frame_range){ { page }, { 1 } };
        }
    }
}

static uint64_t random_place(struct random *random, uint64_t phys)
{
    switch (random_below(random, 8)) {
    case 0:
        return phys; /* identity window, or behind its end */
    case 1:
        return MMIO_POOL_START + phys;
    case 2:
        return ANY_START + phys;
    case 3:
        return UINT64_C(0xffffffff00000000) + phys; /* where nothing may be */
    default:
        return PHYS_OFFSET + phys;
    }
}

static void random_mapping(struct random *random)
{
    const uint64_t unit = random_chance(random, 50) ? SIZE_2M : SIZE_4K;
    const uint64_t start = random_below(random, MEMORY_BYTES / unit) * unit;
    const uint64_t virt = random_place(random, start);
    const bool askew = random_chance(random, 10);
    const struct page_mapping request = {
        .virt = virt_addr(virt),
        .phys = phys_addr((random_chance(random, 10) ? DEVICE : 0) + start + (askew ? unit : 0)),
        .size_bytes = bits_min((1 + random_below(random, 700)) * SIZE_4K, MEMORY_BYTES - start),
        .flags = { .write = random_chance(random, 70),
                   .execute = random_chance(random, 20),
                   .user = virt < PHYS_OFFSET && random_chance(random, 50) },
    };
    struct page_flush flush;
    if (page_mapper_map_range(&mapper, &request, &flush) == K_OK) { /* else something is there */
        page_flush_ignore(&flush);
    }
}

/* ---- spoiling ----------------------------------------------------------------------------------
 */

struct pick {
    uint64_t wanted; /* number of the leaf */
    uint64_t seen;
    uint64_t virt;
};

static void pick_leaf(void *context, uint64_t virt, uint64_t word, unsigned level)
{
    struct pick *const pick = context;
    (void)word;
    (void)level;
    pick->virt = pick->seen == pick->wanted ? virt : pick->virt;
    pick->seen++;
}

static void spoil_a_leaf(struct random *random, uint64_t leaves)
{
    static const unsigned bits[] = { 1, 2, 5, 6, 8, 12, 13, 14, 21, 30, PHYS_BITS, 51, 63 };
    struct pick pick = { .wanted = random_below(random, leaves) };
    (void)table_walk(mapper.root, pick_leaf, &pick);
    struct page_path path;
    if (page_walk_path(mapper.root, virt_addr(pick.virt), &path) != K_OK) {
        return; /* not reached: a leaf's address is canonical */
    }
    const struct page_step *const step = &path.step[path.count - 1];
    const unsigned bit = bits[random_below(random, ARRAY_COUNT(bits))];
    page_table_set_entry(&step->table, step->index, (page_entry_t){ step->entry.value ^ BIT(bit) });
}

/* ---- the slow judge ----------------------------------------------------------------------------
 */

static bool has(const struct page_set *set, uint64_t phys)
{
    return phys < MEMORY_BYTES && set->has[phys / PAGE_SIZE];
}

static bool is_to_be_mapped(uint64_t phys)
{
    return has(&mapped, phys) || (phys >= TABLES && phys < TABLES + TABLE_FRAMES * PAGE_SIZE);
}

/* Of a leaf's pages, which are in which list. */
struct census {
    bool all_mapped, any_mapped, any_hole, all_read_only, any_read_only;
};

static struct census take_census(uint64_t phys, uint64_t size)
{
    struct census c = { .all_mapped = true, .all_read_only = true };
    for (uint64_t at = phys; at < phys + size; at += PAGE_SIZE) {
        c.all_mapped = c.all_mapped && is_to_be_mapped(at);
        c.any_mapped = c.any_mapped || is_to_be_mapped(at);
        c.any_hole = c.any_hole || has(&holes, at);
        c.all_read_only = c.all_read_only && has(&read_only, at);
        c.any_read_only = c.any_read_only || has(&read_only, at);
    }
    return c;
}

static void blame_if(bool wrong, enum page_audit_kind kind)
{
    expected[kind] += wrong ? 1 : 0;
}

static void cover(uint64_t place, uint64_t size)
{
    for (uint64_t at = place; at < place + size && at < MEMORY_BYTES; at += PAGE_SIZE) {
        covered[at / PAGE_SIZE] = true;
    }
}

static void judge_place(uint64_t virt, uint64_t phys, uint64_t size, const struct census *c)
{
    if (virt >= PHYS_OFFSET && virt < MMIO_POOL_START) {
        cover(virt - PHYS_OFFSET, size);
        blame_if(phys != virt - PHYS_OFFSET, PAGE_AUDIT_WRONG_FRAME);
        blame_if(!c->all_mapped, PAGE_AUDIT_OUTSIDE);
    } else if (virt + size <= MEMORY_BYTES / 2) {
        blame_if(phys != virt, PAGE_AUDIT_WRONG_FRAME);
        blame_if(!c->all_mapped, PAGE_AUDIT_OUTSIDE);
    } else if (virt >= MMIO_POOL_START && virt < MMIO_POOL_END) {
        blame_if(c->any_mapped, PAGE_AUDIT_OUTSIDE);
    } else {
        blame_if(virt < ANY_START || virt >= 2 * ANY_START, PAGE_AUDIT_OUTSIDE);
    }
}

static void judge_leaf(void *context, uint64_t virt, uint64_t word, unsigned level)
{
    (void)context;
    const uint64_t size = UINT64_C(1) << (12 + 9 * (level - 1));
    const uint64_t address = word & UINT64_C(0x000ffffffffff000);
    const uint64_t phys = address & ~(size - 1);
    const struct census c = take_census(phys, size);
    struct page_path path;
    struct page_leaf leaf = { .level = 0 };
    const bool found = page_walk_path(mapper.root, virt_addr(virt), &path) == K_OK &&
                       page_walk_leaf(&path, &leaf) == K_OK;
    const bool askew = level > 1 && (address & (size - 1) & ~UINT64_C(0x1000)) != 0;
    blame_if(!found || askew || address >> PHYS_BITS != 0, PAGE_AUDIT_RESERVED_BITS);
    blame_if(virt >= PHYS_OFFSET && (word & 4) != 0, PAGE_AUDIT_USER);
    blame_if(leaf.flags.write && leaf.flags.execute, PAGE_AUDIT_WRITABLE_EXECUTABLE);
    blame_if(leaf.flags.execute && !c.all_read_only, PAGE_AUDIT_EXECUTABLE);
    blame_if(leaf.flags.write && c.any_read_only, PAGE_AUDIT_WRITABLE_ALIAS);
    blame_if(c.any_hole, PAGE_AUDIT_HOLE);
    judge_place(virt, phys, size, &c);
}

/* Runs of missing pages, each inside of one range of the list. */
static void judge_missing(void)
{
    for (uint32_t i = 0; i < mapped.count; i++) {
        const uint64_t first = mapped.range[i].first.value;
        bool before = false;
        for (uint64_t page = first; page < first + mapped.range[i].count.value; page++) {
            const bool missing = page < PAGES && !covered[page] && !holes.has[page];
            blame_if(missing && !before, PAGE_AUDIT_NOT_MAPPED);
            before = missing;
        }
    }
    blame_if(true, PAGE_AUDIT_NOT_MAPPED); /* the tables, which nothing maps */
}

/* ---- rounds ------------------------------------------------------------------------------------
 */

static void build(struct ktest *t, struct random *random)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_log_reset();
    fake_frames_init(&frames, TABLES, TABLE_FRAMES);
    KTEST_STATUS(t, page_mapper_create(&mapper, &frames.allocator, &features), K_OK);
    random_set(&mapped, random, 6);
    random_set(&holes, random, 3);
    random_set(&read_only, random, 3);
    const unsigned mappings = 1 + (unsigned)random_below(random, 40);
    for (unsigned i = 0; i < mappings; i++) {
        random_mapping(random);
    }
    const uint64_t leaves = table_print(mapper.root).leaves;
    for (uint64_t i = random_below(random, 6); leaves > 0 && i > 0; i--) {
        spoil_a_leaf(random, leaves);
    }
}

static bool audit_agrees(struct ktest *t)
{
    struct page_set list = mapped;
    list.range[list.count++] =
        (struct phys_frame_range){ phys_frame_of(phys_addr(TABLES)), { TABLE_FRAMES } };
    const struct page_audit_window windows[] = {
        { virt_addr(0), MEMORY_BYTES / 2, PAGE_AUDIT_WINDOW_IDENTITY },
        { virt_addr(MMIO_POOL_START), SIZE_1T, PAGE_AUDIT_WINDOW_DEVICE },
        { virt_addr(ANY_START), SIZE_1T, PAGE_AUDIT_WINDOW_ANY },
    };
    const struct page_audit_expectation expectation = {
        .mapped = { list.range, list.count },
        .holes = { holes.range, holes.count },
        .read_only = { read_only.range, read_only.count },
        .windows = windows,
        .window_count = ARRAY_COUNT(windows),
    };
    struct page_audit_report report = { 0 };
    KTEST_STATUS(t, page_audit(mapper.root, &features, &expectation, &report), K_OK);
    bool ok =
        report.leaves_4k + report.leaves_2m + report.leaves_1g == table_print(mapper.root).leaves;
    for (unsigned kind = 0; kind < PAGE_AUDIT_KIND_COUNT; kind++) {
        if (report.violations[kind] != expected[kind]) {
            ktest_output(
                "    # %s: %llu, expected %llu\n", page_audit_kind_name((enum page_audit_kind)kind),
                (unsigned long long)report.violations[kind], (unsigned long long)expected[kind]);
            ok = false;
        }
    }
    return ok;
}

static void page_audit_counts_what_a_slow_judge_counts(struct ktest *t)
{
    struct random random;
    random_init(&random, t->seed);
    for (unsigned round = 0; round < ROUNDS; round++) {
        build(t, &random);
        memset(covered, 0, sizeof(covered));
        memset(expected, 0, sizeof(expected));
        (void)table_walk(mapper.root, judge_leaf, NULL);
        judge_missing();
        if (!KTEST_TRUE(t, audit_agrees(t))) {
            ktest_output("    # round %u\n", round);
            return;
        }
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(page_audit_counts_what_a_slow_judge_counts),
};
KTEST_SUITE(mm_page_audit_prop, "mm.audit.random", cases);
