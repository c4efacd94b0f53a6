/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Settings of the log that only boot code and the monitor touch; printk.h is for everyone.
 */
#ifndef KERNEL_PRINTK_CONTROL_H
#define KERNEL_PRINTK_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Time stamps count from @p base_ticks at @p ticks_per_second (0: unknown, stamps show ticks). */
void printk_set_clock(uint64_t base_ticks, uint64_t ticks_per_second);

/** Lines with a level above @p level (0..7) are not logged. */
void printk_set_level(int level);

/** While deferred, lines are only remembered; ending it shows them (`log=deferred`). */
void printk_set_deferred(bool deferred);

/** Shows what is still unshown, deferred or not: for panic. */
void printk_flush(void);

/** Gives @p put the log as far as it was shown, the oldest lines first: for a console that came up
 *  late. What the ring does not hold any more is missing, from the middle of a line on. */
void printk_replay(void (*put)(const char *text, size_t size_bytes));

#endif
