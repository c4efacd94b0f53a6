/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Shows a line that is being edited on one row of a terminal: the prompt, then as much of the line
 * as fits, moved sideways so that the cursor is always inside. Never writes to the row's last
 * column, so that no terminal wraps. Needs nothing of the terminal but printable ASCII, '\b' and
 * '\n'; it writes what changed and no more. The caller owns the struct and the line. Pure; kernel
 * and host.
 *
 *     |<- prompt ->|<--------- room --------->|
 *     firstlight> ccc ddd eee fff ggg_
 *                 ^ text[first]      ^ text[cursor]
 */
#ifndef MONITOR_LINE_VIEW_H
#define MONITOR_LINE_VIEW_H

#include <stddef.h>

/** Shows @p size_bytes at @p text to the user; "\n" is a new line. */
typedef void (*line_view_echo)(void *context, const char *text, size_t size_bytes);

struct line_view {
    line_view_echo echo;
    void *context; /* for echo */
    const char *prompt;
    size_t room;   /* columns behind the prompt, without the last three of the row */
    size_t first;  /* index of the first byte shown */
    size_t shown;  /* bytes that stand on the row */
    size_t column; /* of the terminal's cursor, behind the prompt */
};

/** @param columns of the terminal; the prompt leaves at least 16 of them */
void line_view_init(struct line_view *view, line_view_echo echo, void *context, const char *prompt,
                    size_t columns);

/** Prints the prompt; the terminal's cursor is at the start of a blank row. */
void line_view_start(struct line_view *view);

/** Brings the row up to date: @p text of @p length bytes, which is as before up to index
 *  @p changed, and the cursor at index @p cursor. */
void line_view_update(struct line_view *view, const char *text, size_t length, size_t changed,
                      size_t cursor);

/** Moves behind the line's last shown byte, prints @p end and starts a new row. */
void line_view_leave(struct line_view *view, const char *text, const char *end);

/** Prints text that is not part of the line. */
void line_view_print(struct line_view *view, const char *text);

#endif
