/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The prompt, on the serial line and on the screen.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "lib/compiler.h"

/** What the line above the prompt ends with: "; type help" and where, or nothing where nobody
 *  can type. */
const char *monitor_hint(void);

/** Reads and runs commands for ever; where nobody can type it says so and halts. Context: after the
 *  boot, interrupts off. */
NORETURN void monitor_run(void);

#endif
