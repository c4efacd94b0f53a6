/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The last lines that were entered, as many as fit into 4 KiB, the oldest dropped first. The caller
 * owns the struct; all zero is empty. Pure; kernel and host.
 */
#ifndef MONITOR_LINE_HISTORY_H
#define MONITOR_LINE_HISTORY_H

#include <stddef.h>

#define LINE_HISTORY_BYTES 4096U

/** Lines packed one behind the other, each with its NUL, the newest first. */
struct line_history {
    size_t used_bytes;
    char lines[LINE_HISTORY_BYTES];
};

/** Keeps @p line; not an empty one, nor one that equals the newest, nor one that does not fit. */
void line_history_add(struct line_history *history, const char *line);

/** Line @p age (0: the newest), or NULL where there are not so many. */
const char *line_history_get(const struct line_history *history, size_t age);

#endif
