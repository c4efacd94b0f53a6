/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Lock-down: under Secure Boot nobody at the prompt or on a debugger's line may change memory or
 * registers (design.md section 7). The word `lockdown` on the command line asks for the same
 * without Secure Boot; nothing turns it off. State (lockdown.c): why it is on.
 */
#ifndef KERNEL_LOCKDOWN_H
#define KERNEL_LOCKDOWN_H

#include <stdbool.h>

/** Decides for this boot. Until it is called everything is refused. Context: once, at boot. */
void lockdown_init(bool secure_boot, bool asked_for);

/** Whether lock-down is on. */
bool lockdown_is_on(void);

/** Whether @p what (a verb with its object: "poke", "the GDB stub") is refused; prints one line on
 *  the console where it is. */
bool lockdown_refuses(const char *what);

#endif
