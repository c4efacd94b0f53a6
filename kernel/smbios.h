/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The SMBIOS tables (DSP0134 3.6): entry point, structures, their numbers and strings. Over bytes;
 * hostile input: nothing outside of what the caller passes is read, every walk ends. Pure; kernel
 * and host.
 */
#ifndef KERNEL_SMBIOS_H
#define KERNEL_SMBIOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kstatus.h"

#define SMBIOS2_ENTRY_BYTES 31U
#define SMBIOS3_ENTRY_BYTES 24U
#define SMBIOS_TYPE_END     127U

struct smbios_entry {
    uint8_t major;
    uint8_t minor;
    uint64_t table;      /* physical address of the structures */
    uint32_t size_bytes; /* of the structures, at most */
};

/** A structure; the pointers lead into the table. */
struct smbios_structure {
    const uint8_t *bytes; /* `length` of them: the formatted area */
    uint8_t type;
    uint8_t length; /* at least 4 */
    uint16_t handle;
    const uint8_t *strings; /* each with a 0, up to an empty one */
    uint32_t strings_bytes; /* without the last 0 */
};

/**
 * Reads an entry point of either kind.
 * @param size_bytes  that may be read: at least SMBIOS3_ENTRY_BYTES for "_SM3_", else
 *                    SMBIOS2_ENTRY_BYTES
 * @return K_OK; K_EILSEQ for a wrong anchor, length or checksum
 * @spec 5.2.1, 5.2.2
 */
MUST_CHECK enum kstatus smbios_entry_read(const uint8_t *bytes, uint32_t size_bytes,
                                          struct smbios_entry *entry);

/** Reads the structure at *offset and moves the offset behind it. @return false at the end of the
 *  table, or where what is there is no structure: too short, or passes the end */
bool smbios_next(const uint8_t *table, uint32_t size_bytes, uint32_t *offset,
                 struct smbios_structure *structure);

/** The little-endian number of @p size_bytes (1..8) at @p offset; false where the structure is too
 *  short for it (an older version). */
bool smbios_number(const struct smbios_structure *structure, unsigned offset, unsigned size_bytes,
                   uint64_t *number);

/** The string whose number stands at @p offset, in printable ASCII, cut to the buffer; "" where
 *  there is none. */
void smbios_string(const struct smbios_structure *structure, unsigned offset, char *text,
                   size_t size_bytes);

#endif
