/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for the monitor's line editor: the input is what someone types. A terminal shows
 * the echo; after every byte it shows the prompt and a window of the line with the cursor inside.
 */
#include <string.h>

#include "monitor/line_editor.h"
#include "tests/fake/fake_terminal.h"
#include "tests/fuzz/fuzz.h"

#define PROMPT "> "

static const char *word(size_t index)
{
    static const char *const words[] = { "abc", "abd", "help", "h" };
    return index < sizeof(words) / sizeof(words[0]) ? words[index] : NULL;
}

static void check(const struct line_editor *editor, const struct fake_terminal *terminal,
                  enum line_editor_event event)
{
    FUZZ_REQUIRE(terminal->error == NULL);
    FUZZ_REQUIRE(editor->cursor <= editor->length && editor->length < LINE_EDITOR_MAX_BYTES);
    FUZZ_REQUIRE(strlen(editor->text) == editor->length);
    if (event != LINE_EDITOR_NOTHING) {
        FUZZ_REQUIRE(terminal->column == 0);
        FUZZ_REQUIRE(event == LINE_EDITOR_LINE || editor->length == 0);
        return;
    }
    const struct line_view *const view = &editor->view;
    FUZZ_REQUIRE(view->first <= editor->cursor && editor->cursor - view->first <= view->room);
    FUZZ_REQUIRE(terminal->column == strlen(PROMPT) + editor->cursor - view->first);
    FUZZ_REQUIRE(strncmp(terminal->row + strlen(PROMPT), editor->text + view->first, view->shown) ==
                 0);
    FUZZ_REQUIRE(fake_terminal_row_is(terminal->row + strlen(PROMPT) + view->shown, ""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    static struct line_editor editor; /* set anew for each input; too large for a stack */
    struct fake_terminal terminal;
    struct line_view view;
    fake_terminal_init(&terminal);
    line_view_init(&view, fake_terminal_echo, &terminal, PROMPT, FAKE_TERMINAL_COLUMNS);
    line_editor_init(&editor, &view, word);
    line_editor_prompt(&editor);
    for (size_t i = 0; i < size_bytes; i++) {
        const enum line_editor_event event = line_editor_feed(&editor, data[i]);
        FUZZ_REQUIRE(data[i] != 0x03 || event == LINE_EDITOR_CANCELLED);
        if (event == LINE_EDITOR_NOTHING && !editor.complete) {
            check(&editor, &terminal, event);
        } else if (event != LINE_EDITOR_NOTHING) {
            check(&editor, &terminal, event);
            line_editor_prompt(&editor);
        }
    }
    return 0;
}
