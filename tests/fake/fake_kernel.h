/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host stand-ins for printk and panic. The log is kept, so that a test can look for a line; a
 * panic unwinds to the test that expects one, else ends the process.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdbool.h>

/** Forgets the log. */
void fake_log_reset(void);

/** Every line since the reset, each with its newline. */
const char *fake_log_text(void);

/** Whether some line logged since the reset contains @p text. */
bool fake_log_contains(const char *text);

/** Shows log lines on stderr as they come (off at start). */
void fake_log_show(bool on);

/**
 * Calls @p body(@p context) and catches a panic in it.
 * @return the panic's message (valid until the next call), or NULL where it did not panic
 */
const char *fake_panic_catch(void (*body)(void *context), void *context);

/** Calls @p hook with every line that is logged; NULL ends it. */
void fake_log_hook(void (*hook)(int level, const char *line));

#endif
