/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A seeded generator for tests and self-tests (S95): the same seed gives the same numbers on every
 * machine. Not for secrets. The state belongs to the caller; every world but the loader.
 */
#ifndef LIB_RANDOM_H
#define LIB_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

#include "kstatus.h"

struct random {
    uint64_t state;
};

/** Starts @p random at @p seed; any seed is as good as another, 0 too. */
void random_init(struct random *random, uint64_t seed);

/** The next 64 bits, uniform.
 *  @spec SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014 */
uint64_t random_next(struct random *random);

/** A number in [0, @p bound), uniform without bias; @p bound is not 0. */
uint64_t random_below(struct random *random, uint64_t bound);

/** True in @p percent of 100 cases. */
bool random_chance(struct random *random, uint32_t percent);

/**
 * A seed from the CPU's generator.
 * @param has_rdrand  whether CPUID.1:ECX[30] says that RDRAND exists; where false it is not run
 * @param seed        receives the number
 * @return K_OK; K_ENOTSUP without RDRAND; K_EIO where it gave nothing ten times
 * @spec SDM vol 1, "RDRAND": ten tries
 */
MUST_CHECK enum kstatus random_hardware_seed(bool has_rdrand, uint64_t *seed);

#endif
