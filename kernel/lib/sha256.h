/* SPDX-License-Identifier: GPL-2.0-only
 *
 * SHA-256 (FIPS 180-4, 6.2; padding: 5.1.1). Small rather than fast: it hashes event digests, a few
 * hundred blocks a boot. Pure; the state is the caller's. Every world.
 */
#ifndef LIB_SHA256_H
#define LIB_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES       32U
#define SHA256_BLOCK_BYTES 64U

/** A message on its way through the function. */
struct sha256 {
    uint32_t state[8];
    uint64_t total_bytes; /* below 2^61: the standard counts bits in 64 */
    uint8_t block[SHA256_BLOCK_BYTES];
};

void sha256_init(struct sha256 *sha);

/** Appends @p size_bytes of @p data to the message. */
void sha256_update(struct sha256 *sha, const void *data, size_t size_bytes);

/** Ends the message; @p sha must be initialised again before it is used again.
 *  @param digest  receives SHA256_BYTES */
void sha256_finish(struct sha256 *sha, uint8_t *digest);

#endif
