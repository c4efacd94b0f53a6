/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See random.h. SplitMix64: a counter with a fixed odd step, its value mixed on the way out. All
 * 2^64 seeds lie on one cycle, so there is no bad one.
 */
#include "lib/random.h"

#include <arch/cpu.h>

#define RDRAND_TRIES 10U

void random_init(struct random *random, uint64_t seed)
{
    random->state = seed;
}

uint64_t random_next(struct random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15); /* 2^64 / golden ratio, odd */
    uint64_t mixed = random->state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    /* 2^64 mod bound: that many numbers are refused, so that each remainder is equally often. */
    const uint64_t refused = (UINT64_MAX - bound + 1) % bound;
    uint64_t number = random_next(random);
    while (number < refused) {
        number = random_next(random);
    }
    return number % bound;
}

bool random_chance(struct random *random, uint32_t percent)
{
    return random_below(random, 100) < percent;
}

enum kstatus random_hardware_seed(bool has_rdrand, uint64_t *seed)
{
    if (!has_rdrand) {
        return K_ENOTSUP;
    }
    for (unsigned i = 0; i < RDRAND_TRIES; i++) {
        uint64_t number;
        if (x86_rdrand64(&number)) {
            *seed = number;
            return K_OK;
        }
    }
    return K_EIO;
}
