/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Every sequence of DEPTH calls on a page-frame allocator with 16 free frames, against a model that
 * is one bit a frame:
 *
 *     frame     0 .............. 15 | 16 17        16 free frames, aligned; metadata
 *     calls     allocate order 0 .. 5; free the first, second ... block that is out
 *
 * The model does not say which block is handed out; it says whether there is one, and that it was
 * free. Run on a CPU with a cache and on one without.
 */
#include <arch/physmap.h>

#include "mm/buddy_allocator.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define DEPTH      6U
#define FRAMES     16U
#define METADATA   2U
#define BASE       (UINT64_C(64) << 20)
#define ORDERS     6U /* 0 .. 5: the last one never fits */
#define ALL_FREE   ((1U << FRAMES) - 1U)
#define CPU_CACHED 0U
#define CPU_BARE   9U

struct live {
    unsigned frame;
    unsigned order;
};

struct state {
    struct ktest *t;
    uint32_t free; /* bit f: frame f is free */
    unsigned live_count;
    struct live live[DEPTH];
};

static struct buddy_allocator buddy;
static struct buddy_cpu_cache caches[1];

static void start(struct state *s, struct ktest *t)
{
    fake_ram_fill(BASE, (FRAMES + METADATA) * PAGE_SIZE, 0x5a);
    buddy_init(&buddy, caches, 1);
    *s = (struct state){ .t = t, .free = ALL_FREE };
    KTEST_STATUS(t, buddy_add_region(&buddy, phys_addr(BASE), page_frame_count(FRAMES + METADATA)),
                 K_OK);
    KTEST_EQ(t, buddy_usage(&buddy).free.value, FRAMES);
}

static uint32_t block_mask(unsigned frame, unsigned order)
{
    return (uint32_t)(bits_mask(1U << order) << frame);
}

static bool has_block(uint32_t free, unsigned order)
{
    for (unsigned frame = 0; frame + BIT(order) <= FRAMES; frame += 1U << order) {
        if ((free & block_mask(frame, order)) == block_mask(frame, order)) {
            return true;
        }
    }
    return false;
}

static void do_allocate(struct state *s, unsigned order)
{
    phys_addr_t base = { 0 };
    const bool is_taken = buddy_allocate(&buddy, order, &base) == K_OK;
    KTEST_TRUE(s->t, is_taken == has_block(s->free, order));
    if (!is_taken) {
        return;
    }
    const unsigned frame = (unsigned)((base.value - BASE) >> PAGE_SHIFT);
    const uint32_t mask = block_mask(frame, order);
    KTEST_TRUE(s->t, frame < FRAMES && bits_is_aligned(frame, BIT(order)));
    KTEST_EQ(s->t, s->free & mask, mask);
    s->free &= ~mask;
    s->live[s->live_count++] = (struct live){ frame, order };
}

static void do_free(struct state *s, unsigned index)
{
    const struct live block = s->live[index];
    const phys_addr_t base = phys_addr(BASE + block.frame * PAGE_SIZE);
    KTEST_STATUS(s->t, buddy_free(&buddy, base, block.order), K_OK);
    s->free |= block_mask(block.frame, block.order);
    s->live[index] = s->live[--s->live_count];
}

/* Call number `call` of those that are possible now. @return false: there are not so many */
static bool do_call(struct state *s, unsigned call)
{
    if (call < ORDERS) {
        do_allocate(s, call);
        return true;
    }
    if (call - ORDERS < s->live_count) {
        do_free(s, call - ORDERS);
        return true;
    }
    return false;
}

/* Runs one sequence. @return how many of its calls were possible */
static unsigned run(struct state *s, const unsigned *calls)
{
    unsigned done = 0;
    while (done < DEPTH && do_call(s, calls[done])) {
        KTEST_EQ(s->t, buddy_usage(&buddy).free.value, bits_count(s->free));
        done++;
    }
    return done;
}

/* The sequence after `calls` in the order of numbers, given that call `done` (or the last one) was
 * not possible or is used up. @return false: that was the last */
static bool next_sequence(unsigned *calls, unsigned done)
{
    unsigned place = done;
    if (done == DEPTH) {
        place = DEPTH - 1U;
        calls[place]++;
        return true;
    }
    calls[place] = 0;
    if (place == 0) {
        return false;
    }
    calls[place - 1U]++;
    return true;
}

static void run_all(struct ktest *t, uint32_t cpu)
{
    unsigned calls[DEPTH] = { 0 };
    unsigned done;
    uint64_t sequences = 0;
    fake_cpu_reset();
    fake_cpu_set_number(cpu);
    fake_ram_reset();
    fake_log_reset();
    fake_ram_add(BASE, (FRAMES + METADATA) * PAGE_SIZE);
    do {
        struct state s;
        start(&s, t);
        done = run(&s, calls);
        if (done == DEPTH) {
            KTEST_STATUS(t, buddy_validate(&buddy), K_OK);
            sequences++;
        }
    } while (t->failures == 0 && next_sequence(calls, done));
    fake_cpu_set_number(0);
    KTEST_TRUE(t, sequences > 100000);
}

static void buddy_every_short_sequence_agrees_with_the_model(struct ktest *t)
{
    run_all(t, CPU_BARE);
}

static void buddy_every_short_sequence_agrees_where_blocks_are_cached(struct ktest *t)
{
    run_all(t, CPU_CACHED);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(buddy_every_short_sequence_agrees_with_the_model),
    KTEST_CASE(buddy_every_short_sequence_agrees_where_blocks_are_cached),
};
KTEST_SUITE(mm_buddy_sequences, "mm.buddy.sequences", cases);
