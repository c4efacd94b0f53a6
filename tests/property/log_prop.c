/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The log against a model: a list of lines in the order of their claims. Random writers, up to
 * three inside of each other, publish in any order; two outputs with different appetites read on;
 * the level changes. At the end, and whenever nothing is in the middle, each output has written
 * exactly the lines of the model that its level let through, and the history holds the newest.
 */
#include <stdio.h>
#include <string.h>

#include "lib/random.h"
#include "log_output.h"
#include "log_ring.h"
#include "tests/ktest.h"

#define ROUNDS     12U
#define STEPS      3000U
#define NESTED_MAX 3U
#define OUT_BYTES  (1U << 20)
#define OUTPUTS    2U

struct pending {
    uint64_t position;
    struct log_record record;
};

static struct log_ring ring;
static const struct log_clock no_clock = { 0, 0 };
/* Of each output: what it wrote, what it should have, what it takes now. */
static struct {
    char wrote[OUT_BYTES];
    size_t wrote_bytes;
    char expected[OUT_BYTES];
    size_t expected_bytes;
    size_t room;
} world[OUTPUTS];

static size_t put(unsigned number, const char *text, size_t size_bytes)
{
    const size_t taken = size_bytes < world[number].room ? size_bytes : world[number].room;
    memcpy(world[number].wrote + world[number].wrote_bytes, text, taken);
    world[number].wrote_bytes += taken;
    world[number].room -= taken;
    return taken;
}

static size_t put_0(const char *text, size_t size_bytes)
{
    return put(0, text, size_bytes);
}

static size_t put_1(const char *text, size_t size_bytes)
{
    return put(1, text, size_bytes);
}

static const int levels[OUTPUTS] = { 4, 7 };

static void expect(const struct log_record *record)
{
    char line[LOG_LINE_BYTES];
    const size_t length = log_format_line(record, &no_clock, "\n", line);
    for (unsigned i = 0; i < OUTPUTS; i++) {
        if (record->level <= levels[i] && world[i].expected_bytes + length <= OUT_BYTES) {
            memcpy(world[i].expected + world[i].expected_bytes, line, length);
            world[i].expected_bytes += length;
        }
    }
}

static struct log_record random_record(struct random *random, uint64_t number)
{
    struct log_record record = { .stamp = number, .level = (uint8_t)random_below(random, 8) };
    record.length =
        (uint32_t)random_below(random, random_chance(random, 30) ? LOG_TEXT_MAX + 1 : 60);
    for (uint32_t i = 0; i < record.length; i++) {
        record.text[i] = (char)('a' + (number + i) % 26);
    }
    return record;
}

struct state {
    struct random random;
    struct log_output outputs[OUTPUTS];
    struct pending pending[NESTED_MAX];
    uint32_t pending_count;
    uint64_t claimed;
    uint64_t refused;
};

static void pump(struct state *s, unsigned number, size_t room)
{
    world[number].room = room;
    (void)log_output_pump(&s->outputs[number], &ring, levels[number], &no_clock);
    const uint64_t a = s->outputs[0].next;
    const uint64_t b = s->outputs[1].next;
    log_ring_set_floor(&ring, a < b ? a : b);
}

static void publish_last(struct state *s)
{
    s->pending_count--;
    log_ring_publish(&ring, s->pending[s->pending_count].position,
                     &s->pending[s->pending_count].record);
}

/* A writer begins, inside of the one that was interrupted. */
static void claim(struct state *s)
{
    struct pending *const p = &s->pending[s->pending_count];
    p->record = random_record(&s->random, s->claimed);
    if (!log_ring_claim(&ring, log_ring_parts(p->record.length), &p->position)) {
        s->refused++;
        return;
    }
    s->claimed++;
    s->pending_count++;
    expect(&p->record);
}

static void step(struct state *s)
{
    switch (random_below(&s->random, 4)) {
    case 0:
    case 1:
        if (s->pending_count < NESTED_MAX) {
            claim(s);
        }
        break;
    case 2:
        if (s->pending_count > 0) {
            publish_last(s);
        }
        break;
    default:
        pump(s, (unsigned)random_below(&s->random, OUTPUTS), random_below(&s->random, 120));
        break;
    }
}

static void settle(struct state *s)
{
    while (s->pending_count > 0) {
        publish_last(s);
    }
    pump(s, 0, OUT_BYTES);
    pump(s, 1, OUT_BYTES);
}

static bool agrees(unsigned number)
{
    return world[number].wrote_bytes == world[number].expected_bytes &&
           memcmp(world[number].wrote, world[number].expected, world[number].wrote_bytes) == 0;
}

/* The kept records are the newest ones, in order, with nothing missing between them. */
static bool history_is_sound(const struct state *s)
{
    uint64_t position = log_ring_oldest(&ring);
    uint64_t last = UINT64_MAX;
    struct log_record record;
    for (;;) {
        uint64_t next = position + 1;
        const enum log_read result = log_ring_read(&ring, position, &record, &next);
        if (result == LOG_READ_NOT_YET) {
            return last + 1 == s->claimed;
        }
        if (result == LOG_READ_GONE ||
            (result == LOG_READ_OK && last != UINT64_MAX && record.stamp != last + 1)) {
            return false;
        }
        last = result == LOG_READ_OK ? record.stamp : last;
        position = next;
    }
}

static void log_agrees_with_model(struct ktest *t)
{
    static struct state s;
    uint64_t refused = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        memset(&ring, 0, sizeof(ring));
        memset(world, 0, sizeof(world));
        s = (struct state){ .outputs = { { .put = put_0, .line_end = "\n", .chunk_bytes = 1 },
                                         { .put = put_1, .line_end = "\n", .chunk_bytes = 999 } } };
        random_init(&s.random, t->seed + round);
        for (uint32_t i = 0; i < STEPS; i++) {
            step(&s);
        }
        settle(&s);
        KTEST_TRUE(t, agrees(0));
        KTEST_TRUE(t, agrees(1));
        KTEST_TRUE(t, history_is_sound(&s));
        KTEST_EQ(t, s.outputs[0].missed + s.outputs[1].missed, 0);
        refused += s.refused;
    }
    KTEST_TRUE(t, refused > 0); /* it was full at times */
}

static const struct ktest_case cases[] = { KTEST_CASE(log_agrees_with_model) };
KTEST_SUITE(kernel_log_prop, "kernel.log_prop", cases);
