/* SPDX-License-Identifier: GPL-2.0-only
 *
 * pe_checksum FILE: writes the CheckSum of a PE file into its header, in place; the linker of
 * clang 14 leaves it zero, and some firmware and signing tools look at it. Host program of the
 * build; no state. tests/pe_file.py computes the same sum on its own.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT_BYTES (64L << 20)
#define PE_OFFSET_AT     0x3c
#define CHECKSUM_BEHIND_PE                                                 \
    (4 + 20 + 64) /* signature, file header, offset in the optional header \
                   */

static uint32_t load(const uint8_t *bytes, size_t count)
{
    uint32_t value = 0;
    for (size_t i = count; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

/** The sum of all 16-bit words with end-around carry, but for the field itself, plus the size (PE
 *  Format, Optional Header, CheckSum: "the algorithm is incorporated into IMAGHELP.DLL"). */
static uint32_t checksum(const uint8_t *bytes, size_t size_bytes, size_t field_at)
{
    uint32_t sum = 0;
    for (size_t at = 0; at < size_bytes; at += 2) {
        if (at >= field_at && at < field_at + 4) {
            continue;
        }
        sum += load(bytes + at, at + 1 < size_bytes ? 2 : 1);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum + (uint32_t)size_bytes;
}

/** The whole file in fresh memory, or NULL. */
static uint8_t *read_file(FILE *file, size_t *size_bytes)
{
    if (fseek(file, 0, SEEK_END) != 0) {
        return NULL;
    }
    const long end = ftell(file);
    if (end <= 0 || end > FILE_LIMIT_BYTES) {
        return NULL;
    }
    rewind(file);
    uint8_t *const bytes = malloc((size_t)end);
    if (bytes != NULL && fread(bytes, 1, (size_t)end, file) != (size_t)end) {
        free(bytes);
        return NULL;
    }
    *size_bytes = (size_t)end;
    return bytes;
}

/** Sets *field_at to where the checksum lies, where this is a PE file at all. */
static bool find_field(const uint8_t *bytes, size_t size_bytes, size_t *field_at)
{
    if (size_bytes < PE_OFFSET_AT + 4) {
        return false;
    }
    const size_t pe_at = load(bytes + PE_OFFSET_AT, 4);
    if (pe_at % 2 != 0 || pe_at > size_bytes || size_bytes - pe_at < CHECKSUM_BEHIND_PE + 4 ||
        memcmp(bytes + pe_at, "PE\0", 4) != 0) {
        return false;
    }
    *field_at = pe_at + CHECKSUM_BEHIND_PE;
    return true;
}

static bool write_field(FILE *file, size_t field_at, uint32_t value)
{
    const uint8_t field[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                               (uint8_t)(value >> 24) };
    return fseek(file, (long)field_at, SEEK_SET) == 0 && fwrite(field, 1, 4, file) == 4;
}

static bool update(FILE *file)
{
    size_t size_bytes = 0;
    uint8_t *const bytes = read_file(file, &size_bytes);
    size_t field_at = 0;
    const bool good = bytes != NULL && find_field(bytes, size_bytes, &field_at) &&
                      write_field(file, field_at, checksum(bytes, size_bytes, field_at));
    free(bytes);
    return good;
}

int main(int argc, char **argv)
{
    FILE *const file = argc == 2 ? fopen(argv[1], "r+b") : NULL;
    if (file == NULL) {
        (void)fputs("usage: pe_checksum FILE (a PE file that can be written)\n", stderr);
        return 1;
    }
    bool good = update(file);
    good = fclose(file) == 0 && good;
    if (!good) {
        (void)fprintf(stderr, "pe_checksum: %s is no PE file, or cannot be written\n", argv[1]);
    }
    return good ? 0 : 1;
}
