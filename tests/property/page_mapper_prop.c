/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The page mapper against a model that is too simple to be wrong: a sorted list of mapped
 * stretches. Random map, remap and unmap calls around the borders of 2 MiB and 1 GiB, with the
 * frame allocator failing now and then. After every step the leaves of the whole tree, joined, must
 * be the model's list; every table frame is accounted for; and a failed step changed nothing.
 *
 * A long run: PAGE_MAPPER_STEPS=1000000 build/host/unit mm.paging.random
 */
#include "mm/page_mapper.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_frames.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/table_print.h"
#include "tests/ktest.h"

#define STRETCH_MAX 512U
#define STEPS       500U /* PAGE_MAPPER_STEPS in the environment asks for others */
#define BASE_COUNT  3U

/* [virt, virt + size) -> phys, with the same bits all over. */
struct stretch {
    uint64_t virt;
    uint64_t size;
    uint64_t phys;
    uint64_t flags; /* bit 0 write, 1 execute, 2 write-combining; 64 bits: no padding */
};

struct model {
    struct stretch stretch[STRETCH_MAX]; /* sorted, disjoint */
    unsigned count;
};

enum step_kind {
    STEP_MAP,
    STEP_MAP_AGAIN, /* the same: more maps than unmaps */
    STEP_REMAP,
    STEP_UNMAP,
    STEP_UNMAP_FREE, /* tables too */
    STEP_PAGE,       /* unmap one page, by the call for one page */
    STEP_PAGE_FREE,
    STEP_KINDS,
};

struct step {
    enum step_kind kind;
    struct stretch what;
};

static const uint64_t bases[BASE_COUNT] = {
    0x40000000,                                /* lower half */
    PHYS_OFFSET, UINT64_C(0xffffffff80000000), /* the last 2 GiB of all */
};

static struct fake_frames frames;
static struct page_mapper mapper;
static struct model model;
static struct model before;
static struct model walked;

static uint64_t random_next(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t random_below(uint64_t *state, uint64_t limit)
{
    return random_next(state) % limit;
}

/* ---- the model ---------------------------------------------------------------------------------
 */

static uint64_t last_of(const struct stretch *s)
{
    return s->virt + (s->size - 1);
}

static bool overlap(const struct stretch *a, const struct stretch *b)
{
    return a->virt <= last_of(b) && b->virt <= last_of(a);
}

/* Appends, joining with the one before where that goes on in memory with the same bits. */
static void append(struct model *to, struct stretch s)
{
    struct stretch *const end = to->count > 0 ? &to->stretch[to->count - 1] : NULL;
    if (end != NULL && end->virt + end->size == s.virt && end->phys + end->size == s.phys &&
        end->flags == s.flags) {
        end->size += s.size;
        return;
    }
    if (to->count < STRETCH_MAX) {
        to->stretch[to->count++] = s;
    }
}

static uint64_t model_covered(const struct stretch *what)
{
    uint64_t covered = 0;
    for (unsigned i = 0; i < model.count; i++) {
        const struct stretch *const s = &model.stretch[i];
        if (overlap(s, what)) {
            const uint64_t first = s->virt > what->virt ? s->virt : what->virt;
            const uint64_t last = last_of(s) < last_of(what) ? last_of(s) : last_of(what);
            covered += last - first + 1;
        }
    }
    return covered;
}

/* The part of `s` below [virt], and from [last] + 1 on. */
static void append_left(struct stretch s, uint64_t virt)
{
    if (s.virt < virt) {
        s.size = virt - s.virt;
        append(&model, s);
    }
}

static void append_right(struct stretch s, uint64_t last)
{
    if (last_of(&s) > last) {
        const uint64_t cut = last + 1 - s.virt;
        s.virt += cut;
        s.phys += cut;
        s.size -= cut;
        append(&model, s);
    }
}

/* Replaces what overlaps by `changed(part)`: dropped (unmap) or with new flags (remap). */
static void model_cut(const struct stretch *what, bool keep)
{
    model.count = 0;
    for (unsigned i = 0; i < before.count; i++) {
        struct stretch s = before.stretch[i];
        if (!overlap(&s, what)) {
            append(&model, s);
            continue;
        }
        append_left(s, what->virt);
        if (keep) {
            struct stretch part = s;
            part.virt = s.virt > what->virt ? s.virt : what->virt;
            part.phys = s.phys + (part.virt - s.virt);
            const uint64_t last = last_of(&s) < last_of(what) ? last_of(&s) : last_of(what);
            part.size = last - part.virt + 1;
            part.flags = what->flags;
            append(&model, part);
        }
        append_right(s, last_of(what));
    }
}

static void model_insert(const struct stretch *what)
{
    model.count = 0;
    bool done = false;
    for (unsigned i = 0; i < before.count; i++) {
        if (!done && before.stretch[i].virt > what->virt) {
            append(&model, *what);
            done = true;
        }
        append(&model, before.stretch[i]);
    }
    if (!done) {
        append(&model, *what);
    }
}

/* What the step must return, and the model after it. */
static enum kstatus model_apply(const struct step *step)
{
    before = model;
    const uint64_t covered = model_covered(&step->what);
    if (step->kind <= STEP_MAP_AGAIN) {
        if (covered > 0) {
            return K_EEXIST;
        }
        model_insert(&step->what);
    } else if (step->kind == STEP_REMAP) {
        if (covered < step->what.size) {
            return K_ENOENT;
        }
        model_cut(&step->what, true);
    } else if (step->kind >= STEP_PAGE && covered == 0) {
        return K_ENOENT;
    } else {
        model_cut(&step->what, false);
    }
    return K_OK;
}

/* ---- the mapper --------------------------------------------------------------------------------
 */

static page_flags_t flags_of(uint64_t bits)
{
    return (page_flags_t){
        .write = (bits & 1) != 0,
        .execute = (bits & 2) != 0,
        .cache = (bits & 4) != 0 ? PAGE_CACHE_WRITE_COMBINING : PAGE_CACHE_WRITE_BACK,
    };
}

static void collect(void *context, uint64_t virt, uint64_t word, unsigned level)
{
    const uint64_t size = UINT64_C(1) << (12 + 9 * (level - 1));
    const uint64_t pat = level == 1 ? 0x80 : 0x1000;
    append(context, (struct stretch){
                        .virt = virt,
                        .size = size,
                        .phys = word & UINT64_C(0x000ffffffffff000) & ~(size - 1),
                        .flags = ((word & 2) != 0 ? 1U : 0) | (word >> 63 == 0 ? 2U : 0) |
                                 ((word & pat) != 0 ? 4U : 0),
                    });
}

static bool tree_is_model(void)
{
    walked.count = 0;
    (void)table_walk(mapper.root, collect, &walked);
    return walked.count == model.count &&
           memcmp(walked.stretch, model.stretch, model.count * sizeof(model.stretch[0])) == 0;
}

static enum kstatus apply(const struct step *step, struct page_flush *flush)
{
    const struct stretch *const what = &step->what;
    const virt_addr_t virt = virt_addr(what->virt);
    const struct page_mapping request = {
        .virt = virt,
        .phys = phys_addr(what->phys),
        .size_bytes = what->size,
        .flags = flags_of(what->flags),
    };
    switch (step->kind) {
    case STEP_MAP:
    case STEP_MAP_AGAIN:
        return page_mapper_map_range(&mapper, &request, flush);
    case STEP_REMAP:
        return page_mapper_remap(&mapper, virt, what->size, request.flags, flush);
    case STEP_UNMAP:
    case STEP_UNMAP_FREE:
        return page_mapper_unmap_range(&mapper, virt, what->size, step->kind == STEP_UNMAP_FREE,
                                       flush);
    case STEP_PAGE:
    case STEP_PAGE_FREE:
        return page_mapper_unmap_phys(&mapper, virt, step->kind == STEP_PAGE_FREE, flush);
    case STEP_KINDS:
        break;
    }
    return K_EINVAL; /* not reached */
}

/* ---- steps -------------------------------------------------------------------------------------
 */

/* A few pages around a border of 4 KiB, 2 MiB or 1 GiB, as a byte offset below 2 GiB. */
static uint64_t random_border(uint64_t *random)
{
    static const uint64_t units[] = { SIZE_4K, SIZE_2M, SIZE_2M, SIZE_1G };
    const uint64_t unit = units[random_below(random, 4)];
    const uint64_t border = random_below(random, unit == SIZE_4K ? 8 : 2 * SIZE_1G / unit) * unit;
    const uint64_t shift = random_below(random, 4) == 0 ? random_below(random, 5) * SIZE_4K : 0;
    return (border + shift) % (2 * SIZE_1G);
}

static struct step random_step(uint64_t *random)
{
    struct step step = { .kind = (enum step_kind)random_below(random, STEP_KINDS) };
    uint64_t start = random_border(random);
    uint64_t end = random_border(random);
    if (start > end) {
        const uint64_t swap = start;
        start = end;
        end = swap;
    }
    end += start == end ? SIZE_4K : 0;
    end = end > 2 * SIZE_1G ? 2 * SIZE_1G : end;
    /* Memory that lies askew of 2 MiB takes an entry a page: keep such ranges short. */
    static const uint64_t skews[] = { 0, 0, SIZE_2M, SIZE_4K };
    const uint64_t skew = skews[random_below(random, 4)];
    if (skew == SIZE_4K && end - start > 2 * SIZE_2M) {
        end = start + 2 * SIZE_2M;
    }
    const uint64_t base = bases[random_below(random, BASE_COUNT)];
    step.what = (struct stretch){
        .virt = base + start,
        .size = step.kind >= STEP_PAGE ? SIZE_4K : end - start,
        .phys = 4 * SIZE_1G + start + skew,
        .flags = random_below(random, 8),
    };
    return step;
}

/* One step; `fault`: the allocator fails at a random call. @return whether all was as it must be */
static bool run_step(const struct step *step, uint64_t *random, bool fault)
{
    const struct table_print print = table_print(mapper.root);
    fake_frames_fail(&frames, fault ? 1 + (uint32_t)random_below(random, 4) : 0, 1);
    struct page_flush flush;
    const enum kstatus expected = model_apply(step);
    const enum kstatus status = apply(step, &flush);
    const bool shortage = fault && status == K_ENOMEM && frames.calls >= frames.fail_from;
    if (status != K_OK) {
        model = before;
    } else {
        page_flush_flush(&flush);
    }
    const struct table_print after = table_print(mapper.root);
    return (status == expected || (expected == K_OK && shortage)) && tree_is_model() &&
           (status == K_OK || table_print_equal(print, after)) &&
           after.tables == mapper.table_frames && frames.out == after.tables &&
           frames.bad_frees == 0;
}

static uint64_t count_steps(void)
{
    const char *const wanted = getenv("PAGE_MAPPER_STEPS");
    const uint64_t steps = wanted != NULL ? strtoull(wanted, NULL, 10) : 0;
    return steps > 0 ? steps : STEPS;
}

static void unmap_everything(struct ktest *t)
{
    fake_frames_fail(&frames, 0, 0);
    for (unsigned i = 0; i < BASE_COUNT; i++) {
        struct page_flush flush;
        KTEST_STATUS(
            t, page_mapper_unmap_range(&mapper, virt_addr(bases[i]), 2 * SIZE_1G, true, &flush),
            K_OK);
        page_flush_flush(&flush);
    }
    const struct table_print print = table_print(mapper.root);
    KTEST_EQ(t, print.leaves, 0);
    KTEST_TRUE(t, print.tables <= 3); /* the kernel half keeps its second-level tables */
    KTEST_EQ(t, frames.out, print.tables);
}

static void run_steps(struct ktest *t, const struct paging_features *features, uint64_t seed)
{
    fake_ram_reset();
    fake_cpu_reset();
    fake_log_reset();
    fake_frames_init(&frames, SIZE_1M, 8192);
    model.count = 0;
    uint64_t random = seed;
    const uint64_t pending = page_flush_outstanding();
    KTEST_STATUS(t, page_mapper_create(&mapper, &frames.allocator, features), K_OK);
    const uint64_t steps = count_steps();
    for (uint64_t i = 0; i < steps; i++) {
        const struct step step = random_step(&random);
        if (!KTEST_TRUE(t, run_step(&step, &random, random_below(&random, 3) == 0))) {
            ktest_output("    # step %llu kind %u virt %#llx size %#llx phys %#llx\n",
                         (unsigned long long)i, step.kind, (unsigned long long)step.what.virt,
                         (unsigned long long)step.what.size, (unsigned long long)step.what.phys);
            return;
        }
    }
    KTEST_EQ(t, page_flush_outstanding(), pending);
    unmap_everything(t);
}

static void page_mapper_random_steps_match_the_model(struct ktest *t)
{
    static const struct paging_features features = {
        .nx = true,
        .pages_1g = true,
        .phys_bits = 40,
    };
    run_steps(t, &features, t->seed);
}

static void page_mapper_random_steps_without_1g_match_the_model(struct ktest *t)
{
    static const struct paging_features features = { .nx = true, .phys_bits = 36 };
    run_steps(t, &features, t->seed + 1);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(page_mapper_random_steps_match_the_model),
    KTEST_CASE(page_mapper_random_steps_without_1g_match_the_model),
};
KTEST_SUITE(mm_page_mapper_prop, "mm.paging.random", cases);
