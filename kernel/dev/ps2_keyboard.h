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
    bool present; /* a controller answered: there may be keys to read */
    bool answers; /* the keyboard did too */
    struct ps2_scancodes keys;
    char text[PS2_TEXT_MAX]; /* bytes of the last key that were not read yet */
    uint8_t text_first;
    uint8_t text_end;
};

/**
 * Looks for the controller and turns the keyboard on, with translation to scancode set 1. One that
 * answers no command is read all the same: there are laptops whose keyboard only types (Linux:
 * i8042.dumbkbd).
 * @param tsc_hz  ticks of arch_timestamp() per second, 0 = unknown
 * @return K_OK; K_ENOENT no controller: the port reads 0xff; K_ETIMEDOUT it does not answer; K_EIO
 *         its answers make no sense. @p keyboard is usable either way.
 * Context: any; takes a quarter of a second where controller or keyboard do not answer, a second
 * where they keep it waiting again and again.
 */
MUST_CHECK enum kstatus ps2_keyboard_init(struct ps2_keyboard *keyboard, uint64_t tsc_hz);

/** The next typed byte, or -1 where there is none. Never waits. */
int ps2_keyboard_getc(struct ps2_keyboard *keyboard);

#endif
