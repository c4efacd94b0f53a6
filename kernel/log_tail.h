/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The last lines of the log, for a crash dump: who sends in a photograph or the end of a capture
 * then sends what happened just before as well.
 */
#ifndef KERNEL_LOG_TAIL_H
#define KERNEL_LOG_TAIL_H

#define LOG_TAIL_LINES 6U

/** Calls @p show for each of the last LOG_TAIL_LINES lines, the oldest first, cut to 127
 *  characters. Not re-entrant: a call inside another one shows nothing. Context: any. */
void log_tail_read(void (*show)(const char *line));

#endif
