/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See ps2_scancodes.h.
 */
#include "dev/ps2_scancodes.h"

#include <string.h>

#define CODE_RELEASED 0x80U /* or-ed to the code of a key that is let go */
#define CODE_EXTENDED 0xe0U
#define CODE_PAUSE    0xe1U /* begins E1 1D 45 E1 9D C5, which has no release */
#define CODE_CONTROL  0x1dU
#define CODE_LSHIFT   0x2aU
#define CODE_RSHIFT   0x36U
#define CODE_CAPS     0x3aU
#define CODE_SLASH    0x35U /* extended: the keypad's */
#define CODE_ENTER    0x1cU /* extended: the keypad's */
#define PAUSE_REST    5U

/* By code, from 0 on; 0 types nothing. Enter is CR and Backspace 0x7f, as on a terminal. The
 * keypad's keys type their digits. */
static const char plain[] = "\0\033"
                            "1234567890-=\x7f"
                            "\tqwertyuiop[]\r"
                            "\0asdfghjkl;'`"
                            "\0\\zxcvbnm,./"
                            "\0*\0 "
                            "\0\0\0\0\0\0\0\0\0\0\0\0\0"
                            "789-456+1230.";
static const char shifted[] = "\0\033"
                              "!@#$%^&*()_+\x7f"
                              "\tQWERTYUIOP{}\r"
                              "\0ASDFGHJKL:\"~"
                              "\0|ZXCVBNM<>?"
                              "\0*\0 "
                              "\0\0\0\0\0\0\0\0\0\0\0\0\0"
                              "789-456+1230.";
_Static_assert(sizeof(plain) == 0x54 + 1 && sizeof(shifted) == sizeof(plain), "codes 0..0x53");

/* Extended keys. */
static const struct {
    uint8_t code;
    char text[PS2_TEXT_MAX + 1];
} extended_keys[] = {
    { 0x47, "\033[H" },  { 0x48, "\033[A" },   { 0x4b, "\033[D" },
    { 0x4d, "\033[C" },  { 0x4f, "\033[F" },   { 0x50, "\033[B" },
    { 0x53, "\033[3~" }, { CODE_ENTER, "\r" }, { CODE_SLASH, "/" },
};

static size_t type_extended(uint8_t code, char text[PS2_TEXT_MAX])
{
    for (size_t i = 0; i < sizeof(extended_keys) / sizeof(extended_keys[0]); i++) {
        if (extended_keys[i].code == code) {
            const size_t length = strlen(extended_keys[i].text);
            memcpy(text, extended_keys[i].text, length);
            return length;
        }
    }
    return 0;
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static size_t type_plain(const struct ps2_scancodes *keys, uint8_t code, char text[PS2_TEXT_MAX])
{
    if (code >= sizeof(plain) - 1 || plain[code] == '\0') {
        return 0;
    }
    const bool shift = keys->left_shift || keys->right_shift;
    const bool upper = is_letter(plain[code]) ? shift != keys->caps_lock : shift;
    const char *const row = upper ? shifted : plain;
    text[0] = row[code];
    if (keys->left_control || keys->right_control) {
        if (!is_letter(plain[code])) {
            return 0;
        }
        text[0] = (char)(plain[code] & 0x1f); /* Ctrl-A is 1 */
    }
    return 1;
}

/* Keys that change what others type. @return whether @p code is one */
static bool modify(struct ps2_scancodes *keys, uint8_t code, bool pressed, bool extended)
{
    switch (code) {
    case CODE_CONTROL:
        *(extended ? &keys->right_control : &keys->left_control) = pressed;
        return true;
    case CODE_LSHIFT:
    case CODE_RSHIFT:
        /* Extended ones come around arrow keys and mean nothing. */
        if (!extended) {
            *(code == CODE_LSHIFT ? &keys->left_shift : &keys->right_shift) = pressed;
        }
        return true;
    case CODE_CAPS:
        keys->caps_lock = keys->caps_lock != (pressed && !extended);
        return true;
    default:
        return false;
    }
}

size_t ps2_scancodes_feed(struct ps2_scancodes *keys, uint8_t code, char text[PS2_TEXT_MAX])
{
    if (keys->skip > 0) {
        keys->skip--;
        return 0;
    }
    if (code == CODE_PAUSE) {
        keys->skip = PAUSE_REST;
        return 0;
    }
    if (code == CODE_EXTENDED) {
        keys->extended = true;
        return 0;
    }
    const bool extended = keys->extended;
    const bool pressed = (code & CODE_RELEASED) == 0;
    const uint8_t key = (uint8_t)(code & ~CODE_RELEASED); /* 7 bits */
    keys->extended = false;
    if (modify(keys, key, pressed, extended) || !pressed) {
        return 0;
    }
    return extended ? type_extended(key, text) : type_plain(keys, key, text);
}
