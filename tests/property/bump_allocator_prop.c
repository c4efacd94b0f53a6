/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The bump allocator against a model that keeps one byte for each frame: random areas, a random
 * start, random requests until nothing fits. After every request the model agrees on the address
 * and on the usage; at the end handed out + left over = all frames, each exactly once.
 */
#include "mm/bump_allocator.h"

#include <string.h>

#include "lib/random.h"
#include "tests/ktest.h"

#define MODEL_FRAMES 1024U
#define MODEL_BASE   UINT64_C(0x100000)
#define ROUNDS       60U
#define NOWHERE      MODEL_FRAMES

enum frame_state {
    FRAME_NONE, /* no RAM */
    FRAME_FREE,
    FRAME_USED,
    FRAME_VISITED, /* reported as left over */
};

struct model {
    uint8_t frame[MODEL_FRAMES];
    uint32_t start; /* index of the first frame of the walk */
};

struct fixture {
    struct ktest *t;
    struct random random;
    struct model model;
    struct phys_memory_areas areas;
    struct bump_allocator bump;
};

static uint64_t address_of(uint32_t frame)
{
    return MODEL_BASE + (uint64_t)frame * PAGE_SIZE;
}

/* Areas of 1..64 pages with gaps of 1..16; edges are off the page in one area of four. */
static void make_areas(struct fixture *f)
{
    uint32_t frame = (uint32_t)random_below(&f->random, 8);
    while (frame + 80 < MODEL_FRAMES) {
        const uint32_t count = 1 + (uint32_t)random_below(&f->random, 64);
        uint64_t base = address_of(frame);
        uint64_t end = address_of(frame + count);
        memset(&f->model.frame[frame], FRAME_FREE, count);
        if (random_chance(&f->random, 25)) { /* ragged outward: the whole pages stay the same */
            base -= random_below(&f->random, PAGE_SIZE / 2);
            end += random_below(&f->random, PAGE_SIZE / 2);
        }
        f->areas.area[f->areas.count] = (struct phys_memory_area){ phys_addr(base), end - base };
        f->areas.count++;
        frame += count + 1 + (uint32_t)random_below(&f->random, 16);
    }
}

static bool fits_at(const struct model *model, uint32_t frame, uint32_t count)
{
    if (frame + count > MODEL_FRAMES || (frame < model->start && frame + count > model->start)) {
        return false;
    }
    for (uint32_t i = frame; i < frame + count; i++) {
        if (model->frame[i] != FRAME_FREE) {
            return false;
        }
    }
    return true;
}

/* First frame in the order of the walk where @p count fit, now used; NOWHERE where none. */
static uint32_t model_allocate(struct model *model, uint32_t count)
{
    for (uint32_t i = 0; i < MODEL_FRAMES; i++) {
        const uint32_t frame = (model->start + i) % MODEL_FRAMES;
        if (fits_at(model, frame, count)) {
            memset(&model->frame[frame], FRAME_USED, count);
            return frame;
        }
    }
    return NOWHERE;
}

static uint32_t model_count(const struct model *model, enum frame_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < MODEL_FRAMES; i++) {
        count += model->frame[i] == (uint8_t)state ? 1 : 0;
    }
    return count;
}

static void check_usage(struct fixture *f)
{
    const struct page_frame_usage usage = frame_allocator_usage(&f->bump.allocator);
    KTEST_EQ(f->t, usage.used.value, model_count(&f->model, FRAME_USED));
    KTEST_EQ(f->t, usage.free.value, model_count(&f->model, FRAME_FREE));
    KTEST_EQ(f->t, usage.total.value, usage.used.value + usage.free.value);
}

/* One request on both sides. @return whether it was served. */
static bool allocate_on_both(struct fixture *f, uint32_t count)
{
    phys_addr_t base = phys_addr(0);
    const uint32_t expected = model_allocate(&f->model, count);
    const enum kstatus status =
        frame_allocator_allocate(&f->bump.allocator, page_frame_count(count), &base);
    KTEST_STATUS(f->t, status, expected == NOWHERE ? K_ENOMEM : K_OK);
    KTEST_EQ(f->t, base.value, expected == NOWHERE ? 0 : address_of(expected));
    check_usage(f);
    return status == K_OK;
}

static void visit_leftover(void *context, phys_addr_t base, page_frame_count_t count)
{
    struct fixture *const f = context;
    const uint64_t first = (base.value - MODEL_BASE) / PAGE_SIZE;
    KTEST_TRUE(f->t, count.value > 0);
    for (uint64_t i = first; i < first + count.value; i++) {
        if (KTEST_TRUE(f->t, i < MODEL_FRAMES)) {
            KTEST_EQ(f->t, f->model.frame[i], FRAME_FREE);
            f->model.frame[i] = FRAME_VISITED;
        }
    }
    /* Maximal: the frames around the run are not free; all runs so far were marked as visited. */
    const uint64_t behind = first + count.value;
    if (first > 0) {
        KTEST_TRUE(f->t, f->model.frame[first - 1] == FRAME_NONE ||
                             f->model.frame[first - 1] == FRAME_USED);
    }
    if (behind < MODEL_FRAMES) {
        KTEST_TRUE(f->t,
                   f->model.frame[behind] == FRAME_NONE || f->model.frame[behind] == FRAME_USED);
    }
}

static void run_round(struct ktest *t, uint64_t seed)
{
    struct fixture f = { .t = t };
    random_init(&f.random, seed);
    make_areas(&f);
    f.model.start = (uint32_t)random_below(&f.random, MODEL_FRAMES);
    bump_allocator_init(&f.bump, &f.areas, phys_addr(address_of(f.model.start) - 7));
    check_usage(&f);
    const uint64_t requests = random_below(&f.random, 120);
    for (uint64_t i = 0; i < requests; i++) {
        (void)allocate_on_both(&f, 1 + (uint32_t)random_below(&f.random, 20)); /* may fail */
    }
    bump_allocator_leftover(&f.bump, visit_leftover, &f);
    KTEST_EQ(t, model_count(&f.model, FRAME_FREE), 0);
}

static void bump_random_requests_agree_with_the_model(struct ktest *t)
{
    for (uint64_t round = 0; round < ROUNDS; round++) {
        const uint32_t failures = t->failures;
        run_round(t, t->seed * 1000 + round);
        if (t->failures != failures) {
            ktest_output("    # round %u\n", (unsigned)round);
            return;
        }
    }
}

/* Frame by frame to the end: every frame of the areas comes out, and then nothing more. */
static void bump_gives_every_frame_before_it_fails(struct ktest *t)
{
    struct fixture f = { .t = t };
    random_init(&f.random, t->seed);
    make_areas(&f);
    f.model.start = MODEL_FRAMES / 2;
    bump_allocator_init(&f.bump, &f.areas, phys_addr(address_of(f.model.start)));
    const uint32_t total = model_count(&f.model, FRAME_FREE);
    uint32_t served = 0;
    while (allocate_on_both(&f, 1)) {
        served++;
    }
    KTEST_EQ(t, served, total);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(bump_random_requests_agree_with_the_model),
    KTEST_CASE(bump_gives_every_frame_before_it_fails),
};
KTEST_SUITE(mm_bump_property, "mm.bump_property", cases);
