/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Running the self-tests in the kernel and keeping their verdict. The tests themselves register
 * through ktest.h.
 */
#ifndef SELFTEST_SELFTEST_H
#define SELFTEST_SELFTEST_H

#include "tests/ktest.h"

/** Runs the cases that match @p pattern (NULL: all) with @p seed and remembers the totals. */
struct ktest_totals selftest_run(const char *pattern, uint64_t seed);

/** selftest_run() that ends before the next case once @p stop_wanted says so. */
struct ktest_totals selftest_run_until(const char *pattern, uint64_t seed,
                                       bool (*stop_wanted)(void));

/** Totals of the last run. */
struct ktest_totals selftest_last(void);

/** Whether the running pattern is exactly `suite.name`: test_buddy then moves the seed's 200 MiB
 *  (S95). */
bool selftest_is_named(const char *suite, const char *name);

#endif
