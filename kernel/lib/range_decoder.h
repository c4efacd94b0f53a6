/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Reads numbers that an adaptive binary range coder packed: each bit costs what it surprises, by
 * a probability that its context has learnt so far. Encoder and decoder learn the same way, so
 * nothing but the bytes is stored. tools/range_encoder.c is the other side; its tests are the
 * round trips of tests/unit/symbol_table_test.c. Pure; reads past the end give zero bytes.
 *
 * The method is Martin's (G. N. N. Martin, "Range encoding", 1979), for bits.
 */
#ifndef LIB_RANGE_DECODER_H
#define LIB_RANGE_DECODER_H

#include <stddef.h>
#include <stdint.h>

/* A probability of a 0 bit in 1/4096; it moves by 1/16 of the error after each bit. */
#define RANGE_PROBABILITY_BITS  12U
#define RANGE_PROBABILITY_START (1U << (RANGE_PROBABILITY_BITS - 1))
#define RANGE_LEARN_SHIFT       4U
#define RANGE_TOP               (UINT32_C(1) << 24) /* below: one more byte */

/* A number v is v + 1 as its length in bits less one (a tree of 5 bits), then the bits below the
 * highest: the first 4 in the context of those before, the rest as they are. */
#define RANGE_LENGTH_BITS     5U
#define RANGE_MODELLED_BITS   4U
#define RANGE_NUMBER_LENGTHS  24U /* v + 1 < 2^24 */
#define RANGE_MANTISSA_MODELS (1U << RANGE_MODELLED_BITS)
#define RANGE_NUMBER_MODELS \
    ((1U << RANGE_LENGTH_BITS) + RANGE_NUMBER_LENGTHS * RANGE_MANTISSA_MODELS)

struct range_decoder {
    const uint8_t *next;
    const uint8_t *end;
    uint32_t range;
    uint32_t code;
};

/** Starts at @p bytes. */
void range_decoder_init(struct range_decoder *decoder, const uint8_t *bytes, size_t size_bytes);

/** A value of @p bits bits (1..8), the highest first; @p models has 2^bits probabilities. */
unsigned range_decode_tree(struct range_decoder *decoder, uint16_t *models, unsigned bits);

/** A number below 2^24 - 1; @p models has RANGE_NUMBER_MODELS probabilities. Damaged bytes may
 *  give any 32-bit number. */
uint32_t range_decode_number(struct range_decoder *decoder, uint16_t *models);

/** Sets @p count probabilities to what an encoder starts with. */
void range_models_reset(uint16_t *models, size_t count);

#endif
