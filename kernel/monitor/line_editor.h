/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Bytes from a terminal -> one line. Printable ASCII is taken; backspace (0x08, 0x7f) and Ctrl-U
 * erase; Ctrl-C drops the line; CR, LF and CR LF end it; escape sequences (arrow keys) and all
 * other bytes are ignored. A line that does not fit is never handed over cut: its end would be
 * missing from a command. The caller owns the struct; input is hostile. Pure; kernel and host.
 */
#ifndef MONITOR_LINE_EDITOR_H
#define MONITOR_LINE_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Longest line, bytes with the NUL. */
#define LINE_EDITOR_MAX_BYTES 256U

/** What a byte brought about. */
enum line_editor_event {
    LINE_EDITOR_NOTHING,   /* the line goes on */
    LINE_EDITOR_LINE,      /* a line is complete: line_editor_text() */
    LINE_EDITOR_CANCELLED, /* Ctrl-C */
    LINE_EDITOR_TOO_LONG,  /* the line ended, but did not fit: dropped */
};

/** Shows @p size_bytes at @p text to the user; "\n" is a new line. */
typedef void (*line_editor_echo)(void *context, const char *text, size_t size_bytes);

/** Where in an escape sequence (ECMA-48) the input is. */
enum line_editor_escape {
    LINE_EDITOR_ESCAPE_NONE,
    LINE_EDITOR_ESCAPE_START,   /* after ESC */
    LINE_EDITOR_ESCAPE_CONTROL, /* after ESC [: up to a byte 0x40..0x7e */
    LINE_EDITOR_ESCAPE_SINGLE,  /* after ESC O: one more byte */
};

struct line_editor {
    line_editor_echo echo;
    void *context; /* for echo */
    size_t length; /* bytes in text, without the NUL */
    bool complete; /* text was handed out; the next byte starts a new line */
    bool too_long; /* bytes were refused since the line's start or its last correction */
    bool after_cr; /* a LF now belongs to the CR before it */
    enum line_editor_escape escape;
    char text[LINE_EDITOR_MAX_BYTES];
};

void line_editor_init(struct line_editor *editor, line_editor_echo echo, void *context);

/** Takes one byte; never blocks, never fails. */
enum line_editor_event line_editor_feed(struct line_editor *editor, uint8_t byte);

/** The line, NUL-terminated: after LINE_EDITOR_LINE and until the next byte is fed. */
const char *line_editor_text(const struct line_editor *editor);

#endif
