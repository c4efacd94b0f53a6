/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Patterns for testing RAM: what every word of a block must be, filling, comparing. Words are known
 * from their address alone, so that a line of the address bus that is stuck shows. Pure; kernel and
 * host.
 */
#ifndef MONITOR_MEMTEST_H
#define MONITOR_MEMTEST_H

#include <stdint.h>

#include "mm/addr.h"

enum memtest_pattern {
    MEMTEST_ADDRESS,
    MEMTEST_ADDRESS_INVERTED,
    MEMTEST_ZEROS,
    MEMTEST_ONES,
    MEMTEST_CHECKERS,
    MEMTEST_CHECKERS_INVERTED,
    MEMTEST_RANDOM,
    MEMTEST_PATTERN_COUNT,
};

struct memtest_error {
    phys_addr_t at;
    uint64_t expected;
    uint64_t actual;
};

/** Writes the pattern into @p count words of 8 bytes at @p words, whose address is @p phys. */
void memtest_fill(volatile uint64_t *words, uint64_t count, phys_addr_t phys,
                  enum memtest_pattern pattern, uint64_t seed);

/** Compares. @param first receives the first word that differs. @return how many do */
uint64_t memtest_compare(const volatile uint64_t *words, uint64_t count, phys_addr_t phys,
                         enum memtest_pattern pattern, uint64_t seed, struct memtest_error *first);

/** E.g. "checkers". */
const char *memtest_pattern_name(enum memtest_pattern pattern);

#endif
