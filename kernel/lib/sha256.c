/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See sha256.h. The schedule is kept as a ring of 16 words, so that no function has a large frame.
 * Stateless but for the struct.
 */
#include "lib/sha256.h"

#include "lib/string.h"

#define ROUNDS       64U
#define LENGTH_BYTES 8U

/* FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64
 * primes. */
static const uint32_t round_constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t word, unsigned right)
{
    return word >> right | word << (32U - right);
}

static uint32_t load_big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void store_big_endian(uint8_t *bytes, uint64_t value, unsigned size_bytes)
{
    for (unsigned i = 0; i < size_bytes; i++) {
        bytes[i] = (uint8_t)(value >> (8 * (size_bytes - 1 - i)));
    }
}

/* The schedule's next word, in the place of the one 16 rounds ago (6.2.2, step 1). */
static uint32_t next_word(uint32_t *ring, unsigned round)
{
    const uint32_t w2 = ring[(round + 14) % 16];
    const uint32_t w15 = ring[(round + 1) % 16];
    const uint32_t sigma1 = rotate(w2, 17) ^ rotate(w2, 19) ^ w2 >> 10;
    const uint32_t sigma0 = rotate(w15, 7) ^ rotate(w15, 18) ^ w15 >> 3;
    ring[round % 16] += sigma1 + ring[(round + 9) % 16] + sigma0;
    return ring[round % 16];
}

/* One round (6.2.2, step 3) over the eight working variables a..h. */
static void take_round(uint32_t *v, uint32_t word_and_constant)
{
    const uint32_t sum1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
    const uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    const uint32_t t1 = v[7] + sum1 + choice + word_and_constant;
    const uint32_t sum0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
    const uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    for (unsigned i = 7; i > 0; i--) {
        v[i] = v[i - 1];
    }
    v[4] += t1;
    v[0] = t1 + sum0 + majority;
}

static void take_block(struct sha256 *sha)
{
    uint32_t ring[16];
    uint32_t working[8];
    for (unsigned i = 0; i < 16; i++) {
        ring[i] = load_big_endian(sha->block + (size_t)4 * i);
    }
    memcpy(working, sha->state, sizeof(working));
    for (unsigned round = 0; round < ROUNDS; round++) {
        const uint32_t word = round < 16 ? ring[round] : next_word(ring, round);
        take_round(working, word + round_constants[round]);
    }
    for (unsigned i = 0; i < 8; i++) {
        sha->state[i] += working[i];
    }
}

void sha256_init(struct sha256 *sha)
{
    /* FIPS 180-4, 5.3.3. */
    *sha = (struct sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                       0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_update(struct sha256 *sha, const void *data, size_t size_bytes)
{
    const uint8_t *const bytes = data;
    for (size_t i = 0; i < size_bytes; i++) {
        sha->block[sha->total_bytes % SHA256_BLOCK_BYTES] = bytes[i];
        sha->total_bytes++;
        if (sha->total_bytes % SHA256_BLOCK_BYTES == 0) {
            take_block(sha);
        }
    }
}

void sha256_finish(struct sha256 *sha, uint8_t *digest)
{
    static const uint8_t one = 0x80;
    static const uint8_t zero = 0;
    uint8_t length[LENGTH_BYTES];
    store_big_endian(length, sha->total_bytes * 8, LENGTH_BYTES);
    sha256_update(sha, &one, 1);
    while (sha->total_bytes % SHA256_BLOCK_BYTES != SHA256_BLOCK_BYTES - LENGTH_BYTES) {
        sha256_update(sha, &zero, 1);
    }
    sha256_update(sha, length, LENGTH_BYTES);
    for (unsigned i = 0; i < 8; i++) {
        store_big_endian(digest + (size_t)4 * i, sha->state[i], 4);
    }
}
