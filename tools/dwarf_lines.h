/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Reads DWARF 5 line tables (DWARF Debugging Information Format, version 5, 6.2) as clang 14 and
 * gcc 12 write them for this kernel. For build tools: input is what the linker just wrote, an
 * error ends the program with a message.
 */
#ifndef TOOLS_DWARF_LINES_H
#define TOOLS_DWARF_LINES_H

#include <stddef.h>
#include <stdint.h>

struct byte_range {
    const uint8_t *bytes;
    size_t size_bytes;
};

/** From `address` on, code comes from this place, until the next row. */
struct line_row {
    uint64_t address;
    const char *file; /* as the compiler was called, without a leading "./"; NULL: code ends here */
    uint32_t line;    /* 0: made by the compiler, no line */
    size_t order;     /* for the caller; 0 */
};

struct line_rows {
    struct line_row *rows;
    size_t count;
    size_t room;
};

/** Appends the rows of all units of .debug_line @p section, in the order of the section.
 *  @p line_strings is .debug_line_str. File names stay allocated. */
void dwarf_read_lines(struct byte_range section, struct byte_range line_strings,
                      struct line_rows *rows);

#endif
