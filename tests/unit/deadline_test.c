/* SPDX-License-Identifier: GPL-2.0-only
 *
 * lib/deadline: by the fake CPU's TSC, and by looks where its frequency is not known.
 */
#include "lib/deadline.h"

#include "tests/fake/fake_cpu.h"
#include "tests/ktest.h"

static void deadline_passes_by_the_tsc(struct ktest *t)
{
    struct deadline deadline;
    fake_cpu.tsc = UINT64_MAX - 100;          /* it may wrap */
    deadline_set(&deadline, 3000000, 250, 1); /* 750,000 ticks */
    const uint64_t start = deadline.start;
    for (unsigned i = 0; i < 10; i++) {
        KTEST_FALSE(t, deadline_passed(&deadline)); /* the looks do not count */
    }
    fake_cpu.tsc = start + 749998; /* reading makes it one more */
    KTEST_FALSE(t, deadline_passed(&deadline));
    fake_cpu.tsc = start + 750000;
    KTEST_TRUE(t, deadline_passed(&deadline));
    KTEST_TRUE(t, deadline_passed(&deadline));
}

static void deadline_without_a_frequency_counts_looks(struct ktest *t)
{
    struct deadline deadline;
    deadline_set(&deadline, 0, 250, 3);
    fake_cpu.tsc += UINT64_C(1) << 40;
    for (unsigned i = 0; i < 3; i++) {
        KTEST_FALSE(t, deadline_passed(&deadline));
    }
    KTEST_TRUE(t, deadline_passed(&deadline));
    KTEST_TRUE(t, deadline_passed(&deadline));
}

static void deadline_wait_takes_the_time(struct ktest *t)
{
    const uint64_t start = fake_cpu.tsc;
    deadline_wait(3000000, 2, 1);
    KTEST_TRUE(t, fake_cpu.tsc - start >= 6000 && fake_cpu.tsc - start < 6100);
    deadline_wait(0, 2, 1000); /* ends */
}

static const struct ktest_case cases[] = {
    KTEST_CASE(deadline_wait_takes_the_time),
    KTEST_CASE(deadline_passes_by_the_tsc),
    KTEST_CASE(deadline_without_a_frequency_counts_looks),
};
KTEST_SUITE(lib_deadline, "lib.deadline", cases);
