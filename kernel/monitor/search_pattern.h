/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What `search` looks for: bytes or a text, read from what was typed, found in a buffer. Pure;
 * kernel and host.
 */
#ifndef MONITOR_SEARCH_PATTERN_H
#define MONITOR_SEARCH_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include "kstatus.h"

#define SEARCH_PATTERN_MAX 64U

struct search_pattern {
    size_t length; /* bytes, at least 1 */
    uint8_t bytes[SEARCH_PATTERN_MAX];
};

/** Reads "TEXT" in double quotes, or bytes in hex with or without spaces between them.
 *  @return K_OK; K_EINVAL neither; K_ENOSPC longer than SEARCH_PATTERN_MAX */
MUST_CHECK enum kstatus search_parse(const char *text, struct search_pattern *pattern);

/** Index of the first match that begins in bytes[from .. size_bytes), or @p size_bytes. */
size_t search_find(const struct search_pattern *pattern, const uint8_t *bytes, size_t size_bytes,
                   size_t from);

#endif
