/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Scancodes of a PC keyboard (set 1, US layout) -> the bytes that a terminal sends for the same
 * keys: ASCII, control characters, ESC [ A and the like. The caller owns the struct; all zero is
 * the start. Any sequence of codes is accepted. Pure; kernel and host.
 */
#ifndef DEV_PS2_SCANCODES_H
#define DEV_PS2_SCANCODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PS2_TEXT_MAX 4U /* bytes of one key */

struct ps2_scancodes {
    bool left_shift;
    bool right_shift;
    bool left_control;
    bool right_control;
    bool caps_lock;
    bool extended; /* after 0xe0 */
    uint8_t skip;  /* codes still to come of a sequence that means nothing (Pause) */
};

/**
 * Takes one code.
 * @param text  receives the bytes that the key types
 * @return their number, 0..PS2_TEXT_MAX
 * @spec IBM Personal System/2 Hardware Interface Technical Reference, "Keyboard (101- and
 * 102-Key)", scan code set 1
 */
size_t ps2_scancodes_feed(struct ps2_scancodes *keys, uint8_t code, char text[PS2_TEXT_MAX]);

#endif
