/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See line_history.h.
 */
#include "monitor/line_history.h"

#include <string.h>

/* Bytes of the newest lines that fit into @p room. */
static size_t keep_bytes(const struct line_history *history, size_t room)
{
    size_t kept = 0;
    while (kept < history->used_bytes) {
        const size_t line_bytes = strlen(history->lines + kept) + 1;
        if (kept + line_bytes > room) {
            break;
        }
        kept += line_bytes;
    }
    return kept;
}

void line_history_add(struct line_history *history, const char *line)
{
    const size_t bytes = strlen(line) + 1;
    const char *const newest = line_history_get(history, 0);
    if (bytes == 1 || bytes > LINE_HISTORY_BYTES || (newest != NULL && strcmp(newest, line) == 0)) {
        return;
    }
    const size_t kept = keep_bytes(history, LINE_HISTORY_BYTES - bytes);
    memmove(history->lines + bytes, history->lines, kept);
    memcpy(history->lines, line, bytes);
    history->used_bytes = bytes + kept;
}

const char *line_history_get(const struct line_history *history, size_t age)
{
    size_t at = 0;
    while (at < history->used_bytes && age > 0) {
        at += strlen(history->lines + at) + 1;
        age--;
    }
    return at < history->used_bytes ? history->lines + at : NULL;
}
