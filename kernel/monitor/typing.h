/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Who can type at the prompt, and what a person is told about it. Pure; kernel and host.
 */
#ifndef MONITOR_TYPING_H
#define MONITOR_TYPING_H

#include <stdbool.h>

/** What the prompt could be typed on. */
struct typing {
    bool serial;           /* a serial port answered */
    bool keyboard;         /* there is a controller that this kernel can read */
    bool keyboard_answers; /* and surely a keyboard */
    bool screen;           /* what is typed there can be seen */
};

/** Whether anybody can type and see it, as far as is known. */
bool typing_is_possible(const struct typing *typing);

/** The end of the summary line: what to type and where, behind "; ", or nothing. */
const char *typing_hint(const struct typing *typing);

#endif
