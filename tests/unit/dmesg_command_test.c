/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's `dmesg` and `log`: levels by name and number, wrong words, Ctrl-C.
 */
#include "monitor/dmesg_command.h"

#include <string.h>

#include "monitor/command.h"
#include "tests/fake/fake_console.h"
#include "tests/fake/fake_log.h"
#include "tests/ktest.h"

static const struct fake_log_line lines[] = {
    { 0, "p\n" }, { 3, "e\n" }, { 4, "w\n" }, { 6, "i\n" }, { 7, "d\n" },
};

static const char *print(void (*run)(const char *argument), const char *argument)
{
    fake_log.lines = lines;
    fake_log.line_count = ARRAY_COUNT(lines);
    fake_console_clear();
    monitor_begin_command();
    run(argument);
    return fake_console.text;
}

static void dmesg_prints_all_or_up_to_a_level(struct ktest *t)
{
    KTEST_STRING(t, print(dmesg_command, ""), "p\ne\nw\ni\nd\n");
    KTEST_STRING(t, print(dmesg_command, "  "), "p\ne\nw\ni\nd\n");
    KTEST_STRING(t, print(dmesg_command, "warning"), "p\ne\nw\n");
    KTEST_STRING(t, print(dmesg_command, "info "), "p\ne\nw\ni\n");
    KTEST_STRING(t, print(dmesg_command, "debug"), "p\ne\nw\ni\nd\n");
    KTEST_STRING(t, print(dmesg_command, "error"), "p\ne\n");
    KTEST_STRING(t, print(dmesg_command, "panic"), "p\n");
    KTEST_STRING(t, print(dmesg_command, "5"), "p\ne\nw\n");
    KTEST_STRING(t, print(dmesg_command, "0x0"), "p\n");
}

static void dmesg_and_log_refuse_what_is_no_level(struct ktest *t)
{
    static const char *const bad[] = { "8", "-1", "warn", "warnings", "6 7", "info x", "%s" };
    fake_log.level = 6;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        KTEST_TRUE(t, strstr(print(dmesg_command, bad[i]), "usage: dmesg") != NULL);
        KTEST_TRUE(t, strstr(print(log_command, bad[i]), "usage: log") != NULL);
        KTEST_EQ(t, fake_log.level, 6);
    }
}

static void dmesg_ends_at_ctrl_c(struct ktest *t)
{
    fake_log.lines = lines;
    fake_log.line_count = ARRAY_COUNT(lines);
    fake_console_clear();
    monitor_begin_command();
    fake_console.typed = "\x03";
    dmesg_command("");
    KTEST_STRING(t, fake_console.text, "p\n");
    monitor_begin_command();
}

static void log_sets_the_level_or_says_how_things_are(struct ktest *t)
{
    KTEST_STRING(t, print(log_command, "7"), "");
    KTEST_EQ(t, fake_log.level, 7);
    KTEST_STRING(t, print(log_command, "error"), "");
    KTEST_EQ(t, fake_log.level, 3);
    fake_log.counts = (struct printk_counts){ .lines = 1234, .missed = 5 };
    fake_log.serial = (struct serial8250){ .place = { .base = 0x2f8 },
                                           .fifo_bytes = 16,
                                           .dropped = 7,
                                           .overruns = 8,
                                           .garbled = 9,
                                           .breaks = 10 };
    KTEST_STRING(t, print(log_command, ""),
                 "level 3; 1234 lines logged, 5 never shown\n"
                 "serial port at 0x2f8, FIFO 16; dropped 7; received: overruns 8, garbled 9, "
                 "breaks 10\n");
}

static const struct ktest_case cases[] = {
    KTEST_CASE(dmesg_prints_all_or_up_to_a_level),
    KTEST_CASE(dmesg_and_log_refuse_what_is_no_level),
    KTEST_CASE(dmesg_ends_at_ctrl_c),
    KTEST_CASE(log_sets_the_level_or_says_how_things_are),
};
KTEST_SUITE(monitor_dmesg, "monitor.dmesg", cases);
