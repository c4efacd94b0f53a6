/* SPDX-License-Identifier: GPL-2.0-only
 *
 * monitor/line_editor with its keys, view and history: lines, corrections, the cursor, completion,
 * escape sequences, hostile bytes; what a terminal shows of it.
 */
#include "monitor/line_editor.h"

#include <stdlib.h>
#include <string.h>

#include "lib/random.h"
#include "tests/fake/fake_terminal.h"
#include "tests/ktest.h"

#define PROMPT "> "
#define LEFT   "\x1b[D"
#define RIGHT  "\x1b[C"
#define UP     "\x1b[A"
#define DOWN   "\x1b[B"

struct fixture {
    struct line_editor editor;
    struct fake_terminal terminal;
};

static const char *word(size_t index)
{
    static const char *const words[] = { "help", "report", "reboot", "usage", "re" };
    return index < sizeof(words) / sizeof(words[0]) ? words[index] : NULL;
}

static void start(struct fixture *f)
{
    struct line_view view;
    fake_terminal_init(&f->terminal);
    line_view_init(&view, fake_terminal_echo, &f->terminal, PROMPT, FAKE_TERMINAL_COLUMNS);
    line_editor_init(&f->editor, &view, word);
    line_editor_prompt(&f->editor);
}

/* Feeds all of @p text. @return the last event that is not "nothing" */
static enum line_editor_event feed(struct fixture *f, const char *text)
{
    enum line_editor_event last = LINE_EDITOR_NOTHING;
    for (; *text != '\0'; text++) {
        const enum line_editor_event event = line_editor_feed(&f->editor, (uint8_t)*text);
        if (event != LINE_EDITOR_NOTHING) {
            last = event;
            line_editor_prompt(&f->editor);
        }
    }
    return last;
}

/* Feeding @p input to a fresh editor gives the line @p expected, and the terminal showed it. */
static void expect_line(struct ktest *t, const char *input, const char *expected)
{
    struct fixture f;
    start(&f);
    KTEST_EQ(t, feed(&f, input), LINE_EDITOR_LINE);
    KTEST_STRING(t, line_editor_text(&f.editor), expected);
    char shown[FAKE_TERMINAL_COLUMNS];
    (void)strcpy(shown, PROMPT);
    (void)strcat(shown, expected); /* these lines are short */
    if (!KTEST_TRUE(t, fake_terminal_row_is(f.terminal.last_row, shown))) {
        ktest_output("    # on the terminal: %s\n", f.terminal.last_row);
    }
    KTEST_TRUE(t, f.terminal.error == NULL);
}

static void line_editor_collects_and_shows_a_line(struct ktest *t)
{
    struct fixture f;
    start(&f);
    KTEST_EQ(t, feed(&f, "help ~!"), LINE_EDITOR_NOTHING);
    KTEST_TRUE(t, fake_terminal_row_is(f.terminal.row, "> help ~!"));
    KTEST_EQ(t, f.terminal.written_bytes, strlen("> help ~!")); /* no byte twice */
    KTEST_EQ(t, feed(&f, "\r"), LINE_EDITOR_LINE);
    KTEST_STRING(t, line_editor_text(&f.editor), "help ~!");
    KTEST_EQ(t, feed(&f, "x\r"), LINE_EDITOR_LINE);
    KTEST_STRING(t, line_editor_text(&f.editor), "x");
}

static void line_editor_knows_cr_lf_and_both(struct ktest *t)
{
    struct fixture f;
    start(&f);
    KTEST_EQ(t, feed(&f, "a\r"), LINE_EDITOR_LINE);
    KTEST_EQ(t, line_editor_feed(&f.editor, '\n'), LINE_EDITOR_NOTHING); /* belongs to the CR */
    KTEST_EQ(t, line_editor_feed(&f.editor, '\n'), LINE_EDITOR_LINE);    /* an empty line */
    KTEST_STRING(t, line_editor_text(&f.editor), "");
    KTEST_EQ(t, line_editor_feed(&f.editor, '\r'), LINE_EDITOR_LINE);
    KTEST_EQ(t, line_editor_feed(&f.editor, '\r'), LINE_EDITOR_LINE);
    KTEST_EQ(t, line_editor_feed(&f.editor, 'b'), LINE_EDITOR_NOTHING);
    KTEST_EQ(t, line_editor_feed(&f.editor, '\n'), LINE_EDITOR_LINE);
    KTEST_STRING(t, line_editor_text(&f.editor), "b");
}

static void line_editor_erases(struct ktest *t)
{
    expect_line(t, "heap\x7f\x08lp\r", "help");
    expect_line(t, "\x7f\x08\x7f\r", "");
    expect_line(t, "wrong\x15right\r", "right");
    expect_line(t, "one two  \x17three\r", "one three");
    expect_line(t, "one\x17\x17two\r", "two");
    expect_line(t, "abc" LEFT LEFT "\x0b!\r", "a!");
    expect_line(t, "abc" LEFT "\x15!\r", "!c");
    expect_line(t, "abc\x1b[D\x1b[D\x1b[3~X\r", "aXc");
    expect_line(t, "abc\x01\x04\x04\r", "c");
    expect_line(t, "abc\x1b[3~\x04\r", "abc"); /* nothing under the cursor */
}

static void line_editor_moves_the_cursor(struct ktest *t)
{
    expect_line(t, "ac" LEFT "b\r", "abc");
    expect_line(t, "bc\x1b[Ha\x1b[F!\r", "abc!");
    expect_line(t, "bc\x1b[1~a\x1b[4~!\r", "abc!");
    expect_line(t,
                "bc\x01"
                "a\x05!\r",
                "abc!");
    expect_line(t, "b" LEFT LEFT LEFT "a" RIGHT RIGHT RIGHT "c\r", "abc");
    expect_line(t, "b\x1bODa\x1bOC!\r", "ab!");
    expect_line(t,
                "b\x02"
                "a\x06!\r",
                "ab!");
    expect_line(t, "b\x1b[1;5Da\r", "ab"); /* with a modifier */
    struct fixture f;
    start(&f);
    feed(&f, "abc" LEFT LEFT);
    KTEST_EQ(t, f.terminal.column, strlen(PROMPT) + 1);
    KTEST_EQ(t, feed(&f, "\r"), LINE_EDITOR_LINE); /* Enter takes all of it */
    KTEST_STRING(t, line_editor_text(&f.editor), "abc");
}

static void line_editor_history_goes_up_and_down(struct ktest *t)
{
    expect_line(t, "one\rtwo\r" UP "\r", "two");
    expect_line(t, "one\rtwo\r" UP UP "\r", "one");
    expect_line(t, "one\rtwo\r" UP UP UP UP DOWN "\r", "two");
    expect_line(t, "one\rdraft" UP DOWN "!\r", "draft!");
    expect_line(t, "one\r" UP "\x7f\x7fld\r" UP UP "\r", "one");
    expect_line(t, "one\r\r   \rone\rtwo\rtwo\r" UP UP "\r", "one");
    expect_line(t, DOWN UP "x\r", "x");
    expect_line(t, "long line\rab" UP DOWN "c\r", "abc");
}

static void line_editor_history_drops_the_oldest(struct ktest *t)
{
    struct fixture f;
    start(&f);
    char line[1002];
    memset(line, 'a', sizeof(line));
    line[1000] = '\r';
    line[1001] = '\0';
    for (char c = 'a'; c < 'i'; c++) { /* eight lines of 1,000 bytes: four fit */
        line[0] = c;
        KTEST_EQ(t, feed(&f, line), LINE_EDITOR_LINE);
    }
    KTEST_EQ(t, feed(&f, UP UP UP UP UP UP UP UP "\r"), LINE_EDITOR_LINE);
    KTEST_TRUE(t, line_editor_text(&f.editor)[0] == 'e');
    KTEST_EQ(t, strlen(line_editor_text(&f.editor)), 1000);
}

static void line_history_is_filled_to_the_last_byte(struct ktest *t)
{
    static struct line_history history;
    char line[1025];
    history.used_bytes = 0;
    memset(line, 'a', sizeof(line));
    line[1024] = '\0';
    line_history_add(&history, line); /* 1,025 bytes with its NUL */
    line[1023] = '\0';
    for (char c = 'b'; c < 'e'; c++) {
        line[0] = c;
        line_history_add(&history, line); /* 1,024 */
    }
    KTEST_EQ(t, history.used_bytes, 3072);
    line[0] = 'e';
    line_history_add(&history, line);
    KTEST_EQ(t, history.used_bytes, LINE_HISTORY_BYTES);
    KTEST_TRUE(t, line_history_get(&history, 3)[0] == 'b');
    KTEST_TRUE(t, line_history_get(&history, 4) == NULL);
}

static void line_editor_completes_the_first_word(struct ktest *t)
{
    struct fixture f;
    expect_line(t, "he\tx\r", "help x");
    expect_line(t, "  u\t\r", "  usage ");
    expect_line(t, "rep\t!\r", "report !");
    expect_line(t, "help\t\r", "help ");
    start(&f);
    feed(&f, "help u\t");
    KTEST_EQ(t, f.terminal.bells, 1); /* not the first word */
    feed(&f, "\x15xyz\t");
    KTEST_EQ(t, f.terminal.bells, 2); /* no such word */
    KTEST_TRUE(t, fake_terminal_row_is(f.terminal.row, "> xyz"));
}

static void line_editor_lists_what_a_word_can_become(struct ktest *t)
{
    struct fixture f;
    start(&f);
    feed(&f, "r\t");
    KTEST_TRUE(t, fake_terminal_row_is(f.terminal.row, "> re"));
    KTEST_EQ(t, f.terminal.rows, 0);
    feed(&f, "\t");
    KTEST_TRUE(t, fake_terminal_row_is(f.terminal.last_row, "report  reboot  re"));
    KTEST_TRUE(t, fake_terminal_row_is(f.terminal.row, "> re"));
    KTEST_EQ(t, feed(&f, "\r"), LINE_EDITOR_LINE); /* and none of them was chosen */
    KTEST_STRING(t, line_editor_text(&f.editor), "re");
}

static void line_editor_clears_the_screen(struct ktest *t)
{
    struct fixture f;
    start(&f);
    feed(&f, "abc" LEFT "\x0c");
    KTEST_EQ(t, f.terminal.clears, 1);
    KTEST_TRUE(t, fake_terminal_row_is(f.terminal.row, "> abc"));
    KTEST_EQ(t, f.terminal.column, strlen(PROMPT) + 2);
}

static void line_editor_ctrl_c_drops_the_line(struct ktest *t)
{
    struct fixture f;
    start(&f);
    KTEST_EQ(t, feed(&f, "fault" LEFT "\x03"), LINE_EDITOR_CANCELLED);
    KTEST_TRUE(t, fake_terminal_row_is(f.terminal.last_row, "> fault^C"));
    KTEST_EQ(t, feed(&f, "ok\r"), LINE_EDITOR_LINE);
    KTEST_STRING(t, line_editor_text(&f.editor), "ok");
}

static void line_editor_ignores_other_sequences(struct ktest *t)
{
    expect_line(t, "a\x1bOPb\r", "ab");                           /* F1 */
    expect_line(t, "a\x1b[15~b\x1b[5~\x1b[99999999999~\r", "ab"); /* F5, PgUp, none */
    expect_line(t, "a\x1bxb\r", "ab");                            /* Alt-x */
    expect_line(t, "a\x1b\x1b[Zb\r", "ab");
    expect_line(t, "a\x1b[12;\r", "a"); /* Enter counts even inside a sequence */
    struct fixture f;
    start(&f);
    KTEST_EQ(t, feed(&f, "a\x1b[1\x03"), LINE_EDITOR_CANCELLED);
}

static void line_editor_takes_a_bracketed_paste(struct ktest *t)
{
    expect_line(t, "\x1b[200~he\tlp\x1b[201~\r", "he lp"); /* Tab completes nothing there */
    expect_line(t, "\x1b[200~\x1b[201~he\t\r", "help ");
    expect_line(t, "\x1b[200~x\x03he\t\r", "help "); /* Ctrl-C ends it too */
}

static void line_editor_ignores_other_bytes(struct ktest *t)
{
    struct fixture f;
    expect_line(t,
                "a\x1d\x07\x1f\xc3\xa4\xff"
                "bc\r",
                "abc");
    start(&f);
    KTEST_EQ(t, line_editor_feed(&f.editor, 0), LINE_EDITOR_NOTHING);
    KTEST_EQ(t, f.terminal.written_bytes, strlen(PROMPT));
}

static void line_editor_takes_the_longest_line(struct ktest *t)
{
    struct fixture f;
    start(&f);
    for (unsigned i = 0; i < LINE_EDITOR_MAX_BYTES - 1; i++) {
        feed(&f, "x");
    }
    /* It moves sideways by half a row at a time: not drawn anew for every byte. */
    KTEST_TRUE(t, f.terminal.written_bytes < 8 * LINE_EDITOR_MAX_BYTES);
    KTEST_EQ(t, feed(&f, "\r"), LINE_EDITOR_LINE);
    KTEST_EQ(t, strlen(line_editor_text(&f.editor)), 1024);
    KTEST_EQ(t, f.terminal.bells, 0);
    KTEST_TRUE(t, f.terminal.error == NULL);
}

static void line_editor_refuses_a_longer_line_with_a_bell(struct ktest *t)
{
    struct fixture f;
    start(&f);
    for (unsigned i = 0; i < LINE_EDITOR_MAX_BYTES; i++) {
        feed(&f, "x");
    }
    KTEST_EQ(t, f.terminal.bells, 1);
    KTEST_EQ(t, feed(&f, "\r"), LINE_EDITOR_TOO_LONG);
    KTEST_EQ(t, feed(&f, "ok\r"), LINE_EDITOR_LINE);
    KTEST_STRING(t, line_editor_text(&f.editor), "ok");
    /* Who corrects it may have it. */
    for (unsigned i = 0; i < LINE_EDITOR_MAX_BYTES + 5; i++) {
        feed(&f, "y");
    }
    KTEST_EQ(t, feed(&f, "\x7f\r"), LINE_EDITOR_LINE);
    KTEST_EQ(t, strlen(line_editor_text(&f.editor)), LINE_EDITOR_MAX_BYTES - 2);
}

static void line_editor_shows_the_part_around_the_cursor(struct ktest *t)
{
    struct fixture f;
    start(&f);
    for (unsigned i = 0; i < 200; i++) {
        const char digit[] = { (char)('0' + i % 10), '\0' }; /* one digit */
        feed(&f, digit);
    }
    KTEST_TRUE(t, f.terminal.row[f.terminal.column - 1] == '9');
    feed(&f, "\x01"); /* home */
    KTEST_EQ(t, strncmp(f.terminal.row, PROMPT "0123456789", 12), 0);
    KTEST_EQ(t, f.terminal.column, strlen(PROMPT));
    feed(&f, "\x05"); /* end */
    KTEST_TRUE(t, f.terminal.row[f.terminal.column - 1] == '9');
    KTEST_TRUE(t, f.terminal.error == NULL);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(line_editor_collects_and_shows_a_line),
    KTEST_CASE(line_editor_knows_cr_lf_and_both),
    KTEST_CASE(line_editor_erases),
    KTEST_CASE(line_editor_moves_the_cursor),
    KTEST_CASE(line_editor_history_goes_up_and_down),
    KTEST_CASE(line_editor_history_drops_the_oldest),
    KTEST_CASE(line_history_is_filled_to_the_last_byte),
    KTEST_CASE(line_editor_completes_the_first_word),
    KTEST_CASE(line_editor_lists_what_a_word_can_become),
    KTEST_CASE(line_editor_clears_the_screen),
    KTEST_CASE(line_editor_ctrl_c_drops_the_line),
    KTEST_CASE(line_editor_ignores_other_sequences),
    KTEST_CASE(line_editor_takes_a_bracketed_paste),
    KTEST_CASE(line_editor_ignores_other_bytes),
    KTEST_CASE(line_editor_takes_the_longest_line),
    KTEST_CASE(line_editor_refuses_a_longer_line_with_a_bell),
    KTEST_CASE(line_editor_shows_the_part_around_the_cursor),
};
KTEST_SUITE(monitor_line_editor, "monitor.line_editor", cases);
