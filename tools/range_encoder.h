/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The encoder for kernel/lib/range_decoder.h, on the host only: build tools and tests.
 */
#ifndef TOOLS_RANGE_ENCODER_H
#define TOOLS_RANGE_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/range_decoder.h"

/** Starts zeroed, but for `range` = UINT32_MAX; the caller frees `bytes`. */
struct range_encoder {
    uint8_t *bytes;
    size_t size_bytes;
    size_t room_bytes;
    uint64_t low; /* 33 bits: bit 32 is a carry into what is held back */
    uint32_t range;
    uint64_t held_bytes; /* a byte and then 0xff bytes that a carry may still change */
    uint8_t held;
};

void range_encode_tree(struct range_encoder *encoder, uint16_t *models, unsigned bits,
                       unsigned value);

/** @p value below 2^24 - 1. */
void range_encode_number(struct range_encoder *encoder, uint16_t *models, uint32_t value);

/** Writes what is held back. */
void range_encoder_end(struct range_encoder *encoder);

#endif
