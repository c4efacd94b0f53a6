/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Bytes from a terminal -> keys: CR, LF and CR LF are one Enter, escape sequences (ECMA-48, xterm,
 * VT220) are arrow and editing keys or nothing. A control character inside an escape sequence
 * breaks it off and counts, so that no stream of bytes can swallow Enter or Ctrl-C. The marks of a
 * bracketed paste are no keys; between them Tab is a space. Input is hostile. Pure; kernel and
 * host.
 */
#ifndef MONITOR_LINE_KEYS_H
#define MONITOR_LINE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

enum line_key {
    LINE_KEY_NONE,
    LINE_KEY_CHARACTER, /* printable ASCII: line_keys.character */
    LINE_KEY_ENTER,
    LINE_KEY_CANCEL,     /* Ctrl-C */
    LINE_KEY_BACKSPACE,  /* 0x08, 0x7f */
    LINE_KEY_DELETE,     /* Delete, Ctrl-D */
    LINE_KEY_LEFT,       /* also Ctrl-B */
    LINE_KEY_RIGHT,      /* also Ctrl-F */
    LINE_KEY_UP,         /* also Ctrl-P */
    LINE_KEY_DOWN,       /* also Ctrl-N */
    LINE_KEY_HOME,       /* also Ctrl-A */
    LINE_KEY_END,        /* also Ctrl-E */
    LINE_KEY_KILL_START, /* Ctrl-U */
    LINE_KEY_KILL_END,   /* Ctrl-K */
    LINE_KEY_KILL_WORD,  /* Ctrl-W */
    LINE_KEY_CLEAR,      /* Ctrl-L */
    LINE_KEY_TAB,
};

/** Where in an escape sequence the input is. */
enum line_escape {
    LINE_ESCAPE_NONE,
    LINE_ESCAPE_START,   /* after ESC */
    LINE_ESCAPE_CONTROL, /* after ESC [: up to a byte 0x40..0x7e */
    LINE_ESCAPE_SINGLE,  /* after ESC O: one more byte */
};

/** All zero is the start. */
struct line_keys {
    enum line_escape escape;
    uint32_t parameter;   /* the first number of the sequence, cut at 9999 */
    bool parameter_ended; /* by a ';' or another byte that is no digit */
    bool after_cr;        /* a LF now belongs to the CR before it */
    bool pasting;
    char character;
};

/** Takes one byte; the key that it completes. */
enum line_key line_keys_feed(struct line_keys *keys, uint8_t byte);

#endif
