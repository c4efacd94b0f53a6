/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The prompt on the serial line.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "lib/compiler.h"

/** Reads and runs commands for ever. Context: after the boot, interrupts off. */
NORETURN void monitor_run(void);

#endif
