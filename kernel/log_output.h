/* SPDX-License-Identifier: GPL-2.0-only
 *
 * One output of the log: how far it is, and the line that it is in the middle of. What it writes to
 * may take a few bytes at a time (a UART's FIFO) or all at once (a screen); nothing here waits.
 * Several outputs walk the same ring, each at its own pace. The caller owns the struct and
 * serialises; the ring may be written to meanwhile. Pure; kernel and host.
 */
#ifndef KERNEL_LOG_OUTPUT_H
#define KERNEL_LOG_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log_ring.h"

/** Stamp, level, text, end of line. */
#define LOG_LINE_BYTES (LOG_TEXT_MAX + 45U)

/** What the stamps of records count. */
struct log_clock {
    uint64_t base_ticks;
    uint64_t ticks_per_second; /* 0: unknown, stamps show ticks */
};

/** Writes what it can take now of @p text. @return bytes taken */
typedef size_t (*log_output_put)(const char *text, size_t size_bytes);

struct log_output {
    log_output_put put;
    const char *line_end;
    size_t chunk_bytes; /* at most so many for each call of put() */
    uint64_t next;      /* position of the record behind the one in `line` */
    uint64_t missed;    /* records that were gone before they were shown */
    size_t length;      /* bytes in `line` */
    size_t sent;        /* of them, bytes written */
    char line[LOG_LINE_BYTES];
};

/**
 * The line of @p record: stamp, word for the level, text, @p line_end, NUL. Control characters in
 * the text become '?': a line stays one line, whatever a name in it holds.
 * @return bytes without the NUL
 */
size_t log_format_line(const struct log_record *record, const struct log_clock *clock,
                       const char *line_end, char line[LOG_LINE_BYTES]);

/**
 * Writes as much as the output takes: the rest of its line, then the records that follow. Records
 * above @p level are passed over.
 * @return whether everything that is published is out
 */
bool log_output_pump(struct log_output *output, const struct log_ring *ring, int level,
                     const struct log_clock *clock);

/** Gives up the next record, for an output that takes nothing. @return whether there was one */
bool log_output_skip(struct log_output *output, const struct log_ring *ring);

#endif
