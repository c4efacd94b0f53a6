/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See range_encoder.h. Memory shortage ends the program.
 */
#include "tools/range_encoder.h"

#include <stdio.h>
#include <stdlib.h>

static void put_byte(struct range_encoder *encoder, uint8_t byte)
{
    if (encoder->size_bytes == encoder->room_bytes) {
        encoder->room_bytes = encoder->room_bytes == 0 ? 4096 : encoder->room_bytes * 2;
        encoder->bytes = realloc(encoder->bytes, encoder->room_bytes);
        if (encoder->bytes == NULL) {
            perror("range_encoder");
            exit(EXIT_FAILURE);
        }
    }
    encoder->bytes[encoder->size_bytes++] = byte;
}

/* Moves the highest byte of `low` out. While it is 0xff a later carry may still run through it. */
static void shift_low(struct range_encoder *encoder)
{
    const uint8_t carry = (uint8_t)(encoder->low >> 32);                 /* 0 or 1 */
    const uint8_t byte = (uint8_t)(encoder->low >> 24 & UINT64_C(0xff)); /* cut on purpose */
    if (encoder->held_bytes == 0) {
        encoder->held = byte; /* the very first: no carry can pass it */
    } else if (byte != 0xff || carry != 0) {
        for (; encoder->held_bytes > 0; encoder->held_bytes--) {
            put_byte(encoder, (uint8_t)(encoder->held + carry)); /* wraps 0xff to 0 */
            encoder->held = 0xff;
        }
        encoder->held = byte;
    }
    encoder->held_bytes++;
    encoder->low = (encoder->low & UINT64_C(0x00ffffff)) << 8;
}

static void encode_split(struct range_encoder *encoder, uint32_t bound, unsigned bit)
{
    if (bit != 0) {
        encoder->low += bound;
        encoder->range -= bound;
    } else {
        encoder->range = bound;
    }
    while (encoder->range < RANGE_TOP) {
        encoder->range <<= 8;
        shift_low(encoder);
    }
}

static void encode_bit(struct range_encoder *encoder, uint16_t *model, unsigned bit)
{
    const unsigned zero = *model;
    encode_split(encoder, (encoder->range >> RANGE_PROBABILITY_BITS) * (uint32_t)zero, bit);
    const unsigned one_whole = 1U << RANGE_PROBABILITY_BITS;
    *model = (uint16_t)(bit == 0 ? zero + ((one_whole - zero) >> RANGE_LEARN_SHIFT)
                                 : zero - (zero >> RANGE_LEARN_SHIFT)); /* stays in 1..4095 */
}

void range_encode_tree(struct range_encoder *encoder, uint16_t *models, unsigned bits,
                       unsigned value)
{
    unsigned node = 1;
    for (unsigned i = bits; i-- > 0;) {
        const unsigned bit = value >> i & 1;
        encode_bit(encoder, &models[node], bit);
        node = node << 1 | bit;
    }
}

void range_encode_number(struct range_encoder *encoder, uint16_t *models, uint32_t value)
{
    const unsigned length = 31U - (unsigned)__builtin_clz(value + 1); /* 0..23 */
    range_encode_tree(encoder, models, RANGE_LENGTH_BITS, length);
    uint16_t *const mantissa = models + (1U << RANGE_LENGTH_BITS) + length * RANGE_MANTISSA_MODELS;
    uint32_t prefix = 1;
    for (unsigned i = 0; i < length; i++) {
        const unsigned bit = (value + 1) >> (length - 1 - i) & 1;
        if (i < RANGE_MODELLED_BITS) {
            encode_bit(encoder, &mantissa[prefix], bit);
        } else {
            encode_split(encoder, encoder->range >> 1, bit);
        }
        prefix = prefix << 1 | bit;
    }
}

void range_encoder_end(struct range_encoder *encoder)
{
    for (unsigned i = 0; i < 5; i++) {
        shift_low(encoder);
    }
}
