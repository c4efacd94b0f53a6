/* SPDX-License-Identifier: GPL-2.0-only
 *
 * lib/random: the published sequence, ranges, and the hardware seed.
 */
#include "lib/random.h"

#include "tests/fake/fake_cpu.h"
#include "tests/ktest.h"

static void random_gives_the_published_sequence(struct ktest *t)
{
    struct random random;
    random_init(&random, 1234567);
    KTEST_EQ(t, random_next(&random), UINT64_C(6457827717110365317));
    KTEST_EQ(t, random_next(&random), UINT64_C(3203168211198807973));
    KTEST_EQ(t, random_next(&random), UINT64_C(9817491932198370423));
}

static void random_below_stays_below_and_reaches_all(struct ktest *t)
{
    struct random random;
    random_init(&random, t->seed);
    uint32_t hits[7] = { 0 };
    for (unsigned i = 0; i < 7000; i++) {
        const uint64_t number = random_below(&random, 7);
        if (!KTEST_TRUE(t, number < 7)) {
            return;
        }
        hits[number]++;
    }
    for (unsigned i = 0; i < 7; i++) {
        KTEST_TRUE(t, hits[i] > 800 && hits[i] < 1200);
    }
    KTEST_EQ(t, random_below(&random, 1), 0);
}

/* With 3/4 of 2^64 as the bound, a plain remainder would give the lowest third half of all hits. */
static void random_below_is_not_biased(struct ktest *t)
{
    struct random random;
    random_init(&random, t->seed);
    const uint64_t bound = UINT64_C(3) << 62;
    uint32_t low = 0;
    for (unsigned i = 0; i < 3000; i++) {
        low += random_below(&random, bound) < bound / 3 ? 1 : 0;
    }
    KTEST_TRUE(t, low > 850 && low < 1150);
}

static void random_chance_knows_never_and_always(struct ktest *t)
{
    struct random random;
    random_init(&random, t->seed);
    for (unsigned i = 0; i < 200; i++) {
        KTEST_FALSE(t, random_chance(&random, 0));
        KTEST_TRUE(t, random_chance(&random, 100));
    }
}

static void random_hardware_seed_needs_a_willing_cpu(struct ktest *t)
{
    uint64_t seed = 42;
    fake_cpu_reset();
    KTEST_STATUS(t, random_hardware_seed(false, &seed), K_ENOTSUP);
    fake_cpu.rdrand_fails = true;
    KTEST_STATUS(t, random_hardware_seed(true, &seed), K_EIO);
    KTEST_EQ(t, seed, 42);
    fake_cpu.rdrand_fails = false;
    KTEST_STATUS(t, random_hardware_seed(true, &seed), K_OK);
    KTEST_EQ(t, seed, fake_cpu.rdrand_state);
    fake_cpu_reset();
}

static const struct ktest_case cases[] = {
    KTEST_CASE(random_gives_the_published_sequence),
    KTEST_CASE(random_below_stays_below_and_reaches_all),
    KTEST_CASE(random_below_is_not_biased),
    KTEST_CASE(random_chance_knows_never_and_always),
    KTEST_CASE(random_hardware_seed_needs_a_willing_cpu),
};
KTEST_SUITE(lib_random, "lib.random", cases);
