/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See symbol_table.h. A damaged table gives wrong names, but no access outside of it and no endless
 * loop: counts are bounded by the header's, and the decoder reads zeros behind the end.
 */
#include "symbol_table.h"

#include <string.h>

struct place {
    uint32_t file;
    uint32_t line;
};

struct row_reader {
    struct range_decoder decoder;
    struct place recent[SYMBOL_RECENT]; /* the newest first */
    unsigned kind;                      /* of the row before */
    uint32_t address;
};

static bool read_header(const struct symbol_table *table, struct symbol_header *header)
{
    if (table->size_bytes < sizeof(*header)) {
        return false;
    }
    memcpy(header, table->bytes, sizeof(*header));
    const size_t streams_bytes = table->size_bytes - sizeof(*header);
    return header->files_bytes <= streams_bytes &&
           header->functions_bytes <= streams_bytes - header->files_bytes;
}

static void reset_models(const struct symbol_table *table)
{
    range_models_reset((uint16_t *)(void *)table->models, sizeof(*table->models) / 2);
}

/* Starts a stream `skip_bytes` behind the header. */
static struct range_decoder start_stream(const struct symbol_table *table, size_t skip_bytes)
{
    const size_t at = sizeof(struct symbol_header) + skip_bytes;
    struct range_decoder decoder;
    reset_models(table);
    range_decoder_init(&decoder, table->bytes + at, table->size_bytes - at);
    return decoder;
}

static void read_name(struct range_decoder *decoder, union symbol_models *models,
                      char name[SYMBOL_NAME_BYTES])
{
    static const char alphabet[] = SYMBOL_ALPHABET;
    unsigned code = 0;
    for (size_t i = 0; i < SYMBOL_NAME_BYTES; i++) {
        code = range_decode_tree(decoder, models->name.code[code], SYMBOL_CODE_BITS);
        name[i] = alphabet[code];
        if (code == 0) {
            return;
        }
    }
    name[SYMBOL_NAME_BYTES - 1] = '\0';
}

static void read_file(const struct symbol_table *table, const struct symbol_header *header,
                      uint32_t number, char name[SYMBOL_NAME_BYTES])
{
    struct range_decoder decoder = start_stream(table, 0);
    name[0] = '\0';
    for (uint32_t i = 0; i <= number && i < header->file_count; i++) {
        read_name(&decoder, table->models, name);
    }
}

/* The line that `change` says, in zigzag order 0, -1, 1, -2, ...: from 0 to 2^32 - 1, wrapping. */
static uint32_t apply_change(uint32_t line, uint32_t change)
{
    return line + ((change >> 1) ^ (0U - (change & 1)));
}

static void read_row(struct row_reader *reader, union symbol_models *models)
{
    struct range_decoder *const decoder = &reader->decoder;
    reader->address += range_decode_number(decoder, models->row.distance);
    unsigned kind = range_decode_tree(decoder, models->row.kind[reader->kind], SYMBOL_KIND_BITS);
    struct place place;
    if (kind < SYMBOL_RECENT) {
        place = reader->recent[kind];
        place.line =
            apply_change(place.line, range_decode_number(decoder, models->row.difference[kind]));
    } else {
        kind = SYMBOL_RECENT;
        place.file = range_decode_number(decoder, models->row.file);
        place.line = range_decode_number(decoder, models->row.line);
    }
    for (unsigned i = kind < SYMBOL_RECENT ? kind : SYMBOL_RECENT - 1; i > 0; i--) {
        reader->recent[i] = reader->recent[i - 1];
    }
    reader->recent[0] = place;
    reader->kind = kind;
}

/* The last row at or below `offset`. */
static bool find_row(const struct symbol_table *table, const struct symbol_header *header,
                     uint32_t offset, struct place *place)
{
    struct row_reader reader = {
        .decoder = start_stream(table, (size_t)header->files_bytes + header->functions_bytes),
    };
    bool found = false;
    for (uint32_t i = 0; i < header->row_count; i++) {
        read_row(&reader, table->models);
        if (reader.address > offset) {
            break;
        }
        *place = reader.recent[0];
        found = true;
    }
    return found;
}

/* The last function at or below `offset`. */
static bool find_function(const struct symbol_table *table, const struct symbol_header *header,
                          uint32_t offset, struct symbol_place *place)
{
    struct range_decoder decoder = start_stream(table, header->files_bytes);
    uint32_t start = 0;
    bool found = false;
    for (uint32_t i = 0; i < header->function_count; i++) {
        const uint32_t next = start + range_decode_number(&decoder, table->models->name.distance);
        if (next > offset) {
            break;
        }
        start = next;
        read_name(&decoder, table->models, place->function);
        found = true;
    }
    place->offset = offset - start;
    return found;
}

bool symbol_table_lookup(const struct symbol_table *table, uint32_t offset,
                         struct symbol_place *place)
{
    struct symbol_header header;
    if (!read_header(table, &header) || !find_function(table, &header, offset, place)) {
        return false;
    }
    struct place row;
    place->file[0] = '\0';
    place->line = 0;
    if (find_row(table, &header, offset, &row)) {
        read_file(table, &header, row.file, place->file);
        place->line = row.line;
    }
    return true;
}

bool symbol_table_find(const struct symbol_table *table, const char *name, uint32_t *offset)
{
    struct symbol_header header;
    if (!read_header(table, &header)) {
        return false;
    }
    struct range_decoder decoder = start_stream(table, header.files_bytes);
    char found[SYMBOL_NAME_BYTES];
    uint32_t start = 0;
    for (uint32_t i = 0; i < header.function_count; i++) {
        start += range_decode_number(&decoder, table->models->name.distance);
        read_name(&decoder, table->models, found);
        if (strcmp(found, name) == 0) {
            *offset = start;
            return true;
        }
    }
    return false;
}
