/* SPDX-License-Identifier: GPL-2.0-only
 *
 * log_ring and log_output: records of one to three slots, writers that are interrupted between
 * claim and publication, readers that are overtaken, outputs that take a few bytes at a time.
 */
#include "log_ring.h"

#include <stdio.h>
#include <string.h>

#include "log_output.h"
#include "printk.h"
#include "tests/ktest.h"

static struct log_ring ring;
static char out[65536];
static size_t out_bytes;
static size_t out_room; /* bytes that the output takes until somebody makes more */

static const struct log_clock clock_1mhz = { .base_ticks = 1000, .ticks_per_second = 1000000 };

static size_t put(const char *text, size_t size_bytes)
{
    const size_t taken = size_bytes < out_room ? size_bytes : out_room;
    memcpy(out + out_bytes, text, taken);
    out_bytes += taken;
    out_room -= taken;
    out[out_bytes] = '\0';
    return taken;
}

static struct log_output start(size_t room)
{
    memset(&ring, 0, sizeof(ring));
    out_bytes = 0;
    out[0] = '\0';
    out_room = room;
    return (struct log_output){ .put = put, .line_end = "\n", .chunk_bytes = 7 };
}

static struct log_record make(const char *text, uint32_t length)
{
    struct log_record record = { .stamp = 1234567, .level = LOG_LEVEL_INFO, .length = length };
    memcpy(record.text, text, length);
    return record;
}

static bool add(const char *text)
{
    const struct log_record record = make(text, (uint32_t)strlen(text));
    uint64_t position;
    if (!log_ring_claim(&ring, log_ring_parts(record.length), &position)) {
        return false;
    }
    log_ring_publish(&ring, position, &record);
    return true;
}

static void log_ring_gives_back_texts_of_every_length(struct ktest *t)
{
    char text[LOG_TEXT_MAX];
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)('!' + i % 90);
    }
    (void)start(0);
    uint64_t at = 0;
    for (uint32_t i = 0; i < 2 * (LOG_TEXT_MAX + 1); i++) {
        const uint32_t length = i % (LOG_TEXT_MAX + 1);
        const struct log_record record = make(text, length);
        struct log_record read = { 0 };
        uint64_t position;
        uint64_t next = 0;
        KTEST_TRUE(t, log_ring_claim(&ring, log_ring_parts(length), &position));
        KTEST_EQ(t, position, at);
        KTEST_EQ(t, log_ring_read(&ring, position, &read, &next), LOG_READ_NOT_YET);
        log_ring_publish(&ring, position, &record);
        KTEST_EQ(t, log_ring_read(&ring, position, &read, &next), LOG_READ_OK);
        KTEST_EQ(t, read.length, length);
        KTEST_EQ(t, memcmp(read.text, text, length), 0);
        KTEST_EQ(t, read.text[length], 0);
        KTEST_EQ(t, read.stamp, 1234567);
        at = next;
        log_ring_set_floor(&ring, at);
    }
    KTEST_TRUE(t, at > LOG_RING_SLOTS); /* it went round */
}

/* An NMI in the middle of a printk: the line that was begun first stays first, and whole. */
static void log_ring_waits_for_who_was_interrupted(struct ktest *t)
{
    struct log_output output = start(1000);
    const struct log_record outer = make("outer", 5);
    uint64_t position;
    KTEST_TRUE(t, add("before"));
    KTEST_TRUE(t, log_ring_claim(&ring, 1, &position));
    KTEST_TRUE(t, add("inner"));
    KTEST_TRUE(t, log_output_pump(&output, &ring, 7, &clock_1mhz));
    KTEST_STRING(t, out, "[    1.233567] before\n");
    log_ring_publish(&ring, position, &outer);
    KTEST_TRUE(t, log_output_pump(&output, &ring, 7, &clock_1mhz));
    KTEST_STRING(t, out, "[    1.233567] before\n[    1.233567] outer\n[    1.233567] inner\n");
}

static void log_ring_refuses_to_overwrite_what_was_not_shown(struct ktest *t)
{
    (void)start(0);
    for (uint32_t i = 0; i < LOG_RING_SLOTS; i++) {
        KTEST_TRUE(t, add("x"));
    }
    KTEST_FALSE(t, add("x"));
    log_ring_set_floor(&ring, 2);
    log_ring_set_floor(&ring, 1); /* never down */
    uint64_t position;
    KTEST_FALSE(t, log_ring_claim(&ring, 3, &position));
    KTEST_TRUE(t, log_ring_claim(&ring, 2, &position));
    KTEST_EQ(t, position, LOG_RING_SLOTS);
    KTEST_FALSE(t, log_ring_claim(&ring, 1, &position));
}

static void log_ring_tells_a_slow_reader_what_is_gone(struct ktest *t)
{
    struct log_record record;
    uint64_t next;
    (void)start(0);
    char text[200];
    memset(text, 'y', sizeof(text));
    text[199] = '\0';
    for (uint32_t i = 0; i < LOG_RING_SLOTS; i++) { /* two slots each */
        KTEST_TRUE(t, add(text));
        log_ring_set_floor(&ring, 2 * (i + 1));
    }
    KTEST_EQ(t, log_ring_oldest(&ring), LOG_RING_SLOTS);
    KTEST_EQ(t, log_ring_read(&ring, 0, &record, &next), LOG_READ_GONE);
    KTEST_EQ(t, log_ring_read(&ring, LOG_RING_SLOTS - 2, &record, &next), LOG_READ_GONE);
    KTEST_EQ(t, log_ring_read(&ring, LOG_RING_SLOTS, &record, &next), LOG_READ_OK);
    KTEST_EQ(t, log_ring_read(&ring, LOG_RING_SLOTS + 1, &record, &next), LOG_READ_INSIDE);
    struct log_output output = { .put = put, .line_end = "\n", .chunk_bytes = 300, .next = 0 };
    out_room = sizeof(out) - 1;
    KTEST_TRUE(t, add("last")); /* cuts the oldest in two */
    KTEST_TRUE(t, log_output_pump(&output, &ring, 7, &clock_1mhz));
    KTEST_EQ(t, output.missed, 1);
    KTEST_TRUE(t, strncmp(out, "[    1.233567] yyy", 18) == 0);
    KTEST_TRUE(t, strstr(out, "] last\n") != NULL);
    KTEST_EQ(t, out_bytes, (LOG_RING_SLOTS / 2 - 1) * 215 + 20);
}

static void log_output_goes_on_where_it_stopped(struct ktest *t)
{
    struct log_output output = start(0);
    KTEST_TRUE(t, add("one"));
    KTEST_TRUE(t, add("two"));
    uint32_t calls = 0;
    do {
        out_room = 3;
        calls++;
    } while (!log_output_pump(&output, &ring, 7, &clock_1mhz) && calls < 100);
    KTEST_STRING(t, out, "[    1.233567] one\n[    1.233567] two\n");
    KTEST_EQ(t, calls, 13);
}

static void log_output_shows_levels_and_stamps(struct ktest *t)
{
    struct log_output output = start(1000);
    static const int levels[] = { 0, 3, 4, 6, 7 };
    for (size_t i = 0; i < ARRAY_COUNT(levels); i++) {
        struct log_record record = make("text", 4);
        uint64_t position;
        record.level = (uint8_t)levels[i];
        KTEST_TRUE(t, log_ring_claim(&ring, 1, &position));
        log_ring_publish(&ring, position, &record);
    }
    struct log_record plain = make("firstlight: here", 16);
    plain.is_plain = true;
    plain.level = 0;
    uint64_t position;
    KTEST_TRUE(t, log_ring_claim(&ring, 1, &position));
    log_ring_publish(&ring, position, &plain);
    KTEST_TRUE(t, log_output_pump(&output, &ring, 6, &clock_1mhz));
    KTEST_STRING(t, out,
                 "[    1.233567] PANIC: text\n[    1.233567] error: text\n"
                 "[    1.233567] warning: text\n[    1.233567] text\nfirstlight: here\n");
    char line[LOG_LINE_BYTES];
    const struct log_clock none = { .base_ticks = 234567 };
    struct log_record record = make("tab\there\x1b[2J", 12);
    (void)log_format_line(&record, &none, "\r\n", line);
    KTEST_STRING(t, line, "[     1000000] tab?here?[2J\r\n");
    record.stamp = 5; /* from before the base: never a huge number */
    (void)log_format_line(&record, &clock_1mhz, "", line);
    KTEST_STRING(t, line, "[    0.000000] tab?here?[2J");
}

/* The longest stamp, level, text and end of line. */
static void log_line_fits_whatever_it_holds(struct ktest *t)
{
    char text[LOG_TEXT_MAX];
    char line[LOG_LINE_BYTES];
    memset(text, 'z', sizeof(text));
    struct log_record record = make(text, LOG_TEXT_MAX);
    record.stamp = UINT64_MAX;
    record.level = LOG_LEVEL_WARNING;
    static const struct log_clock clocks[] = { { 0, 0 }, { 0, 1 }, { 0, 999999999999 } };
    for (size_t i = 0; i < ARRAY_COUNT(clocks); i++) {
        const size_t length = log_format_line(&record, &clocks[i], "\r\n", line);
        KTEST_TRUE(t, length < LOG_LINE_BYTES);
        KTEST_EQ(t, length, strlen(line));
        KTEST_STRING(t, line + length - 3, "z\r\n");
    }
}

static void log_output_skips_for_who_takes_nothing(struct ktest *t)
{
    struct log_output output = start(0);
    KTEST_FALSE(t, log_output_skip(&output, &ring));
    KTEST_TRUE(t, add("one"));
    KTEST_TRUE(t, add("two"));
    KTEST_TRUE(t, log_output_skip(&output, &ring));
    out_room = 1000;
    KTEST_TRUE(t, log_output_pump(&output, &ring, 7, &clock_1mhz));
    KTEST_STRING(t, out, "[    1.233567] two\n");
    KTEST_EQ(t, output.missed, 1);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(log_ring_gives_back_texts_of_every_length),
    KTEST_CASE(log_ring_waits_for_who_was_interrupted),
    KTEST_CASE(log_ring_refuses_to_overwrite_what_was_not_shown),
    KTEST_CASE(log_ring_tells_a_slow_reader_what_is_gone),
    KTEST_CASE(log_output_goes_on_where_it_stopped),
    KTEST_CASE(log_output_shows_levels_and_stamps),
    KTEST_CASE(log_line_fits_whatever_it_holds),
    KTEST_CASE(log_output_skips_for_who_takes_nothing),
};
KTEST_SUITE(kernel_log, "kernel.log", cases);
