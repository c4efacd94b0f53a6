/* SPDX-License-Identifier: GPL-2.0-only
 *
 * monitor/line_editor: lines, corrections, escape sequences, hostile bytes.
 */
#include "monitor/line_editor.h"

#include <string.h>

#include "lib/random.h"
#include "tests/ktest.h"

struct fixture {
    struct line_editor editor;
    char shown[4096]; /* everything echoed, NUL-terminated */
    size_t shown_length;
};

static void note_echo(void *context, const char *text, size_t size_bytes)
{
    struct fixture *const f = context;
    if (f->shown_length + size_bytes < sizeof(f->shown)) {
        memcpy(f->shown + f->shown_length, text, size_bytes);
        f->shown_length += size_bytes;
        f->shown[f->shown_length] = '\0';
    }
}

static void start(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    line_editor_init(&f->editor, note_echo, f);
}

/* Feeds all of @p text. @return the last event that is not "nothing" */
static enum line_editor_event feed(struct fixture *f, const char *text)
{
    enum line_editor_event last = LINE_EDITOR_NOTHING;
    for (; *text != '\0'; text++) {
        const enum line_editor_event event = line_editor_feed(&f->editor, (uint8_t)*text);
        if (event != LINE_EDITOR_NOTHING) {
            last = event;
        }
    }
    return last;
}

/* Feeding @p input to a fresh editor gives the line @p expected. */
static void expect_line(struct ktest *t, const char *input, const char *expected)
{
    struct fixture f;
    start(&f);
    KTEST_EQ(t, feed(&f, input), LINE_EDITOR_LINE);
    KTEST_STRING(t, line_editor_text(&f.editor), expected);
}

static void line_editor_collects_and_echoes_a_line(struct ktest *t)
{
    struct fixture f;
    start(&f);
    KTEST_EQ(t, feed(&f, "help ~!"), LINE_EDITOR_NOTHING);
    KTEST_EQ(t, feed(&f, "\r"), LINE_EDITOR_LINE);
    KTEST_STRING(t, line_editor_text(&f.editor), "help ~!");
    KTEST_STRING(t, f.shown, "help ~!\n");
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
    struct fixture f;
    expect_line(t, "heap\x7f\x08lp\r", "help");
    expect_line(t, "\x7f\x08\x7f\r", "");
    expect_line(t, "wrong\x15right\r", "right");
    start(&f);
    feed(&f, "ab\x08");
    KTEST_STRING(t, f.shown, "ab\b \b");
    feed(&f, "c\x15");
    KTEST_STRING(t, f.shown, "ab\b \bc\b \b\b \b");
    KTEST_EQ(t, feed(&f, "\x08"), LINE_EDITOR_NOTHING);
    KTEST_STRING(t, f.shown, "ab\b \bc\b \b\b \b"); /* nothing left to erase */
}

static void line_editor_ctrl_c_drops_the_line(struct ktest *t)
{
    struct fixture f;
    start(&f);
    KTEST_EQ(t, feed(&f, "fault\x03"), LINE_EDITOR_CANCELLED);
    KTEST_STRING(t, f.shown, "fault^C\n");
    KTEST_EQ(t, feed(&f, "ok\r"), LINE_EDITOR_LINE);
    KTEST_STRING(t, line_editor_text(&f.editor), "ok");
}

static void line_editor_ignores_escape_sequences(struct ktest *t)
{
    expect_line(t, "a\x1b[A\x1b[1;5Cb\r", "ab"); /* arrow keys */
    expect_line(t, "a\x1bOPb\r", "ab");          /* F1 */
    expect_line(t, "a\x1b[3~b\r", "ab");         /* Delete */
    expect_line(t, "a\x1bxb\r", "ab");           /* Alt-x */
    expect_line(t, "a\x1b\x1b[Ab\r", "ab");
    expect_line(t, "a\x1b[12;\r", "a"); /* Enter counts even inside a sequence */
    struct fixture f;
    start(&f);
    KTEST_EQ(t, feed(&f, "a\x1b[1\x03"), LINE_EDITOR_CANCELLED);
}

static void line_editor_ignores_other_bytes(struct ktest *t)
{
    struct fixture f;
    expect_line(t,
                "a\tb\x01\x04\xc3\xa4\xff"
                "c\r",
                "abc");
    start(&f);
    KTEST_EQ(t, line_editor_feed(&f.editor, 0), LINE_EDITOR_NOTHING);
    KTEST_EQ(t, f.shown_length, 0);
}

static void line_editor_takes_the_longest_line(struct ktest *t)
{
    struct fixture f;
    start(&f);
    for (unsigned i = 0; i < LINE_EDITOR_MAX_BYTES - 1; i++) {
        feed(&f, "x");
    }
    KTEST_EQ(t, feed(&f, "\r"), LINE_EDITOR_LINE);
    KTEST_EQ(t, strlen(line_editor_text(&f.editor)), LINE_EDITOR_MAX_BYTES - 1);
    KTEST_TRUE(t, strchr(f.shown, '\a') == NULL);
}

static void line_editor_refuses_a_longer_line_with_a_bell(struct ktest *t)
{
    struct fixture f;
    start(&f);
    for (unsigned i = 0; i < LINE_EDITOR_MAX_BYTES; i++) {
        feed(&f, "x");
    }
    KTEST_TRUE(t, f.shown[f.shown_length - 1] == '\a');
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

/* Any bytes: lines hold printable characters only, fit, and match what the terminal shows. */
static void line_editor_survives_random_bytes(struct ktest *t)
{
    struct fixture f;
    struct random random;
    start(&f);
    random_init(&random, t->seed);
    uint32_t lines = 0;
    for (unsigned i = 0; i < 200000; i++) {
        const uint8_t byte =
            random_chance(&random, 98) ? (uint8_t)random_below(&random, 256) : (uint8_t)'\r';
        const enum line_editor_event event = line_editor_feed(&f.editor, byte);
        if (event == LINE_EDITOR_NOTHING) {
            continue;
        }
        if (event == LINE_EDITOR_LINE) {
            lines++;
            const char *const line = line_editor_text(&f.editor);
            KTEST_TRUE(t, strlen(line) == f.editor.length);
            for (const char *c = line; *c != '\0'; c++) {
                KTEST_TRUE(t, *c >= ' ' && *c <= '~');
            }
        }
        f.shown_length = 0;
    }
    KTEST_TRUE(t, lines > 1000);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(line_editor_collects_and_echoes_a_line),
    KTEST_CASE(line_editor_knows_cr_lf_and_both),
    KTEST_CASE(line_editor_erases),
    KTEST_CASE(line_editor_ctrl_c_drops_the_line),
    KTEST_CASE(line_editor_ignores_escape_sequences),
    KTEST_CASE(line_editor_ignores_other_bytes),
    KTEST_CASE(line_editor_takes_the_longest_line),
    KTEST_CASE(line_editor_refuses_a_longer_line_with_a_bell),
    KTEST_CASE(line_editor_survives_random_bytes),
};
KTEST_SUITE(monitor_line_editor, "monitor.line_editor", cases);
