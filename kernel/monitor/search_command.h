/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's command `search`: where bytes or a text stand in mapped, cacheable memory. Device
 * memory is left alone: reading it can have effects. State (search_command.c): a buffer. Context:
 * after mm_init().
 */
#ifndef MONITOR_SEARCH_COMMAND_H
#define MONITOR_SEARCH_COMMAND_H

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

/** `search RANGE PATTERN` */
void search_command(const char *argument);

#endif
