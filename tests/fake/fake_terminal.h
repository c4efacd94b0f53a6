/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A terminal as far as a line editor may need one: rows of so many columns, printable ASCII, '\b',
 * '\n', '\a', and the two sequences that clear the screen. Everything else that is sent to it, and
 * going left of the first column or into the last one, is noted as an error.
 */
#ifndef FAKE_TERMINAL_H
#define FAKE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#define FAKE_TERMINAL_COLUMNS 80U

struct fake_terminal {
    char row[FAKE_TERMINAL_COLUMNS + 1];      /* the cursor's, padded with spaces */
    char last_row[FAKE_TERMINAL_COLUMNS + 1]; /* the one above */
    size_t column;
    size_t rows; /* left with '\n' so far */
    size_t bells;
    size_t clears;
    size_t written_bytes;
    char sequence[8]; /* an escape sequence in progress */
    size_t sequence_bytes;
    const char *error; /* the first; NULL for none */
};

void fake_terminal_init(struct fake_terminal *terminal);

/** Writes; @p context is the terminal. */
void fake_terminal_echo(void *context, const char *text, size_t size_bytes);

/** Whether @p row is @p text and then spaces only. */
bool fake_terminal_row_is(const char *row, const char *text);

#endif
