/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See smbios_machine.h. A structure is a header, a formatted area, and strings that end with an
 * empty one; a field of the formatted area is the number of its string. Stateless.
 *
 *     type  length  handle(2)  area to `length`  "first\0" "second\0" ... "\0"
 */
#include "smbios_machine.h"

#include <stdbool.h>

#include "lib/compiler.h"
#include "lib/printable.h"
#include "lib/string.h"

#define HEADER_BYTES 4U
#define LENGTH       1U
#define TYPE_END     127U

/* One structure inside of the table. */
struct structure {
    const uint8_t *bytes;
    size_t area_bytes;  /* header and formatted area */
    size_t total_bytes; /* with the strings and both NULs at their end */
};

/* The structure at the front of @p size_bytes bytes; false where none is whole. */
static bool next_structure(const uint8_t *bytes, size_t size_bytes, struct structure *structure)
{
    if (size_bytes < HEADER_BYTES || bytes[LENGTH] < HEADER_BYTES || bytes[LENGTH] > size_bytes) {
        return false;
    }
    for (size_t end = bytes[LENGTH]; end + 1 < size_bytes; end++) {
        if (bytes[end] == 0 && bytes[end + 1] == 0) {
            *structure = (struct structure){ .bytes = bytes,
                                             .area_bytes = bytes[LENGTH],
                                             .total_bytes = end + 2 };
            return true;
        }
    }
    return false;
}

/* Copies the string whose number stands at @p offset; the last byte of a structure is NUL. */
static void copy_string(const struct structure *structure, size_t offset, char *to)
{
    uint8_t number = offset < structure->area_bytes ? structure->bytes[offset] : 0;
    const uint8_t *text = structure->bytes + structure->area_bytes;
    const uint8_t *const end = structure->bytes + structure->total_bytes - 1;
    if (number == 0) {
        return;
    }
    for (; number > 1 && text < end; number--) {
        text += strlen((const char *)text) + 1;
    }
    size_t length = 0;
    for (; text < end && *text != 0 && length < SMBIOS_TEXT_BYTES - 1; text++) {
        to[length++] = printable(*text);
    }
    to[length] = '\0';
}

static void read_structure(const struct structure *structure, struct smbios_machine *machine)
{
    const struct {
        uint8_t type;
        uint8_t offset;
        char *to;
    } fields[] = {
        { 0, 4, machine->bios_vendor }, { 0, 5, machine->bios_version },
        { 0, 8, machine->bios_date },   { 1, 4, machine->manufacturer },
        { 1, 5, machine->product },     { 1, 6, machine->version },
    };
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        if (fields[i].type == structure->bytes[0]) {
            copy_string(structure, fields[i].offset, fields[i].to);
        }
    }
}

void smbios_machine_read(const uint8_t *table, size_t size_bytes, struct smbios_machine *machine)
{
    struct structure structure;
    memset(machine, 0, sizeof(*machine));
    while (next_structure(table, size_bytes, &structure) && structure.bytes[0] != TYPE_END) {
        read_structure(&structure, machine);
        table += structure.total_bytes;
        size_bytes -= structure.total_bytes;
    }
}
