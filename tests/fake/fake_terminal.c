/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_terminal.h.
 */
#include "tests/fake/fake_terminal.h"

#include <string.h>

static void blank_row(struct fake_terminal *terminal)
{
    memset(terminal->row, ' ', FAKE_TERMINAL_COLUMNS);
    terminal->row[FAKE_TERMINAL_COLUMNS] = '\0';
    terminal->column = 0;
}

void fake_terminal_init(struct fake_terminal *terminal)
{
    *terminal = (struct fake_terminal){ .error = NULL };
    blank_row(terminal);
    memcpy(terminal->last_row, terminal->row, sizeof(terminal->row));
}

static void fail(struct fake_terminal *terminal, const char *what)
{
    if (terminal->error == NULL) {
        terminal->error = what;
    }
}

static void end_sequence(struct fake_terminal *terminal)
{
    const char *const s = terminal->sequence;
    if (terminal->sequence_bytes == 3 && memcmp(s, "\x1b[H", 3) == 0) {
        terminal->column = 0;
    } else if (terminal->sequence_bytes == 4 && memcmp(s, "\x1b[2J", 4) == 0) {
        const size_t column = terminal->column;
        blank_row(terminal);
        terminal->column = column;
        terminal->clears++;
    } else {
        fail(terminal, "an unknown escape sequence");
    }
    terminal->sequence_bytes = 0;
}

static void take_sequence(struct fake_terminal *terminal, char c)
{
    terminal->sequence[terminal->sequence_bytes++] = c;
    const bool ended = terminal->sequence_bytes > 2 && c >= 0x40 && c <= 0x7e;
    if (ended || terminal->sequence_bytes == sizeof(terminal->sequence)) {
        end_sequence(terminal);
    }
}

static void print(struct fake_terminal *terminal, char c)
{
    if (c < ' ' || c > '~') {
        fail(terminal, "a byte that is not printable");
    } else if (terminal->column + 1 >= FAKE_TERMINAL_COLUMNS) {
        fail(terminal, "the last column");
    } else {
        terminal->row[terminal->column++] = c;
    }
}

static void put(struct fake_terminal *terminal, char c)
{
    if (terminal->sequence_bytes > 0 || c == '\x1b') {
        take_sequence(terminal, c);
    } else if (c == '\n') {
        memcpy(terminal->last_row, terminal->row, sizeof(terminal->row));
        terminal->rows++;
        blank_row(terminal);
    } else if (c == '\a') {
        terminal->bells++;
    } else if (c == '\b') {
        if (terminal->column == 0) {
            fail(terminal, "left of the first column");
        } else {
            terminal->column--;
        }
    } else {
        print(terminal, c);
    }
}

void fake_terminal_echo(void *context, const char *text, size_t size_bytes)
{
    struct fake_terminal *const terminal = context;
    terminal->written_bytes += size_bytes;
    for (size_t i = 0; i < size_bytes; i++) {
        put(terminal, text[i]);
    }
}

bool fake_terminal_row_is(const char *row, const char *text)
{
    const size_t length = strlen(text);
    if (strncmp(row, text, length) != 0) {
        return false;
    }
    for (size_t i = length; row[i] != '\0'; i++) {
        if (row[i] != ' ') {
            return false;
        }
    }
    return true;
}
