/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The kernel's log (S96): levels, time stamps, one line a call. Lines of all levels go to a ring in
 * RAM first, and those up to the shown level from there to every console that is on, as fast as
 * that takes them without waiting. Usable from the first line of kernel_main; with no console it
 * only remembers. The host build has a fake that writes to stderr or a test's buffer.
 */
#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/format.h"

/** Linux's numbers: a line is shown where its level is below or at the console's. */
enum log_level {
    LOG_LEVEL_EMERGENCY = 0, /* panic */
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7,
};

/** Logs one line of at most 255 bytes; @p format has no newline. LOG_LEVEL_EMERGENCY is on the
 *  consoles when this returns. Context: any, an exception inside of another printk() included. */
void printk(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define pr_emerg(...) printk(LOG_LEVEL_EMERGENCY, __VA_ARGS__)
#define pr_err(...)   printk(LOG_LEVEL_ERROR, __VA_ARGS__)
#define pr_warn(...)  printk(LOG_LEVEL_WARNING, __VA_ARGS__)
#define pr_info(...)  printk(LOG_LEVEL_INFO, __VA_ARGS__)
#define pr_debug(...) printk(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
