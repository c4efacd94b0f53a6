/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Settings of the log that only boot code, the console and the monitor touch; printk.h is for
 * everyone.
 */
#ifndef KERNEL_PRINTK_CONTROL_H
#define KERNEL_PRINTK_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"

/** When lines go to the consoles; they are in the ring at once in any case. */
enum printk_mode {
    PRINTK_BACKGROUND,  /* as far as the UART takes them without waiting */
    PRINTK_DEFERRED,    /* not before the mode changes (`log=deferred`) */
    PRINTK_SYNCHRONOUS, /* each is out before printk() returns (`log=sync`) */
};

/** Time stamps count from @p base_ticks at @p ticks_per_second (0: unknown, stamps show ticks). */
void printk_set_clock(uint64_t base_ticks, uint64_t ticks_per_second);

/** Lines with a level above @p level (0..7) are kept, and not shown on the consoles. */
void printk_set_level(int level);

/** The level up to which lines are shown. */
int printk_level(void);

void printk_set_mode(enum printk_mode mode);

/** printk_set_mode(): PRINTK_DEFERRED, or PRINTK_BACKGROUND and the log so far is shown. */
void printk_set_deferred(bool deferred);

/** A line without stamp and level, in its place in the log, always shown: for what a script waits
 *  for. Context: as printk(). */
void printk_plain(const char *format, ...) PRINTF_LIKE(1, 2);

/** From here on @p put gets every line as it is logged, with its newline, in the context that logs
 * it (an exception may come in the middle of it); NULL: nobody does. Deferred lines are not copied.
 */
void printk_set_copy(void (*put)(const char *text, size_t size_bytes));

/** Shows what the consoles take without waiting, unless deferred. */
void printk_pump(void);

/** Shows all that is not shown yet, deferred or not. Waits for a slow UART, about a second for one
 *  that stands still: its lines stay in the log and follow when it moves again. */
void printk_flush(void);

/** What the log holds. */
struct printk_counts {
    uint64_t lines;  /* logged since boot */
    uint64_t missed; /* of them, never shown: no room, or an output that took nothing */
};

void printk_counts(struct printk_counts *counts);

/** Gives @p put the kept lines up to @p level, the oldest first, with a newline each; it says
 *  whether to go on. */
void printk_history(int level, bool (*put)(const char *line, size_t size_bytes));

/* ---- for console.c ----------------------------------------------------------------------------
 */

/**
 * Takes the outputs, for text that is not in the log: shows the log so far, so that the order
 * stays, and keeps everyone else's lines back until printk_release_outputs().
 * @param log_is_out  receives whether the log is all shown: if not, the UART stands still
 * @return token for printk_release_outputs(). Never waits for a holder on this CPU: an exception
 *         in the middle of a write writes at once.
 */
bool printk_hold_outputs(bool *log_is_out);

/** Gives the outputs back, and shows what came meanwhile as far as that goes without waiting. */
void printk_release_outputs(bool token);

#endif
