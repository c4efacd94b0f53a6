/* SPDX-License-Identifier: GPL-2.0-only
 *
 * How far a long command is: a line that is written over itself twice a second, with what is left
 * of the time, and whether the user wants it to stop. The caller owns the struct. Kernel and host.
 *
 *     struct progress progress;
 *     progress_start(&progress, "search", total_bytes, ticks_per_second);
 *     while (...) {
 *         ...
 *         if (!progress_step(&progress, done_bytes))
 *             break;
 *     }
 *     progress_end(&progress);
 */
#ifndef MONITOR_PROGRESS_H
#define MONITOR_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *name;
    uint64_t total; /* of whatever is counted; 0: unknown */
    uint64_t ticks_per_second;
    uint64_t started; /* time stamps */
    uint64_t shown;
    bool visible; /* a line is on the terminal */
};

/** @param ticks_per_second of arch_timestamp(); 0 (unknown) counts as 10^9 */
void progress_start(struct progress *progress, const char *name, uint64_t total,
                    uint64_t ticks_per_second);

/** Shows @p done of the total where half a second has passed since something was shown.
 *  @return false where the user pressed Ctrl-C: stop */
bool progress_step(struct progress *progress, uint64_t done);

/** Wipes the line; before anything else is printed. The next step shows it again. */
void progress_end(struct progress *progress);

/** How many per cent of the total @p done is, 100 at most; 0 where the total is unknown. */
uint64_t progress_percent(const struct progress *progress, uint64_t done);

/** Seconds since the start. */
uint64_t progress_seconds(const struct progress *progress);

#endif
