/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See line_keys.h. Sequences: ECMA-48, "Control functions"; xterm's ctlseqs, "PC-Style Function
 * Keys", "VT220-Style Function Keys", "Bracketed Paste Mode".
 */
#include "monitor/line_keys.h"

#define BYTE_LF       0x0aU
#define BYTE_CR       0x0dU
#define BYTE_ESC      0x1bU
#define BYTE_FIRST    0x20U /* of printable ASCII */
#define BYTE_DELETE   0x7fU
#define PARAMETER_MAX 9999U
#define PASTE_START   200U
#define PASTE_END     201U

/* Control characters by their number. */
static const uint8_t control_keys[BYTE_FIRST] = {
    [0x01] = LINE_KEY_HOME,      [0x02] = LINE_KEY_LEFT,  [0x03] = LINE_KEY_CANCEL,
    [0x04] = LINE_KEY_DELETE,    [0x05] = LINE_KEY_END,   [0x06] = LINE_KEY_RIGHT,
    [0x08] = LINE_KEY_BACKSPACE, [0x09] = LINE_KEY_TAB,   [BYTE_LF] = LINE_KEY_ENTER,
    [0x0b] = LINE_KEY_KILL_END,  [0x0c] = LINE_KEY_CLEAR, [BYTE_CR] = LINE_KEY_ENTER,
    [0x0e] = LINE_KEY_DOWN,      [0x10] = LINE_KEY_UP,    [0x15] = LINE_KEY_KILL_START,
    [0x17] = LINE_KEY_KILL_WORD,
};

/* ESC [ ... LETTER and ESC O LETTER. */
static enum line_key letter_key(uint8_t letter)
{
    switch (letter) {
    case 'A':
        return LINE_KEY_UP;
    case 'B':
        return LINE_KEY_DOWN;
    case 'C':
        return LINE_KEY_RIGHT;
    case 'D':
        return LINE_KEY_LEFT;
    case 'F':
        return LINE_KEY_END;
    case 'H':
        return LINE_KEY_HOME;
    default:
        return LINE_KEY_NONE;
    }
}

/* ESC [ NUMBER ~ */
static enum line_key number_key(struct line_keys *keys)
{
    switch (keys->parameter) {
    case 1:
    case 7:
        return LINE_KEY_HOME;
    case 4:
    case 8:
        return LINE_KEY_END;
    case 3:
        return LINE_KEY_DELETE;
    case PASTE_START:
    case PASTE_END:
        keys->pasting = keys->parameter == PASTE_START;
        return LINE_KEY_NONE;
    default:
        return LINE_KEY_NONE;
    }
}

static void take_parameter(struct line_keys *keys, uint8_t byte)
{
    if (byte < '0' || byte > '9') {
        keys->parameter_ended = true;
    } else if (!keys->parameter_ended && keys->parameter <= PARAMETER_MAX / 10 - 1) {
        keys->parameter = keys->parameter * 10 + (byte - (uint32_t)'0');
    }
}

static enum line_key end_escape(struct line_keys *keys, enum line_key key)
{
    keys->escape = LINE_ESCAPE_NONE;
    return key;
}

/* A byte of a sequence, 0x20 or more. */
static enum line_key feed_escape(struct line_keys *keys, uint8_t byte)
{
    switch (keys->escape) {
    case LINE_ESCAPE_START:
        keys->parameter = 0;
        keys->parameter_ended = false;
        keys->escape = byte == '['   ? LINE_ESCAPE_CONTROL
                       : byte == 'O' ? LINE_ESCAPE_SINGLE
                                     : LINE_ESCAPE_NONE;
        return LINE_KEY_NONE;
    case LINE_ESCAPE_CONTROL:
        if (byte == '~') {
            return end_escape(keys, number_key(keys));
        }
        if (byte >= 0x40 && byte <= 0x7e) {
            return end_escape(keys, letter_key(byte));
        }
        take_parameter(keys, byte);
        return LINE_KEY_NONE;
    case LINE_ESCAPE_SINGLE:
        return end_escape(keys, letter_key(byte));
    case LINE_ESCAPE_NONE:
        break;
    }
    return LINE_KEY_NONE;
}

static enum line_key character(struct line_keys *keys, char c)
{
    keys->character = c;
    return LINE_KEY_CHARACTER;
}

static enum line_key feed_control(struct line_keys *keys, uint8_t byte)
{
    keys->escape = byte == BYTE_ESC ? LINE_ESCAPE_START : LINE_ESCAPE_NONE;
    const enum line_key key = (enum line_key)control_keys[byte]; /* the table holds keys */
    if (key == LINE_KEY_TAB && keys->pasting) {
        return character(keys, ' ');
    }
    if (key == LINE_KEY_CANCEL) {
        keys->pasting = false;
    }
    keys->after_cr = byte == BYTE_CR;
    return key;
}

enum line_key line_keys_feed(struct line_keys *keys, uint8_t byte)
{
    const bool belongs_to_cr = keys->after_cr && byte == BYTE_LF;
    keys->after_cr = false;
    if (belongs_to_cr) {
        return LINE_KEY_NONE;
    }
    if (byte < BYTE_FIRST) {
        return feed_control(keys, byte);
    }
    if (keys->escape != LINE_ESCAPE_NONE) {
        return feed_escape(keys, byte);
    }
    if (byte == BYTE_DELETE) {
        return LINE_KEY_BACKSPACE;
    }
    return byte < BYTE_DELETE ? character(keys, (char)byte) : LINE_KEY_NONE; /* ASCII */
}
