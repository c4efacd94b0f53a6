/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Numbers in tables that others wrote: little-endian, at any alignment. Pure; loader, kernel, host.
 */
#ifndef LIB_LITTLE_ENDIAN_H
#define LIB_LITTLE_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

/** The number in the @p size_bytes (0 to 8) at @p bytes, all of which can be read. */
static inline uint64_t little_endian(const uint8_t *bytes, size_t size_bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size_bytes; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

#endif
