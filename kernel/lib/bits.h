/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Bit masks, alignment and logarithms on unsigned 64-bit values. Pure; every world includes it.
 */
#ifndef LIB_BITS_H
#define LIB_BITS_H

#include <stdbool.h>
#include <stdint.h>

/** The 64-bit value with only bit @p n (0..63) set. */
#define BIT(n) (UINT64_C(1) << (n))

/** A mask of the low @p n bits; @p n is 0..64. */
static inline uint64_t bits_mask(unsigned n)
{
    return n >= 64 ? UINT64_MAX : BIT(n) - 1;
}

static inline bool bits_is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/** @p value rounded down to a multiple of @p alignment, a power of two. */
static inline uint64_t bits_align_down(uint64_t value, uint64_t alignment)
{
    return value & ~(alignment - 1);
}

/** @p value rounded up to a multiple of @p alignment, a power of two. Wraps to 0 near 2^64: check
 *  at the edge, or use bits_align_up_checked(). */
static inline uint64_t bits_align_up(uint64_t value, uint64_t alignment)
{
    return bits_align_down(value + (alignment - 1), alignment);
}

/** Like bits_align_up(); false (and @p result untouched) where the result would pass 2^64. */
static inline bool bits_align_up_checked(uint64_t value, uint64_t alignment, uint64_t *result)
{
    uint64_t sum;
    if (__builtin_add_overflow(value, alignment - 1, &sum)) {
        return false;
    }
    *result = bits_align_down(sum, alignment);
    return true;
}

static inline bool bits_is_aligned(uint64_t value, uint64_t alignment)
{
    return (value & (alignment - 1)) == 0;
}

/** Position of the highest set bit; @p value is not 0. */
static inline unsigned bits_log2_floor(uint64_t value)
{
    return 63U - (unsigned)__builtin_clzll(value);
}

/** Smallest k with 2^k >= @p value; 0 for 0 and 1. */
static inline unsigned bits_log2_ceil(uint64_t value)
{
    return value <= 1 ? 0 : bits_log2_floor(value - 1) + 1;
}

/** Position of the lowest set bit; @p value is not 0. */
static inline unsigned bits_lowest(uint64_t value)
{
    return (unsigned)__builtin_ctzll(value);
}

/** Number of set bits. Arithmetic, because without SSE4.2 compilers call a library for it. */
static inline unsigned bits_count(uint64_t value)
{
    value -= (value >> 1) & UINT64_C(0x5555555555555555);
    value = (value & UINT64_C(0x3333333333333333)) + ((value >> 2) & UINT64_C(0x3333333333333333));
    value = (value + (value >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)((value * UINT64_C(0x0101010101010101)) >> 56);
}

static inline uint64_t bits_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t bits_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
