/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See memtest.h. No state.
 */
#include "monitor/memtest.h"

/* A word that looks random, from two constants that are odd and have about as many ones as zeros.
 */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 31) * UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 29) * UINT64_C(0xd1b54a32d192ed03);
    return value ^ value >> 32;
}

static uint64_t expected_word(enum memtest_pattern pattern, uint64_t phys, uint64_t seed)
{
    static const uint64_t constants[MEMTEST_PATTERN_COUNT] = {
        [MEMTEST_ONES] = UINT64_MAX,
        [MEMTEST_CHECKERS] = UINT64_C(0xaaaaaaaaaaaaaaaa),
        [MEMTEST_CHECKERS_INVERTED] = UINT64_C(0x5555555555555555),
    };
    if (pattern == MEMTEST_ADDRESS) {
        return phys;
    }
    if (pattern == MEMTEST_ADDRESS_INVERTED) {
        return ~phys;
    }
    return pattern == MEMTEST_RANDOM ? mix(phys ^ seed) : constants[pattern];
}

void memtest_fill(volatile uint64_t *words, uint64_t count, phys_addr_t phys,
                  enum memtest_pattern pattern, uint64_t seed)
{
    for (uint64_t i = 0; i < count; i++) {
        words[i] = expected_word(pattern, phys.value + 8 * i, seed);
    }
}

uint64_t memtest_compare(const volatile uint64_t *words, uint64_t count, phys_addr_t phys,
                         enum memtest_pattern pattern, uint64_t seed, struct memtest_error *first)
{
    uint64_t errors = 0;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t expected = expected_word(pattern, phys.value + 8 * i, seed);
        const uint64_t actual = words[i];
        if (actual == expected) {
            continue;
        }
        if (errors == 0) {
            *first = (struct memtest_error){ phys_add(phys, 8 * i), expected, actual };
        }
        errors++;
    }
    return errors;
}

const char *memtest_pattern_name(enum memtest_pattern pattern)
{
    static const char *const names[MEMTEST_PATTERN_COUNT] = {
        [MEMTEST_ADDRESS] = "address",   [MEMTEST_ADDRESS_INVERTED] = "inverted address",
        [MEMTEST_ZEROS] = "zeros",       [MEMTEST_ONES] = "ones",
        [MEMTEST_CHECKERS] = "checkers", [MEMTEST_CHECKERS_INVERTED] = "inverted checkers",
        [MEMTEST_RANDOM] = "random",
    };
    return pattern < MEMTEST_PATTERN_COUNT ? names[pattern] : "?";
}
