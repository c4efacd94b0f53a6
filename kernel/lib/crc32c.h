/* SPDX-License-Identifier: GPL-2.0-only
 *
 * CRC-32C (Castagnoli): reflected polynomial 0x82f63b78, initial and final value ~0
 * (RFC 3720, appendix B.4 has test vectors). Pure; no SSE 4.2, the loader must not assume it.
 */
#ifndef LIB_CRC32C_H
#define LIB_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** Start value for crc32c_update(). */
#define CRC32C_INITIAL UINT32_C(0xffffffff)

/** Feeds @p size_bytes of @p data into the running value @p crc (not yet inverted). */
uint32_t crc32c_update(uint32_t crc, const void *data, size_t size_bytes);

/** The finished CRC of a running value. */
static inline uint32_t crc32c_finish(uint32_t crc)
{
    return ~crc;
}

/** CRC-32C of one block. */
static inline uint32_t crc32c(const void *data, size_t size_bytes)
{
    return crc32c_finish(crc32c_update(CRC32C_INITIAL, data, size_bytes));
}

#endif
