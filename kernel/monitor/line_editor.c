/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See line_editor.h. Each key changes the text, then line_view_update() brings the terminal up to
 * date.
 *
 * Invariants: cursor <= length < LINE_EDITOR_MAX_BYTES, text[length] is NUL; what the terminal
 * shows is the prompt and a window of text that has the cursor in it.
 */
#include "monitor/line_editor.h"

#include <string.h>

#define LIST_COLUMNS 60U /* a row of candidates ends behind them */

void line_editor_init(struct line_editor *editor, const struct line_view *view,
                      line_editor_word word)
{
    *editor = (struct line_editor){ .view = *view, .word = word };
}

const char *line_editor_text(const struct line_editor *editor)
{
    return editor->text;
}

static void start_line(struct line_editor *editor)
{
    editor->length = 0;
    editor->cursor = 0;
    editor->age = 0;
    editor->complete = false;
    editor->too_long = false;
    editor->text[0] = '\0';
}

void line_editor_prompt(struct line_editor *editor)
{
    line_view_start(&editor->view);
}

static void update(struct line_editor *editor, size_t changed)
{
    line_view_update(&editor->view, editor->text, editor->length, changed, editor->cursor);
}

static void insert(struct line_editor *editor, char c)
{
    if (editor->length + 1 == LINE_EDITOR_MAX_BYTES) {
        editor->too_long = true;
        line_view_print(&editor->view, "\a");
        return;
    }
    char *const at = editor->text + editor->cursor;
    memmove(at + 1, at, editor->length - editor->cursor + 1);
    *at = c;
    editor->length++;
    editor->cursor++;
    update(editor, editor->cursor - 1);
}

/* Removes [start, end); the cursor is left at start. */
static void erase(struct line_editor *editor, size_t start, size_t end)
{
    editor->too_long = false; /* someone looks at the line: what it shows is what they want */
    if (start >= end) {
        return;
    }
    memmove(editor->text + start, editor->text + end, editor->length - end + 1);
    editor->length -= end - start;
    editor->cursor = start;
    update(editor, start);
}

/* Where the word before the cursor begins. */
static size_t word_start(const struct line_editor *editor)
{
    size_t at = editor->cursor;
    while (at > 0 && editor->text[at - 1] == ' ') {
        at--;
    }
    while (at > 0 && editor->text[at - 1] != ' ') {
        at--;
    }
    return at;
}

static void move_to(struct line_editor *editor, size_t cursor)
{
    editor->cursor = cursor;
    update(editor, editor->length);
}

/* ---- history -----------------------------------------------------------------------------------
 */

static void show_age(struct line_editor *editor, size_t age)
{
    const char *line = editor->draft;
    if (age > 0) {
        line = line_history_get(&editor->history, age - 1);
        if (line == NULL) {
            return;
        }
        if (editor->age == 0) {
            memcpy(editor->draft, editor->text, editor->length + 1);
        }
    }
    editor->age = age;
    editor->too_long = false;
    editor->length = strlen(line); /* as short as the lines that went in */
    editor->cursor = editor->length;
    memcpy(editor->text, line, editor->length + 1);
    update(editor, 0);
}

/* ---- completion --------------------------------------------------------------------------------
 */

struct candidates {
    size_t count;
    const char *first;
    size_t common; /* bytes that all begin with */
};

static size_t common_bytes(const char *a, const char *b, size_t most)
{
    size_t i = 0;
    while (i < most && a[i] != '\0' && a[i] == b[i]) {
        i++;
    }
    return i;
}

static struct candidates find_candidates(const struct line_editor *editor, size_t start)
{
    struct candidates found = { .count = 0 };
    const size_t length = editor->cursor - start;
    for (size_t i = 0; editor->word(i) != NULL; i++) {
        const char *const word = editor->word(i);
        if (strncmp(word, editor->text + start, length) != 0) {
            continue;
        }
        found.first = found.count == 0 ? word : found.first;
        found.common =
            found.count == 0 ? strlen(word) : common_bytes(found.first, word, found.common);
        found.count++;
    }
    return found;
}

static void list_candidates(struct line_editor *editor, size_t start)
{
    struct line_view *const view = &editor->view;
    size_t column = 0;
    line_view_leave(view, editor->text, "");
    for (size_t i = 0; editor->word(i) != NULL; i++) {
        const char *const word = editor->word(i);
        if (strncmp(word, editor->text + start, editor->cursor - start) != 0) {
            continue;
        }
        if (column > LIST_COLUMNS) {
            line_view_print(view, "\n");
            column = 0;
        }
        line_view_print(view, word);
        line_view_print(view, "  ");
        column += strlen(word) + 2;
    }
    line_view_print(view, "\n");
    line_view_start(view);
    update(editor, 0);
}

/* Where the line's first word begins. @return false where the cursor is behind that word */
static bool first_word(const struct line_editor *editor, size_t *start)
{
    size_t at = 0;
    while (at < editor->cursor && editor->text[at] == ' ') {
        at++;
    }
    *start = at;
    while (at < editor->cursor && editor->text[at] != ' ') {
        at++;
    }
    return at == editor->cursor;
}

static void complete(struct line_editor *editor)
{
    size_t start;
    struct candidates found = { .count = 0 };
    if (editor->word != NULL && first_word(editor, &start)) {
        found = find_candidates(editor, start);
    }
    if (found.count == 0) {
        line_view_print(&editor->view, "\a");
        return;
    }
    const size_t length = editor->cursor - start;
    if (found.count > 1 && found.common == length) {
        list_candidates(editor, start);
        return;
    }
    for (size_t i = length; i < found.common; i++) {
        insert(editor, found.first[i]);
    }
    if (found.count == 1 && editor->text[editor->cursor] == '\0') {
        insert(editor, ' ');
    }
}

/* ---- keys --------------------------------------------------------------------------------------
 */

static enum line_editor_event end_line(struct line_editor *editor)
{
    line_view_leave(&editor->view, editor->text, "");
    if (editor->too_long) {
        start_line(editor);
        return LINE_EDITOR_TOO_LONG;
    }
    line_history_add(&editor->history, editor->text);
    editor->complete = true;
    return LINE_EDITOR_LINE;
}

static enum line_editor_event cancel_line(struct line_editor *editor)
{
    line_view_leave(&editor->view, editor->text, "^C");
    start_line(editor);
    return LINE_EDITOR_CANCELLED;
}

static void clear_screen(struct line_editor *editor)
{
    line_view_print(&editor->view, "\x1b[H\x1b[2J");
    line_view_start(&editor->view);
    update(editor, 0);
}

static void move(struct line_editor *editor, enum line_key key)
{
    if (key == LINE_KEY_HOME) {
        move_to(editor, 0);
    } else if (key == LINE_KEY_END) {
        move_to(editor, editor->length);
    } else if (key == LINE_KEY_LEFT && editor->cursor > 0) {
        move_to(editor, editor->cursor - 1);
    } else if (key == LINE_KEY_RIGHT && editor->cursor < editor->length) {
        move_to(editor, editor->cursor + 1);
    }
}

static void remove_text(struct line_editor *editor, enum line_key key)
{
    const size_t cursor = editor->cursor;
    if (key == LINE_KEY_BACKSPACE) {
        erase(editor, cursor > 0 ? cursor - 1 : 0, cursor);
    } else if (key == LINE_KEY_DELETE) {
        erase(editor, cursor, cursor < editor->length ? cursor + 1 : cursor);
    } else if (key == LINE_KEY_KILL_START) {
        erase(editor, 0, cursor);
    } else if (key == LINE_KEY_KILL_END) {
        erase(editor, cursor, editor->length);
    } else {
        erase(editor, word_start(editor), cursor);
    }
}

static enum line_editor_event take_key(struct line_editor *editor, enum line_key key)
{
    switch (key) {
    case LINE_KEY_NONE:
        break;
    case LINE_KEY_CHARACTER:
        insert(editor, editor->keys.character);
        break;
    case LINE_KEY_ENTER:
        return end_line(editor);
    case LINE_KEY_CANCEL:
        return cancel_line(editor);
    case LINE_KEY_BACKSPACE:
    case LINE_KEY_DELETE:
    case LINE_KEY_KILL_START:
    case LINE_KEY_KILL_END:
    case LINE_KEY_KILL_WORD:
        remove_text(editor, key);
        break;
    case LINE_KEY_LEFT:
    case LINE_KEY_RIGHT:
    case LINE_KEY_HOME:
    case LINE_KEY_END:
        move(editor, key);
        break;
    case LINE_KEY_UP:
        show_age(editor, editor->age + 1);
        break;
    case LINE_KEY_DOWN:
        if (editor->age > 0) {
            show_age(editor, editor->age - 1);
        }
        break;
    case LINE_KEY_CLEAR:
        clear_screen(editor);
        break;
    case LINE_KEY_TAB:
        complete(editor);
        break;
    }
    return LINE_EDITOR_NOTHING;
}

enum line_editor_event line_editor_feed(struct line_editor *editor, uint8_t byte)
{
    if (editor->complete) {
        start_line(editor);
    }
    return take_key(editor, line_keys_feed(&editor->keys, byte));
}
