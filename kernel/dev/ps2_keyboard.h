/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A keyboard behind an 8042 controller, polled (interrupts are off). Every wait is bounded; where
 * there is no controller, or one that does not answer, reading gives nothing. The caller owns the
 * struct. Kernel and host.
 */
#ifndef DEV_PS2_KEYBOARD_H
#define DEV_PS2_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/ps2_scancodes.h"
#include "kstatus.h"

struct ps2_keyboard {
    bool present; /* a controller and a keyboard answered */
    struct ps2_scancodes keys;
    char text[PS2_TEXT_MAX]; /* bytes of the last key that were not read yet */
    uint8_t text_first;
    uint8_t text_end;
};

/**
 * Looks for the controller and turns the keyboard on, with translation to scancode set 1.
 * @return K_OK; K_ENOENT no controller: the port reads 0xff; K_ETIMEDOUT it, or the keyboard, does
 *         not answer. @p keyboard is usable either way.
 * Context: any; takes up to 0.2 s where something hangs.
 */
MUST_CHECK enum kstatus ps2_keyboard_init(struct ps2_keyboard *keyboard);

/** The next typed byte, or -1 where there is none. Never waits. */
int ps2_keyboard_getc(struct ps2_keyboard *keyboard);

#endif
