/* SPDX-License-Identifier: GPL-2.0-only
 *
 * monitor/line_editor against a model: a plain string and a cursor, changed by the most obvious
 * code. Random keys, as bytes of all their spellings. After each the text and the cursor are the
 * model's, and a terminal that knows no tricks shows the prompt and a window of the text with the
 * cursor at its place.
 */
#include "monitor/line_editor.h"

#include <stdio.h>
#include <string.h>

#include "lib/random.h"
#include "tests/fake/fake_terminal.h"
#include "tests/ktest.h"

#define PROMPT        "prompt> "
#define STEPS         60000U
#define HISTORY_LINES LINE_HISTORY_BYTES /* no more than these fit */
#define LINE_BYTES    512U

struct model {
    char text[LINE_BYTES];
    size_t cursor;
    char lines[HISTORY_LINES + 1][LINE_BYTES]; /* the newest first */
    size_t line_count;
    size_t age;
    char draft[LINE_BYTES];
};

struct fixture {
    struct random random;
    struct line_editor editor;
    struct fake_terminal terminal;
    struct model model;
};

static void model_remove(struct model *m, size_t start, size_t end)
{
    char rest[LINE_BYTES];
    (void)strcpy(rest, m->text + end); /* the same size */
    (void)strcpy(m->text + start, rest);
    m->cursor = start;
}

static void model_insert(struct model *m, char c)
{
    char rest[LINE_BYTES];
    (void)strcpy(rest, m->text + m->cursor); /* the same size */
    m->text[m->cursor++] = c;
    (void)strcpy(m->text + m->cursor, rest);
}

static size_t model_word(const struct model *m)
{
    size_t at = m->cursor;
    for (; at > 0 && m->text[at - 1] == ' '; at--) {}
    for (; at > 0 && m->text[at - 1] != ' '; at--) {}
    return at;
}

static void model_recall(struct model *m, bool up)
{
    if (up ? m->age == m->line_count : m->age == 0) {
        return;
    }
    if (up && m->age == 0) {
        (void)strcpy(m->draft, m->text); /* the same size */
    }
    m->age = up ? m->age + 1 : m->age - 1;
    (void)strcpy(m->text, m->age == 0 ? m->draft : m->lines[m->age - 1]);
    m->cursor = strlen(m->text);
}

/* The newest lines whose bytes and NULs fit. */
static void model_drop_old(struct model *m)
{
    size_t bytes = 0;
    size_t kept = 0;
    while (kept < m->line_count && bytes + strlen(m->lines[kept]) + 1 <= LINE_HISTORY_BYTES) {
        bytes += strlen(m->lines[kept]) + 1;
        kept++;
    }
    m->line_count = kept;
}

static void model_end(struct model *m)
{
    if (m->text[0] != '\0' && (m->line_count == 0 || strcmp(m->text, m->lines[0]) != 0)) {
        memmove(m->lines[1], m->lines[0], m->line_count * sizeof(m->lines[0]));
        (void)strcpy(m->lines[0], m->text); /* the same size */
        m->line_count++;
        model_drop_old(m);
    }
    m->text[0] = '\0';
    m->cursor = 0;
    m->age = 0;
}

/* Keys with all their spellings; `what` is what the model does. */
static const struct {
    char what;
    const char *bytes[4];
} keys[] = {
    { 'L', { "\x1b[D", "\x1bOD", "\x02", "\x1b[1;5D" } },
    { 'R', { "\x1b[C", "\x1bOC", "\x06", "\x1b[1;2C" } },
    { 'H', { "\x1b[H", "\x1bOH", "\x01", "\x1b[1~" } },
    { 'E', { "\x1b[F", "\x1bOF", "\x05", "\x1b[4~" } },
    { 'B', { "\x7f", "\x08", "\x7f", "\x08" } },
    { 'D', { "\x1b[3~", "\x04", "\x1b[3~", "\x04" } },
    { 'K', { "\x0b", "\x0b", "\x0b", "\x0b" } },
    { 'W', { "\x17", "\x17", "\x17", "\x17" } },
    { 'U', { "\x15", "\x15", "\x15", "\x15" } },
    { 'u', { "\x1b[A", "\x1bOA", "\x10", "\x1b[A" } },
    { 'd', { "\x1b[B", "\x1bOB", "\x0e", "\x1b[B" } },
    { 'l', { "\x0c", "\x0c", "\x0c", "\x0c" } },
    { '-', { "\x1b[5~", "\x1bOP", "\xe4", "\x1b[200~" } },
    { '-', { "\x1b[201~", "\x07", "\x1bq", "\x1b[?1;2c" } },
};

static void model_apply(struct model *m, char what)
{
    const size_t length = strlen(m->text);
    switch (what) {
    case 'L':
        m->cursor -= m->cursor > 0 ? 1 : 0;
        break;
    case 'R':
        m->cursor += m->cursor < length ? 1 : 0;
        break;
    case 'H':
        m->cursor = 0;
        break;
    case 'E':
        m->cursor = length;
        break;
    case 'B':
        model_remove(m, m->cursor > 0 ? m->cursor - 1 : 0, m->cursor);
        break;
    case 'D':
        model_remove(m, m->cursor, m->cursor < length ? m->cursor + 1 : m->cursor);
        break;
    case 'K':
        model_remove(m, m->cursor, length);
        break;
    case 'W':
        model_remove(m, model_word(m), m->cursor);
        break;
    case 'U':
        model_remove(m, 0, m->cursor);
        break;
    case 'u':
    case 'd':
        model_recall(m, what == 'u');
        break;
    default:
        break;
    }
}

static void feed(struct fixture *f, const char *bytes)
{
    for (; *bytes != '\0'; bytes++) {
        (void)line_editor_feed(&f->editor, (uint8_t)*bytes); /* no Enter among them */
    }
}

/* Whether text, cursor and terminal are what the model says. */
static bool agrees(const struct fixture *f)
{
    const struct model *const m = &f->model;
    const size_t first = f->editor.view.first;
    const size_t length = strlen(m->text);
    char shown[FAKE_TERMINAL_COLUMNS + 1];
    if (first > m->cursor || first > length || f->terminal.error != NULL) {
        return false;
    }
    (void)snprintf(shown, sizeof(shown), "%s%.*s", PROMPT,
                   (int)(FAKE_TERMINAL_COLUMNS - 3 - strlen(PROMPT)), m->text + first); /* < 80 */
    return strcmp(f->editor.text, m->text) == 0 && f->editor.cursor == m->cursor &&
           fake_terminal_row_is(f->terminal.row, shown) &&
           f->terminal.column == strlen(PROMPT) + m->cursor - first;
}

static void press_key(struct fixture *f)
{
    const size_t key = random_below(&f->random, sizeof(keys) / sizeof(keys[0]));
    feed(f, keys[key].bytes[random_below(&f->random, 4)]);
    model_apply(&f->model, keys[key].what);
}

static void type_text(struct fixture *f)
{
    const uint64_t count = 1 + random_below(&f->random, random_chance(&f->random, 10) ? 120 : 6);
    for (uint64_t i = 0; i < count && strlen(f->model.text) < 400; i++) {
        const char c =
            random_chance(&f->random, 20) ? ' ' : (char)('!' + random_below(&f->random, 94));
        const char bytes[] = { c, '\0' };
        feed(f, bytes);
        model_insert(&f->model, c);
    }
}

static bool press_enter(struct fixture *f)
{
    const enum line_editor_event event = line_editor_feed(&f->editor, '\n');
    const bool good =
        event == LINE_EDITOR_LINE && strcmp(line_editor_text(&f->editor), f->model.text) == 0;
    line_editor_prompt(&f->editor);
    (void)line_editor_feed(&f->editor, 0); /* a byte that does nothing starts the next line */
    model_end(&f->model);
    return good;
}

static bool step(struct fixture *f)
{
    if (random_chance(&f->random, 3)) {
        return press_enter(f) && agrees(f);
    }
    if (random_chance(&f->random, 45)) {
        type_text(f);
    } else {
        press_key(f);
    }
    return agrees(f);
}

static void line_editor_and_terminal_agree_with_a_model(struct ktest *t)
{
    static struct fixture f;
    struct line_view view;
    f = (struct fixture){ .model = { .cursor = 0 } };
    random_init(&f.random, t->seed);
    fake_terminal_init(&f.terminal);
    line_view_init(&view, fake_terminal_echo, &f.terminal, PROMPT, FAKE_TERMINAL_COLUMNS);
    line_editor_init(&f.editor, &view, NULL);
    line_editor_prompt(&f.editor);
    for (unsigned i = 0; i < STEPS; i++) {
        if (!KTEST_TRUE(t, step(&f))) {
            ktest_output("    # step %u: \"%s\" cursor %zu, terminal \"%s\" column %zu, %s\n", i,
                         f.model.text, f.model.cursor, f.terminal.row, f.terminal.column,
                         f.terminal.error != NULL ? f.terminal.error : "no error");
            return;
        }
    }
}

/* Any bytes: lines hold printable characters only, fit, and the terminal is never misused. */
static void line_editor_survives_random_bytes(struct ktest *t)
{
    static struct fixture f;
    struct line_view view;
    f = (struct fixture){ .model = { .cursor = 0 } };
    random_init(&f.random, t->seed);
    fake_terminal_init(&f.terminal);
    line_view_init(&view, fake_terminal_echo, &f.terminal, PROMPT, FAKE_TERMINAL_COLUMNS);
    line_editor_init(&f.editor, &view, NULL);
    line_editor_prompt(&f.editor);
    uint32_t lines = 0;
    for (unsigned i = 0; i < 200000; i++) {
        const uint8_t byte = (uint8_t)random_below(&f.random, 256);
        const enum line_editor_event event = line_editor_feed(&f.editor, byte);
        if (event == LINE_EDITOR_NOTHING) {
            continue;
        }
        lines += event == LINE_EDITOR_LINE ? 1 : 0;
        for (const char *c = line_editor_text(&f.editor); *c != '\0'; c++) {
            KTEST_TRUE(t, *c >= ' ' && *c <= '~');
        }
        line_editor_prompt(&f.editor);
    }
    KTEST_TRUE(t, lines > 1000);
    KTEST_STRING(t, f.terminal.error != NULL ? f.terminal.error : "", "");
}

static const struct ktest_case cases[] = {
    KTEST_CASE(line_editor_and_terminal_agree_with_a_model),
    KTEST_CASE(line_editor_survives_random_bytes),
};
KTEST_SUITE(monitor_line_editor_prop, "monitor.line_editor.property", cases);
