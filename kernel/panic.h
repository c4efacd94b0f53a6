/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The end of the road for broken invariants. Bad input or shortage never comes here (style.md 15).
 * The host build has a fake that unwinds to the test that expects the panic, else aborts.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>

#include "lib/compiler.h"

/** Prints file, line, the message and a backtrace on every console, then leaves QEMU or stops as
 *  the command line's panic= says. Context: any. */
NORETURN void panic_at(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);

#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)

/** Says that a panic begins: what is printed from now on goes out at once. @return whether it is
 * the first; a fault inside a dump must be short and stop. Called by panic_at() itself. */
bool panic_begin(void);

/** Like panic_at(), where the caller has called panic_begin() and printed a backtrace (a trap's).
 */
NORETURN void panic_after_dump_at(const char *file, int line, const char *format, ...)
    PRINTF_LIKE(3, 4);

#define panic_after_dump(...) panic_after_dump_at(__FILE__, __LINE__, __VA_ARGS__)

/** Stops the machine where an internal invariant is broken; kept in release builds. */
#define BUG_ON(condition)                 \
    do {                                  \
        if (UNLIKELY(condition)) {        \
            panic("BUG: %s", #condition); \
        }                                 \
    } while (0)

#endif
