/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Bytes from a terminal -> one line, with a cursor, a history and completion of the first word.
 * line_keys.h has the keys, line_view.h how the line is shown. A line that does not fit is never
 * handed over cut: its end would be missing from a command. The caller owns the struct; input is
 * hostile. Pure; kernel and host.
 */
#ifndef MONITOR_LINE_EDITOR_H
#define MONITOR_LINE_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/line_history.h"
#include "monitor/line_keys.h"
#include "monitor/line_view.h"

/** Longest line, bytes with the NUL. */
#define LINE_EDITOR_MAX_BYTES 1025U

/** What a byte brought about. */
enum line_editor_event {
    LINE_EDITOR_NOTHING,   /* the line goes on */
    LINE_EDITOR_LINE,      /* a line is complete: line_editor_text() */
    LINE_EDITOR_CANCELLED, /* Ctrl-C */
    LINE_EDITOR_TOO_LONG,  /* the line ended, but did not fit: dropped */
};

/** Word @p index that the first word of a line can be; NULL behind the last. */
typedef const char *(*line_editor_word)(size_t index);

struct line_editor {
    struct line_view view;
    struct line_keys keys;
    line_editor_word word; /* NULL: nothing is completed */
    size_t length;         /* bytes in text, without the NUL */
    size_t cursor;         /* index of the byte under it, at most length */
    size_t age;            /* of the shown line of the history, from 1; 0: the line being written */
    bool complete;         /* text was handed out; the next byte starts a new line */
    bool too_long;         /* bytes were refused since the line's start or its last correction */
    char text[LINE_EDITOR_MAX_BYTES];
    char draft[LINE_EDITOR_MAX_BYTES]; /* the line being written, while the history is shown */
    struct line_history history;
};

/** An editor without history. Call line_editor_prompt() next. */
void line_editor_init(struct line_editor *editor, const struct line_view *view,
                      line_editor_word word);

/** Shows the prompt of a new line: at first, and after each event once its output is done. */
void line_editor_prompt(struct line_editor *editor);

/** Takes one byte; never blocks, never fails. */
enum line_editor_event line_editor_feed(struct line_editor *editor, uint8_t byte);

/** The line, NUL-terminated: after LINE_EDITOR_LINE and until the next byte is fed. */
const char *line_editor_text(const struct line_editor *editor);

#endif
