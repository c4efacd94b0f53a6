/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The compact symbol table: names, source files and line numbers of the kernel's code, for
 * backtraces. tools/make_symbols.c writes it from kernel.elf, kernel/symbols.c has the running
 * kernel's own. Read from front to back (a few milliseconds); no allocation, no state but the
 * scratch that the caller passes. Pure; kernel and host.
 *
 * Addresses are offsets from the image's first byte, as in the ELF file. Layout: the header, then
 * three streams of range_decoder.h, each with fresh models:
 *
 *   files       function_count, row_count and file_count are in the header;
 *               file_count names, in the order of their first row
 *   functions   function_count times: distance from the start before, then the name
 *   rows        row_count times: distance from the address before, then the place, as one of
 *                 0, 1   the line's difference from the last, or last but one, place (zigzag)
 *                 2      file number, line
 *
 * A row holds until the next one; a function until the next one.
 */
#ifndef KERNEL_SYMBOL_TABLE_H
#define KERNEL_SYMBOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/range_decoder.h"

#define SYMBOL_NAME_BYTES 96U /* with the 0 at the end; make_symbols refuses longer ones */

/* Characters of names by their code; 0 ends a name. What else a compiler may use is refused. */
#define SYMBOL_ALPHABET  "\0abcdefghijklmnopqrstuvwxyz0123456789_./-$ABCDEFGHIJKLMNOPQRSTUV"
#define SYMBOL_CODE_BITS 6U
#define SYMBOL_CODES     (1U << SYMBOL_CODE_BITS)
_Static_assert(sizeof(SYMBOL_ALPHABET) - 1 == SYMBOL_CODES, "every code has a character");

#define SYMBOL_KIND_BITS   2U
#define SYMBOL_RECENT      2U /* places that a row can be near to; as kind: a new place */
#define SYMBOL_HEADER_SIZE 20U

/** Little-endian at the table's start. */
struct symbol_header {
    uint32_t file_count;
    uint32_t function_count;
    uint32_t row_count;
    uint32_t files_bytes;
    uint32_t functions_bytes;
};
_Static_assert(sizeof(struct symbol_header) == SYMBOL_HEADER_SIZE, "tools/make_symbols.c");

/** Probabilities while a stream is read; names and rows are never read together. */
union symbol_models {
    struct {
        uint16_t code[SYMBOL_CODES][SYMBOL_CODES]; /* by the code before */
        uint16_t distance[RANGE_NUMBER_MODELS];
    } name;
    struct {
        uint16_t distance[RANGE_NUMBER_MODELS];
        uint16_t kind[SYMBOL_RECENT + 1][1U << SYMBOL_KIND_BITS]; /* by the kind before */
        uint16_t difference[SYMBOL_RECENT][RANGE_NUMBER_MODELS];
        uint16_t file[RANGE_NUMBER_MODELS];
        uint16_t line[RANGE_NUMBER_MODELS];
    } row;
};

/** Where an address lies. */
struct symbol_place {
    char function[SYMBOL_NAME_BYTES];
    uint64_t offset;              /* bytes from the function's start */
    char file[SYMBOL_NAME_BYTES]; /* "" where no line is known */
    uint32_t line;
};

struct symbol_table {
    const uint8_t *bytes;
    size_t size_bytes;
    union symbol_models *models; /* scratch */
};

/** Finds function and line of the code at @p offset from the image's start. @return false (@p place
 *  undefined) where the table has no function at or below it, or is empty. */
bool symbol_table_lookup(const struct symbol_table *table, uint32_t offset,
                         struct symbol_place *place);

/** Finds the first function called @p name. @return false where there is none. */
bool symbol_table_find(const struct symbol_table *table, const char *name, uint32_t *offset);

#endif
