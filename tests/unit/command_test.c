/* SPDX-License-Identifier: GPL-2.0-only
 *
 * monitor/command, command_input, progress and lockdown: how a line finds its command, what
 * interrupts one, and what is refused.
 */
#include "monitor/command.h"

#include <stdio.h>
#include <string.h>

#include "lockdown.h"
#include "monitor/progress.h"
#include "tests/fake/fake_console.h"
#include "tests/fake/fake_cpu.h"
#include "tests/ktest.h"

static char last_argument[64];
static unsigned run_count;

static void note(const char *argument)
{
    (void)snprintf(last_argument, sizeof(last_argument), "%s", argument); /* cut is all right */
    run_count++;
}

static const struct monitor_command commands[] = {
    { "report", "", "the report", "", note },
    { "reboot", "[now]", "the reset", "First line.\nSecond line.\n", note },
    { "re", "", "short", "", note },
};
static const struct monitor_command_table table = { commands, ARRAY_COUNT(commands) };

/* What @p line prints, with the count of commands that it ran. */
static const char *run(const char *line)
{
    fake_console_clear();
    last_argument[0] = '\0';
    run_count = 0;
    command_run(&table, line);
    return fake_console.text;
}

static void command_gets_the_rest_of_the_line(struct ktest *t)
{
    KTEST_STRING(t, run("  report   a  b "), "");
    KTEST_EQ(t, run_count, 1);
    KTEST_STRING(t, last_argument, "a  b ");
    KTEST_STRING(t, run("re"), "");
    KTEST_STRING(t, last_argument, "");
    KTEST_EQ(t, run_count, 1);
}

static void command_empty_line_does_nothing(struct ktest *t)
{
    KTEST_STRING(t, run(""), "");
    KTEST_STRING(t, run("    "), "");
    KTEST_EQ(t, run_count, 0);
}

static void command_part_of_a_name_is_never_guessed(struct ktest *t)
{
    KTEST_STRING(t, run("repo x"),
                 "unknown command \"repo\"; did you mean report; `help` lists them\n");
    KTEST_STRING(t, run("r"),
                 "unknown command \"r\"; did you mean report, reboot, re; `help` lists them\n");
    KTEST_STRING(t, run("reports"), "unknown command \"reports\"; `help` lists them\n");
    KTEST_STRING(t, run("Report"), "unknown command \"Report\"; `help` lists them\n");
    KTEST_STRING(t, run("%s%n\x80"), "unknown command \"%s%n\x80\"; `help` lists them\n");
    KTEST_EQ(t, run_count, 0);
}

static void command_long_junk_comes_back_cut(struct ktest *t)
{
    char junk[1025];
    memset(junk, 'j', sizeof(junk) - 1);
    junk[sizeof(junk) - 1] = '\0';
    KTEST_TRUE(t, strlen(run(junk)) < 100);
}

static void command_help_lists_and_explains(struct ktest *t)
{
    fake_console_clear();
    command_help(&table, "");
    KTEST_TRUE(t, strstr(fake_console.text, "  report     the report\n") != NULL);
    KTEST_TRUE(t, strstr(fake_console.text, "  reboot     the reset\n") != NULL);
    fake_console_clear();
    command_help(&table, " reboot ");
    KTEST_STRING(t, fake_console.text, "reboot [now]\nthe reset\nFirst line.\nSecond line.\n");
    fake_console_clear();
    command_help(&table, "rebo");
    KTEST_TRUE(t, strstr(fake_console.text, "did you mean reboot;") != NULL);
}

/* Reads all bytes that are there. */
static const char *typed_text(void)
{
    static char text[600];
    size_t length = 0;
    for (int byte = monitor_read_byte(); byte >= 0; byte = monitor_read_byte()) {
        text[length++] = (char)byte; /* as it was typed */
    }
    text[length] = '\0';
    return text;
}

static void command_input_keeps_what_is_typed_ahead(struct ktest *t)
{
    fake_console_clear();
    monitor_begin_command();
    fake_console.typed = "help\r";
    KTEST_FALSE(t, monitor_interrupted());
    fake_console.typed = "usage";
    KTEST_STRING(t, typed_text(), "help\rusage");
    KTEST_EQ(t, monitor_read_byte(), (uint64_t)-1);
}

static void command_input_ctrl_c_drops_what_was_typed_before_it(struct ktest *t)
{
    fake_console_clear();
    monitor_begin_command();
    fake_console.typed = "before\x03"
                         "after";
    KTEST_TRUE(t, monitor_interrupted());
    KTEST_TRUE(t, monitor_interrupted()); /* until the next command */
    KTEST_STRING(t, typed_text(), "after");
    monitor_begin_command();
    KTEST_FALSE(t, monitor_interrupted());
}

static void command_input_drops_the_end_of_a_flood(struct ktest *t)
{
    char flood[1001];
    memset(flood, 'x', sizeof(flood) - 1);
    flood[0] = 'F';
    flood[sizeof(flood) - 1] = '\0';
    fake_console_clear();
    monitor_begin_command();
    fake_console.typed = flood;
    for (unsigned i = 0; i < 10; i++) {
        KTEST_FALSE(t, monitor_interrupted());
    }
    const char *const text = typed_text();
    KTEST_EQ(t, strlen(text), 256);
    KTEST_TRUE(t, text[0] == 'F');
    fake_console.typed = "\x03"; /* and a flood does not hide a Ctrl-C */
    KTEST_TRUE(t, monitor_interrupted());
    monitor_begin_command();
}

static void lockdown_refuses_under_secure_boot_or_on_request(struct ktest *t)
{
    fake_console_clear();
    lockdown_init(false, false);
    KTEST_FALSE(t, lockdown_is_on());
    KTEST_FALSE(t, lockdown_refuses("poke"));
    KTEST_STRING(t, fake_console.text, "");
    lockdown_init(true, false);
    KTEST_TRUE(t, lockdown_refuses("poke"));
    KTEST_STRING(t, fake_console.text, "refused: poke: Secure Boot is on\n");
    fake_console_clear();
    lockdown_init(false, true);
    KTEST_TRUE(t, lockdown_refuses("fault"));
    KTEST_STRING(t, fake_console.text, "refused: fault: lockdown is on\n");
    lockdown_init(true, true);
    KTEST_TRUE(t, lockdown_is_on());
    lockdown_init(false, false);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(command_gets_the_rest_of_the_line),
    KTEST_CASE(command_empty_line_does_nothing),
    KTEST_CASE(command_part_of_a_name_is_never_guessed),
    KTEST_CASE(command_long_junk_comes_back_cut),
    KTEST_CASE(command_help_lists_and_explains),
    KTEST_CASE(command_input_keeps_what_is_typed_ahead),
    KTEST_CASE(command_input_ctrl_c_drops_what_was_typed_before_it),
    KTEST_CASE(command_input_drops_the_end_of_a_flood),
    KTEST_CASE(lockdown_refuses_under_secure_boot_or_on_request),
};
KTEST_SUITE(monitor_command, "monitor.command", cases);
