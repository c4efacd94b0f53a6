/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See dwarf_lines.h. Columns and flags are of no use here.
 */
#include "tools/dwarf_lines.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* DWARF 5: 7.22 line number information, 7.5.6 forms. */
enum {
    LNCT_PATH = 1,
    LNCT_DIRECTORY_INDEX = 2,
    FORM_DATA16 = 0x1e,
    FORM_LINE_STRP = 0x1f,
    FORM_UDATA = 0x0f,
    FORM_DATA1 = 0x0b,
    FORM_DATA2 = 0x05,
    FORM_STRING = 0x08,
    LNS_COPY = 1,
    LNS_ADVANCE_PC = 2,
    LNS_ADVANCE_LINE = 3,
    LNS_SET_FILE = 4,
    LNS_CONST_ADD_PC = 8,
    LNS_FIXED_ADVANCE_PC = 9,
    LNE_END_SEQUENCE = 1,
    LNE_SET_ADDRESS = 2,
};

struct cursor {
    const uint8_t *next;
    const uint8_t *end;
};

/* One entry of a directory or file table. */
struct entry {
    const char *path;
    uint64_t directory;
};

struct unit {
    struct cursor program;
    struct byte_range line_strings;
    unsigned min_instruction_bytes;
    int line_base;
    unsigned line_range;
    unsigned opcode_base;
    uint8_t operand_counts[256];
    struct entry *directories;
    char **files; /* joined with their directories */
    uint64_t directory_count;
    uint64_t file_count;
};

struct state {
    uint64_t address;
    uint64_t file;
    uint64_t line;
};

static _Noreturn void fail(const char *why)
{
    fprintf(stderr, "dwarf_lines: %s\n", why);
    exit(EXIT_FAILURE);
}

static void *allocate(size_t count, size_t size_bytes)
{
    void *const memory = calloc(count + 1, size_bytes); /* never of size 0 */
    if (memory == NULL) {
        fail("no memory");
    }
    return memory;
}

static const uint8_t *take(struct cursor *cursor, uint64_t size_bytes)
{
    if ((uint64_t)(cursor->end - cursor->next) < size_bytes) { /* end >= next */
        fail("cut short");
    }
    const uint8_t *const bytes = cursor->next;
    cursor->next += size_bytes;
    return bytes;
}

static uint64_t fixed(struct cursor *cursor, size_t size_bytes)
{
    uint64_t value = 0;
    memcpy(&value, take(cursor, size_bytes), size_bytes); /* little-endian both */
    return value;
}

static uint64_t uleb(struct cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint64_t byte = fixed(cursor, 1);
        value |= (byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    fail("a number is too long");
}

/* Two's complement, as uint64_t: added to something it wraps to the right sum. */
static uint64_t sleb(struct cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 57;) {
        const uint64_t byte = fixed(cursor, 1);
        value |= (byte & 0x7f) << shift;
        shift += 7;
        if ((byte & 0x80) == 0) {
            return (byte & 0x40) != 0 ? value | UINT64_MAX << shift : value;
        }
    }
    fail("a number is too long");
}

static const char *string(struct cursor *cursor)
{
    const uint8_t *const end = memchr(cursor->next, 0, (size_t)(cursor->end - cursor->next));
    if (end == NULL) {
        fail("a string has no end");
    }
    return (const char *)take(cursor, (uint64_t)(end - cursor->next) + 1); /* end >= next */
}

static const char *line_string(const struct unit *unit, uint64_t offset)
{
    if (offset >= unit->line_strings.size_bytes) {
        fail("a string lies outside of its section");
    }
    struct cursor cursor = { unit->line_strings.bytes + offset,
                             unit->line_strings.bytes + unit->line_strings.size_bytes };
    return string(&cursor);
}

static void read_field(const struct unit *unit, struct cursor *header, const uint64_t format[2],
                       struct entry *entry)
{
    uint64_t number = 0;
    const char *text = NULL;
    switch (format[1]) {
    case FORM_LINE_STRP:
        text = line_string(unit, fixed(header, 4));
        break;
    case FORM_STRING:
        text = string(header);
        break;
    case FORM_UDATA:
        number = uleb(header);
        break;
    case FORM_DATA1:
        number = fixed(header, 1);
        break;
    case FORM_DATA2:
        number = fixed(header, 2);
        break;
    case FORM_DATA16:
        (void)take(header, 16); /* MD5 of the file */
        break;
    default:
        fail("a form that is not known");
    }
    if (format[0] == LNCT_PATH) {
        entry->path = text;
    } else if (format[0] == LNCT_DIRECTORY_INDEX) {
        entry->directory = number;
    }
}

static struct entry *read_entries(const struct unit *unit, struct cursor *header, uint64_t *count)
{
    uint64_t formats[256][2];
    const uint64_t format_count = fixed(header, 1);
    for (uint64_t i = 0; i < format_count; i++) {
        formats[i][0] = uleb(header);
        formats[i][1] = uleb(header);
    }
    *count = uleb(header);
    if (*count > (uint64_t)(header->end - header->next)) {
        fail("more files than bytes");
    }
    struct entry *const entries = allocate(*count, sizeof(*entries));
    for (uint64_t i = 0; i < *count; i++) {
        for (uint64_t j = 0; j < format_count; j++) {
            read_field(unit, header, formats[j], &entries[i]);
        }
        if (entries[i].path == NULL) {
            fail("a file has no name");
        }
    }
    return entries;
}

/* "dir/name" without a leading "./"; dir is left out where name is absolute or dir is ".". */
static char *join_path(const struct unit *unit, const struct entry *file)
{
    if (file->directory >= unit->directory_count) {
        fail("a file has no directory");
    }
    const char *directory = unit->directories[file->directory].path;
    if (strncmp(directory, "./", 2) == 0) {
        directory += 2;
    }
    const bool is_alone = file->path[0] == '/' || strcmp(directory, ".") == 0;
    const char *const name = strncmp(file->path, "./", 2) == 0 ? file->path + 2 : file->path;
    const size_t room = strlen(directory) + strlen(name) + 2;
    char *const joined = allocate(room, 1);
    (void)snprintf(joined, room, "%s%s%s", is_alone ? "" : directory, is_alone ? "" : "/", name);
    return joined;
}

static void read_header(struct unit *unit, struct cursor *whole)
{
    if (fixed(whole, 2) != 5) {
        fail("a line table is not of DWARF 5");
    }
    (void)take(whole, 2); /* sizes of addresses and of segment selectors: 8, 0 */
    const uint64_t header_bytes = fixed(whole, 4);
    struct cursor header = { take(whole, header_bytes), whole->next };
    unit->program = *whole;
    unit->min_instruction_bytes = (unsigned)fixed(&header, 1);
    (void)take(&header, 2); /* operations an instruction (VLIW), default of is_stmt */
    unit->line_base = (int8_t)fixed(&header, 1); /* signed byte */
    unit->line_range = (unsigned)fixed(&header, 1);
    unit->opcode_base = (unsigned)fixed(&header, 1);
    if (unit->line_range == 0 || unit->opcode_base == 0) {
        fail("a header is damaged");
    }
    memcpy(unit->operand_counts + 1, take(&header, unit->opcode_base - 1), unit->opcode_base - 1);
    unit->directories = read_entries(unit, &header, &unit->directory_count);
    struct entry *const files = read_entries(unit, &header, &unit->file_count);
    unit->files = allocate(unit->file_count, sizeof(*unit->files));
    for (uint64_t i = 0; i < unit->file_count; i++) {
        unit->files[i] = join_path(unit, &files[i]);
    }
    free(files);
}

static void append(struct line_rows *rows, const struct line_row *row)
{
    if (rows->count == rows->room) {
        rows->room = rows->room == 0 ? 1024 : rows->room * 2;
        rows->rows = realloc(rows->rows, rows->room * sizeof(*rows->rows));
        if (rows->rows == NULL) {
            fail("no memory");
        }
    }
    rows->rows[rows->count++] = *row;
}

static void add_row(const struct unit *unit, const struct state *state, struct line_rows *rows)
{
    if (state->file >= unit->file_count) {
        fail("a row has no file");
    }
    const struct line_row row = {
        .address = state->address,
        .file = unit->files[state->file],
        .line = (uint32_t)state->line, /* source lines are fewer */
    };
    append(rows, &row);
}

static void end_sequence(struct state *state, struct line_rows *rows)
{
    const struct line_row row = { .address = state->address };
    append(rows, &row);
    *state = (struct state){ .file = 1, .line = 1 };
}

static void run_extended(struct unit *unit, struct state *state, struct line_rows *rows)
{
    const uint64_t size_bytes = uleb(&unit->program);
    struct cursor operation = { take(&unit->program, size_bytes), unit->program.next };
    switch (fixed(&operation, 1)) {
    case LNE_END_SEQUENCE:
        end_sequence(state, rows);
        break;
    case LNE_SET_ADDRESS:
        state->address = fixed(&operation, 8);
        break;
    default: /* discriminators */
        break;
    }
}

static void run_standard(struct unit *unit, struct state *state, unsigned opcode,
                         struct line_rows *rows)
{
    struct cursor *const program = &unit->program;
    switch (opcode) {
    case LNS_COPY:
        add_row(unit, state, rows);
        break;
    case LNS_ADVANCE_PC:
        state->address += uleb(program) * unit->min_instruction_bytes;
        break;
    case LNS_ADVANCE_LINE:
        state->line += sleb(program);
        break;
    case LNS_SET_FILE:
        state->file = uleb(program);
        break;
    case LNS_CONST_ADD_PC:
        state->address +=
            (uint64_t)((255 - unit->opcode_base) / unit->line_range * unit->min_instruction_bytes);
        break;
    case LNS_FIXED_ADVANCE_PC:
        state->address += fixed(program, 2);
        break;
    default: /* column, flags, instruction set */
        for (unsigned i = 0; i < unit->operand_counts[opcode]; i++) {
            (void)uleb(program);
        }
        break;
    }
}

static void run_special(const struct unit *unit, struct state *state, unsigned opcode,
                        struct line_rows *rows)
{
    const unsigned adjusted = opcode - unit->opcode_base;
    const int line_step = unit->line_base + (int)(adjusted % unit->line_range); /* < 256 */
    state->address += (uint64_t)(adjusted / unit->line_range) * unit->min_instruction_bytes;
    state->line += (uint64_t)line_step; /* wraps where it is negative */
    add_row(unit, state, rows);
}

static void read_unit(struct cursor *whole, struct byte_range line_strings, struct line_rows *rows)
{
    struct unit unit = { .line_strings = line_strings };
    read_header(&unit, whole);
    struct state state = { .file = 1, .line = 1 };
    while (unit.program.next < unit.program.end) {
        const unsigned opcode = (unsigned)fixed(&unit.program, 1); /* a byte */
        if (opcode == 0) {
            run_extended(&unit, &state, rows);
        } else if (opcode < unit.opcode_base) {
            run_standard(&unit, &state, opcode, rows);
        } else {
            run_special(&unit, &state, opcode, rows);
        }
    }
    free(unit.directories);
    free(unit.files); /* the names stay */
}

void dwarf_read_lines(struct byte_range section, struct byte_range line_strings,
                      struct line_rows *rows)
{
    struct cursor cursor = { section.bytes, section.bytes + section.size_bytes };
    while (cursor.next < cursor.end) {
        const uint64_t size_bytes = fixed(&cursor, 4);
        if (size_bytes >= 0xfffffff0) {
            fail("64-bit DWARF");
        }
        struct cursor whole = { take(&cursor, size_bytes), cursor.next };
        read_unit(&whole, line_strings, rows);
    }
}
