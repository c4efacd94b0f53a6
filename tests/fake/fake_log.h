/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host stand-in for kernel/printk_control.h as the monitor's commands use it: a log of lines that a
 * test gives, a level, counts, and a serial port to tell of.
 */
#ifndef FAKE_LOG_H
#define FAKE_LOG_H

#include <stddef.h>

#include "dev/serial8250.h"
#include "printk_control.h"

struct fake_log_line {
    int level;
    const char *text; /* with its newline */
};

struct fake_log {
    const struct fake_log_line *lines;
    size_t line_count;
    int level;
    struct printk_counts counts;
    struct serial8250 serial;
};

extern struct fake_log fake_log;

#endif
