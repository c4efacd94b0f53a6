/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See line_editor.h. Bytes pass three sieves in this order: a LF that belongs to a CR, the escape
 * sequence in progress, then the editing itself. A control character inside an escape sequence
 * breaks it off and counts, so that no stream of bytes can swallow Enter or Ctrl-C.
 *
 * Invariants: length < LINE_EDITOR_MAX_BYTES; what the terminal shows of the line is exactly
 * text[0..length).
 */
#include "monitor/line_editor.h"

#define BYTE_CTRL_C    0x03U
#define BYTE_BACKSPACE 0x08U
#define BYTE_LF        0x0aU
#define BYTE_CR        0x0dU
#define BYTE_CTRL_U    0x15U
#define BYTE_ESC       0x1bU
#define BYTE_FIRST     0x20U /* of printable ASCII */
#define BYTE_LAST      0x7eU
#define BYTE_DELETE    0x7fU

void line_editor_init(struct line_editor *editor, line_editor_echo echo, void *context)
{
    *editor = (struct line_editor){ .echo = echo, .context = context };
}

const char *line_editor_text(const struct line_editor *editor)
{
    return editor->text;
}

static void show(struct line_editor *editor, const char *text, size_t size_bytes)
{
    editor->echo(editor->context, text, size_bytes);
}

static void start_line(struct line_editor *editor)
{
    editor->length = 0;
    editor->complete = false;
    editor->too_long = false;
    editor->text[0] = '\0';
}

static void insert(struct line_editor *editor, char c)
{
    if (editor->length + 1 == LINE_EDITOR_MAX_BYTES) {
        editor->too_long = true;
        show(editor, "\a", 1);
        return;
    }
    editor->text[editor->length] = c;
    editor->length++;
    show(editor, &c, 1);
}

static void erase_last(struct line_editor *editor)
{
    editor->too_long = false; /* someone looks at the line: what it shows is what they want */
    if (editor->length > 0) {
        editor->length--;
        show(editor, "\b \b", 3);
    }
}

static void erase_line(struct line_editor *editor)
{
    while (editor->length > 0) {
        erase_last(editor);
    }
    start_line(editor);
}

static enum line_editor_event end_line(struct line_editor *editor)
{
    show(editor, "\n", 1);
    if (editor->too_long) {
        start_line(editor);
        return LINE_EDITOR_TOO_LONG;
    }
    editor->text[editor->length] = '\0';
    editor->complete = true;
    return LINE_EDITOR_LINE;
}

static enum line_editor_event cancel_line(struct line_editor *editor)
{
    show(editor, "^C\n", 3);
    start_line(editor);
    return LINE_EDITOR_CANCELLED;
}

/* Follows an escape sequence. @return whether @p byte belongs to one. */
static bool in_escape(struct line_editor *editor, uint8_t byte)
{
    if (byte < BYTE_FIRST) {
        editor->escape = byte == BYTE_ESC ? LINE_EDITOR_ESCAPE_START : LINE_EDITOR_ESCAPE_NONE;
        return byte == BYTE_ESC;
    }
    switch (editor->escape) {
    case LINE_EDITOR_ESCAPE_NONE:
        return false;
    case LINE_EDITOR_ESCAPE_START:
        editor->escape = byte == '['   ? LINE_EDITOR_ESCAPE_CONTROL
                         : byte == 'O' ? LINE_EDITOR_ESCAPE_SINGLE
                                       : LINE_EDITOR_ESCAPE_NONE;
        return true;
    case LINE_EDITOR_ESCAPE_CONTROL:
        if (byte >= 0x40 && byte <= 0x7e) {
            editor->escape = LINE_EDITOR_ESCAPE_NONE;
        }
        return true;
    case LINE_EDITOR_ESCAPE_SINGLE:
        editor->escape = LINE_EDITOR_ESCAPE_NONE;
        return true;
    }
    return false;
}

static enum line_editor_event edit(struct line_editor *editor, uint8_t byte)
{
    switch (byte) {
    case BYTE_CR:
        editor->after_cr = true;
        return end_line(editor);
    case BYTE_LF:
        return end_line(editor);
    case BYTE_CTRL_C:
        return cancel_line(editor);
    case BYTE_CTRL_U:
        erase_line(editor);
        return LINE_EDITOR_NOTHING;
    case BYTE_BACKSPACE:
    case BYTE_DELETE:
        erase_last(editor);
        return LINE_EDITOR_NOTHING;
    default:
        if (byte >= BYTE_FIRST && byte <= BYTE_LAST) {
            insert(editor, (char)byte);
        }
        return LINE_EDITOR_NOTHING;
    }
}

enum line_editor_event line_editor_feed(struct line_editor *editor, uint8_t byte)
{
    if (editor->complete) {
        start_line(editor);
    }
    const bool belongs_to_cr = editor->after_cr && byte == BYTE_LF;
    editor->after_cr = false;
    if (belongs_to_cr || in_escape(editor, byte)) {
        return LINE_EDITOR_NOTHING;
    }
    return edit(editor, byte);
}
