/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See line_view.h. Invariant between calls: the row shows text[first .. first + shown), and the
 * terminal's cursor is at `column` <= room behind the prompt.
 */
#include "monitor/line_view.h"

#include <string.h>

#include "lib/bits.h"

void line_view_init(struct line_view *view, line_view_echo echo, void *context, const char *prompt,
                    size_t columns)
{
    *view = (struct line_view){
        .echo = echo,
        .context = context,
        .prompt = prompt,
        .room = columns - 3 - strlen(prompt), /* the last, and "^C" behind a full row */
    };
}

void line_view_print(struct line_view *view, const char *text)
{
    view->echo(view->context, text, strlen(text));
}

void line_view_start(struct line_view *view)
{
    view->first = 0;
    view->shown = 0;
    view->column = 0;
    line_view_print(view, view->prompt);
}

/* Prints @p byte @p count times. */
static void repeat(struct line_view *view, char byte, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        view->echo(view->context, &byte, 1);
    }
}

/* Moves the terminal's cursor over what stands there already. */
static void go_to(struct line_view *view, const char *text, size_t column)
{
    if (column < view->column) {
        repeat(view, '\b', view->column - column);
    } else if (column > view->column) {
        view->echo(view->context, text + view->first + view->column, column - view->column);
    }
    view->column = column;
}

/* Where the window must begin for @p cursor to be inside, with something before it where there is:
 * half a window is moved at a time, so that a long paste is not drawn anew for every byte. */
static size_t window_start(const struct line_view *view, size_t cursor)
{
    const size_t half = view->room / 2;
    if (cursor <= view->first) {
        return cursor > half ? cursor - half : 0;
    }
    return cursor > view->first + view->room ? cursor - half : view->first;
}

void line_view_update(struct line_view *view, const char *text, size_t length, size_t changed,
                      size_t cursor)
{
    const size_t first = window_start(view, cursor);
    const size_t end = bits_min(length, first + view->room);
    size_t from = bits_min(bits_max(changed, first), end);
    if (first != view->first) {
        go_to(view, text, 0);
        view->first = first;
        from = first;
    }
    const size_t before = view->shown;
    view->shown = end - first;
    if (from < end || view->shown < before) {
        go_to(view, text, from - first);
        view->echo(view->context, text + from, end - from);
        view->column = view->shown;
        const size_t stale = before > view->shown ? before - view->shown : 0;
        repeat(view, ' ', stale);
        repeat(view, '\b', stale);
    }
    go_to(view, text, cursor - first);
}

void line_view_leave(struct line_view *view, const char *text, const char *end)
{
    go_to(view, text, view->shown);
    line_view_print(view, end);
    line_view_print(view, "\n");
}
