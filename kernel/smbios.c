/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See smbios.h. Stateless.
 */
#include "smbios.h"

#include <string.h>

#include "lib/little_endian.h"
#include "lib/printable.h"

#define HEADER_BYTES        4U
#define ENTRY2_BYTES_OLD    30U /* what version 2.1 says by mistake (5.2.1, table 1) */
#define ENTRY2_INTERMEDIATE 16U
#define ENTRY2_DMI_BYTES    15U

static bool sum_is_zero(const uint8_t *bytes, uint32_t size_bytes)
{
    uint8_t sum = 0;
    for (uint32_t i = 0; i < size_bytes; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return sum == 0;
}

/* 5.2.1: two checksums, the second over the older "_DMI_" part. */
static enum kstatus read_entry2(const uint8_t *bytes, uint32_t size_bytes,
                                struct smbios_entry *entry)
{
    const uint8_t length = bytes[5];
    if (size_bytes < SMBIOS2_ENTRY_BYTES ||
        (length != SMBIOS2_ENTRY_BYTES && length != ENTRY2_BYTES_OLD) ||
        !sum_is_zero(bytes, SMBIOS2_ENTRY_BYTES) ||
        memcmp(bytes + ENTRY2_INTERMEDIATE, "_DMI_", 5) != 0 ||
        !sum_is_zero(bytes + ENTRY2_INTERMEDIATE, ENTRY2_DMI_BYTES)) {
        return K_EILSEQ;
    }
    *entry = (struct smbios_entry){
        .major = bytes[6],
        .minor = bytes[7],
        .table = little_endian(bytes + 24, 4),
        .size_bytes = (uint32_t)little_endian(bytes + 22, 2),
    };
    return K_OK;
}

enum kstatus smbios_entry_read(const uint8_t *bytes, uint32_t size_bytes,
                               struct smbios_entry *entry)
{
    if (size_bytes < SMBIOS3_ENTRY_BYTES) {
        return K_EILSEQ;
    }
    if (memcmp(bytes, "_SM_", 4) == 0) {
        return read_entry2(bytes, size_bytes, entry);
    }
    if (memcmp(bytes, "_SM3_", 5) != 0 || bytes[6] != SMBIOS3_ENTRY_BYTES ||
        !sum_is_zero(bytes, SMBIOS3_ENTRY_BYTES)) {
        return K_EILSEQ;
    }
    *entry = (struct smbios_entry){
        .major = bytes[7],
        .minor = bytes[8],
        .table = little_endian(bytes + 16, 8),
        .size_bytes = (uint32_t)little_endian(bytes + 12, 4),
    };
    return K_OK;
}

/* Bytes of the strings at `at` up to the empty one, without its 0 (no string: one byte, 0).
 * @return false where the table ends before */
static bool measure_strings(const uint8_t *table, uint32_t size_bytes, uint32_t at, uint32_t *bytes)
{
    for (uint32_t end = at; size_bytes >= 2 && end <= size_bytes - 2; end++) {
        if (table[end] == 0 && table[end + 1] == 0) {
            *bytes = end + 1 - at;
            return true;
        }
    }
    return false;
}

bool smbios_next(const uint8_t *table, uint32_t size_bytes, uint32_t *offset,
                 struct smbios_structure *structure)
{
    if (*offset > size_bytes || size_bytes - *offset < HEADER_BYTES) {
        return false;
    }
    const uint8_t *const bytes = table + *offset;
    const uint32_t strings_at = *offset + bytes[1];
    uint32_t strings_bytes;
    if (bytes[1] < HEADER_BYTES ||
        !measure_strings(table, size_bytes, strings_at, &strings_bytes)) {
        return false;
    }
    *structure = (struct smbios_structure){
        .bytes = bytes,
        .type = bytes[0],
        .length = bytes[1],
        .handle = (uint16_t)little_endian(bytes + 2, 2),
        .strings = table + strings_at,
        .strings_bytes = strings_bytes,
    };
    *offset = strings_at + strings_bytes + 1;
    return true;
}

bool smbios_number(const struct smbios_structure *structure, unsigned offset, unsigned size_bytes,
                   uint64_t *number)
{
    if (offset + size_bytes > structure->length) {
        return false;
    }
    *number = little_endian(structure->bytes + offset, size_bytes);
    return true;
}

void smbios_string(const struct smbios_structure *structure, unsigned offset, char *text,
                   size_t size_bytes)
{
    uint64_t left = 0;
    if (!smbios_number(structure, offset, 1, &left)) {
        left = 0;
    }
    /* Strings are counted from 1; 0 or a missing field: none. */
    size_t used = 0;
    for (uint32_t i = 0; i < structure->strings_bytes && left > 0; i++) {
        const uint8_t byte = structure->strings[i];
        if (byte == 0) {
            left--;
        } else if (left == 1 && used + 1 < size_bytes) {
            text[used++] = printable(byte);
        }
    }
    text[used] = '\0';
}
