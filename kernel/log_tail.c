/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See log_tail.h. Owner of the copy that is shown: the log itself moves on while it is.
 */
#include "log_tail.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "printk.h"
#include "printk_control.h"

#define LINE_BYTES 128U

static struct {
    char line[LOG_TAIL_LINES][LINE_BYTES];
    unsigned count; /* lines seen since the start */
    bool is_busy;
} tail;

static bool keep(const char *text, size_t size_bytes)
{
    char *const line = tail.line[tail.count % LOG_TAIL_LINES];
    size_t length = size_bytes < LINE_BYTES ? size_bytes : LINE_BYTES - 1;
    length -= length > 0 && text[length - 1] == '\n' ? 1 : 0;
    memcpy(line, text, length);
    line[length] = '\0';
    tail.count++;
    return true;
}

void log_tail_read(void (*show)(const char *line))
{
    if (tail.is_busy) {
        return;
    }
    tail.is_busy = true;
    tail.count = 0;
    printk_history(LOG_LEVEL_DEBUG, keep);
    const unsigned shown = tail.count < LOG_TAIL_LINES ? tail.count : LOG_TAIL_LINES;
    for (unsigned i = tail.count - shown; i < tail.count; i++) {
        show(tail.line[i % LOG_TAIL_LINES]);
    }
    tail.is_busy = false;
}
