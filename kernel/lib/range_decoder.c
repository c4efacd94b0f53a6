/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See range_decoder.h. No state of its own; kernel and host.
 */
#include "lib/range_decoder.h"

static uint32_t next_byte(struct range_decoder *decoder)
{
    return decoder->next < decoder->end ? *decoder->next++ : 0;
}

void range_decoder_init(struct range_decoder *decoder, const uint8_t *bytes, size_t size_bytes)
{
    decoder->next = bytes;
    decoder->end = bytes + size_bytes;
    decoder->range = UINT32_MAX;
    decoder->code = 0;
    for (unsigned i = 0; i < 4; i++) {
        decoder->code = decoder->code << 8 | next_byte(decoder);
    }
}

static void normalise(struct range_decoder *decoder)
{
    while (decoder->range < RANGE_TOP) {
        decoder->range <<= 8;
        decoder->code = decoder->code << 8 | next_byte(decoder);
    }
}

/* Takes the part of the range below `bound` for a 0, the rest for a 1. */
static unsigned decode_split(struct range_decoder *decoder, uint32_t bound)
{
    const unsigned bit = decoder->code >= bound;
    if (bit != 0) {
        decoder->code -= bound;
        decoder->range -= bound;
    } else {
        decoder->range = bound;
    }
    normalise(decoder);
    return bit;
}

static unsigned decode_bit(struct range_decoder *decoder, uint16_t *model)
{
    const unsigned zero = *model;
    const unsigned bit =
        decode_split(decoder, (decoder->range >> RANGE_PROBABILITY_BITS) * (uint32_t)zero);
    const unsigned one_whole = 1U << RANGE_PROBABILITY_BITS;
    *model = (uint16_t)(bit == 0 ? zero + ((one_whole - zero) >> RANGE_LEARN_SHIFT)
                                 : zero - (zero >> RANGE_LEARN_SHIFT)); /* stays in 1..4095 */
    return bit;
}

unsigned range_decode_tree(struct range_decoder *decoder, uint16_t *models, unsigned bits)
{
    unsigned node = 1;
    for (unsigned i = 0; i < bits; i++) {
        node = node << 1 | decode_bit(decoder, &models[node]);
    }
    return node - (1U << bits);
}

uint32_t range_decode_number(struct range_decoder *decoder, uint16_t *models)
{
    unsigned length = range_decode_tree(decoder, models, RANGE_LENGTH_BITS);
    if (length >= RANGE_NUMBER_LENGTHS) {
        length = RANGE_NUMBER_LENGTHS - 1; /* damaged: stay inside the models */
    }
    uint16_t *const mantissa =
        models + (1U << RANGE_LENGTH_BITS) + (size_t)length * RANGE_MANTISSA_MODELS;
    uint32_t value = 1;
    for (unsigned i = 0; i < length; i++) {
        const unsigned bit = i < RANGE_MODELLED_BITS ? decode_bit(decoder, &mantissa[value])
                                                     : decode_split(decoder, decoder->range >> 1);
        value = value << 1 | bit;
    }
    return value - 1;
}

void range_models_reset(uint16_t *models, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        models[i] = RANGE_PROBABILITY_START;
    }
}
