/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The log in the running kernel: what is kept, in which order, what an exception adds to it.
 */
#include <string.h>

#include "arch/x86_64/trap.h"
#include "printk.h"
#include "printk_control.h"
#include "tests/ktest.h"

/* What a walk over the kept lines found; printk_history() passes no context. */
static struct {
    const char *wanted[3];
    uint32_t found; /* of them, in this order */
    uint32_t lines;
    uint32_t out_of_order; /* stamps that go back */
    uint64_t last_stamp;
} walk;

/* Digits of "[    1.234567]" as one number; 0 for a line without a stamp. */
static uint64_t stamp_of(const char *line)
{
    uint64_t stamp = 0;
    if (line[0] != '[') {
        return 0;
    }
    for (const char *at = line + 1; *at != ']' && *at != '\n'; at++) {
        stamp = *at >= '0' && *at <= '9' ? stamp * 10 + (uint64_t)(*at - '0') : stamp;
    }
    return stamp;
}

static bool ends_with(const char *line, size_t size_bytes, const char *end)
{
    const size_t length = strlen(end);
    return size_bytes > length && memcmp(line + size_bytes - 1 - length, end, length) == 0;
}

static bool look(const char *line, size_t size_bytes)
{
    const uint64_t stamp = stamp_of(line);
    walk.lines++;
    if (stamp != 0) {
        walk.out_of_order += stamp < walk.last_stamp ? 1 : 0;
        walk.last_stamp = stamp;
    }
    if (walk.found < ARRAY_COUNT(walk.wanted) && walk.wanted[walk.found] != NULL &&
        ends_with(line, size_bytes, walk.wanted[walk.found])) {
        walk.found++;
    }
    return true;
}

static void look_for(const char *first, const char *second, const char *third)
{
    memset(&walk, 0, sizeof(walk));
    walk.wanted[0] = first;
    walk.wanted[1] = second;
    walk.wanted[2] = third;
    printk_history(LOG_LEVEL_DEBUG, look);
}

static void log_keeps_lines_that_the_console_does_not_show(struct ktest *t)
{
    pr_debug("log self-test: quiet line");
    look_for("log self-test: quiet line", NULL, NULL);
    KTEST_EQ(t, walk.found, 1);
    KTEST_EQ(t, walk.out_of_order, 0);
    KTEST_TRUE(t, walk.lines > 10);
}

static void log_takes_lines_from_an_exception_in_their_place(struct ktest *t)
{
    struct trap_frame frame = { .vector = TRAP_BREAKPOINT, .rip = 0x5e1f };
    pr_debug("log self-test: before");
    trap_dispatch(&frame);
    pr_debug("log self-test: behind");
    look_for("log self-test: before",
             "breakpoint at 0x0000000000005e1e (outside the kernel's code): going on",
             "log self-test: behind");
    KTEST_EQ(t, walk.found, 3);
}

static void log_lost_nothing(struct ktest *t)
{
    struct printk_counts counts;
    printk_counts(&counts);
    KTEST_TRUE(t, counts.lines > 10);
    KTEST_EQ(t, counts.missed, 0);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(log_keeps_lines_that_the_console_does_not_show),
    KTEST_CASE(log_takes_lines_from_an_exception_in_their_place),
    KTEST_CASE(log_lost_nothing),
};
KTEST_SUITE(kernel_log, "kernel.log", cases);
