/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for the monitor's line editor: the input is what someone types. A small terminal
 * shows the echo; when a line is complete it must stand there as it was handed over.
 */
#include <string.h>

#include "monitor/line_editor.h"
#include "tests/fuzz/fuzz.h"

/* The terminal's current line; behind `cursor` there are only spaces. */
struct terminal {
    char text[LINE_EDITOR_MAX_BYTES + 8];
    size_t cursor;
    char last[LINE_EDITOR_MAX_BYTES + 8]; /* the line before */
};

static void terminal_new_line(struct terminal *terminal)
{
    memcpy(terminal->last, terminal->text, terminal->cursor);
    terminal->last[terminal->cursor] = '\0';
    terminal->cursor = 0;
}

static void echo(void *context, const char *text, size_t size_bytes)
{
    struct terminal *const terminal = context;
    for (size_t i = 0; i < size_bytes; i++) {
        if (text[i] == '\n') {
            terminal_new_line(terminal);
        } else if (text[i] == '\b') {
            FUZZ_REQUIRE(terminal->cursor > 0);
            terminal->cursor--;
        } else if (text[i] != '\a') {
            FUZZ_REQUIRE(text[i] >= ' ' && text[i] <= '~');
            FUZZ_REQUIRE(terminal->cursor + 1 < sizeof(terminal->text));
            terminal->text[terminal->cursor] = text[i];
            terminal->cursor++;
        }
    }
}

static void check(const struct line_editor *editor, const struct terminal *terminal,
                  enum line_editor_event event)
{
    FUZZ_REQUIRE(editor->length < LINE_EDITOR_MAX_BYTES);
    switch (event) {
    case LINE_EDITOR_NOTHING:
        FUZZ_REQUIRE(editor->length == terminal->cursor);
        FUZZ_REQUIRE(memcmp(editor->text, terminal->text, editor->length) == 0);
        break;
    case LINE_EDITOR_LINE:
        FUZZ_REQUIRE(strlen(line_editor_text(editor)) == editor->length);
        FUZZ_REQUIRE(strcmp(line_editor_text(editor), terminal->last) == 0);
        break;
    case LINE_EDITOR_CANCELLED:
    case LINE_EDITOR_TOO_LONG:
        FUZZ_REQUIRE(editor->length == 0 && terminal->cursor == 0);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct terminal terminal = { .cursor = 0 };
    struct line_editor editor;
    line_editor_init(&editor, echo, &terminal);
    for (size_t i = 0; i < size_bytes; i++) {
        const enum line_editor_event event = line_editor_feed(&editor, data[i]);
        check(&editor, &terminal, event);
        FUZZ_REQUIRE(data[i] != 0x03 || event == LINE_EDITOR_CANCELLED);
    }
    return 0;
}
