/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_log.h.
 */
#include "tests/fake/fake_log.h"

#include <string.h>

#include "console.h"

struct fake_log fake_log;

void printk_history(int level, bool (*put)(const char *line, size_t size_bytes))
{
    for (size_t i = 0; i < fake_log.line_count; i++) {
        const struct fake_log_line *const line = &fake_log.lines[i];
        if (line->level <= level && !put(line->text, strlen(line->text))) {
            return;
        }
    }
}

void printk_set_level(int level)
{
    fake_log.level = level;
}

int printk_level(void)
{
    return fake_log.level;
}

void printk_counts(struct printk_counts *counts)
{
    *counts = fake_log.counts;
}

const struct serial8250 *console_serial(void)
{
    return &fake_log.serial;
}
