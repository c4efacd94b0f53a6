/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The one test API, for host tests and for the self-tests inside the kernel. A case is a function
 * that takes a struct ktest; checks report and go on, they never stop the run. KTEST_REQUIRE_*
 * are checks whose result the case can return on.
 *
 *     static void bump_takes_from_first_area(struct ktest *t)
 *     {
 *         ...
 *         KTEST_EQ(t, base.value, 0x100000);
 *     }
 *     static const struct ktest_case cases[] = { KTEST_CASE(bump_takes_from_first_area) };
 *     KTEST_SUITE(mm_bump, "mm.bump", cases);
 *
 * Suites are found through a linker section, so a new file needs no list. The runner
 * (tests/ktest_run.c) prints KTAP; it knows its output only through ktest_output().
 */
#ifndef TESTS_KTEST_H
#define TESTS_KTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"

struct ktest {
    const char *suite;
    const char *name;
    uint64_t seed;     /* of this run: random tests print it when they fail */
    uint32_t checks;   /* done */
    uint32_t failures; /* of them */
    bool skipped;
    const char *skip_reason;
};

struct ktest_case {
    const char *name;
    void (*run)(struct ktest *t);
};

struct ktest_suite {
    const char *name;
    const struct ktest_case *cases;
    size_t count;
};

struct ktest_totals {
    uint32_t passed;
    uint32_t failed;
    uint32_t skipped;
};

#define KTEST_CASE(function)                 \
    {                                        \
        .name = #function, .run = (function) \
    }

/** Registers @p case_array under @p suite_name. @p identifier is unique in the program. */
#define KTEST_SUITE(identifier, suite_name, case_array)                                            \
    static const struct ktest_suite ktest_suite_##identifier = {                                   \
        .name = (suite_name),                                                                      \
        .cases = (case_array),                                                                     \
        .count = sizeof(case_array) / sizeof((case_array)[0]),                                     \
    };                                                                                             \
    static const struct ktest_suite *const ktest_pointer_##identifier IN_SECTION("ktest_suites") = \
        &ktest_suite_##identifier

/** Runs every case whose `suite.case` matches the glob @p pattern (`*`, `?`; a suite name alone
 *  means all its cases; NULL or "" means all) and prints KTAP. A case that makes no check fails. */
struct ktest_totals ktest_run(const char *pattern, uint64_t seed);

/** Whether `suite.name` matches @p pattern as ktest_run() reads it. */
bool ktest_matches(const char *pattern, const char *suite, const char *name);

/** Where the runner's lines go: printf on the host, the raw console in the kernel. */
void ktest_output(const char *format, ...) PRINTF_LIKE(1, 2);

/** Flush tokens (mm/page_flush.h) that wait to be consumed: the runner checks that every case
 * leaves as many as it found. The program says where the number comes from. */
uint64_t ktest_outstanding(void);

/** Whether the run shall end before the next case. The program says. */
bool ktest_stop_wanted(void);

/** Marks the case as not possible here, with why; it then counts as skipped, not passed. */
void ktest_skip(struct ktest *t, const char *reason);

/** Counts a check and reports one that failed. */
void ktest_count(struct ktest *t, bool ok, const char *text, const char *file, int line);

/** @return @p ok, inline so that an analyser of the case sees it too */
static inline bool ktest_check(struct ktest *t, bool ok, const char *text, const char *file,
                               int line)
{
    ktest_count(t, ok, text, file, line);
    return ok;
}

bool ktest_check_equal(struct ktest *t, uint64_t actual, uint64_t expected, const char *text,
                       const char *file, int line);
bool ktest_check_string(struct ktest *t, const char *actual, const char *expected, const char *text,
                        const char *file, int line);

#define KTEST_TRUE(t, condition) ktest_check((t), (condition), #condition, __FILE__, __LINE__)
#define KTEST_FALSE(t, condition) \
    ktest_check((t), !(condition), "not: " #condition, __FILE__, __LINE__)
/** Compares as uint64_t. */
#define KTEST_EQ(t, actual, expected)                                                          \
    ktest_check_equal((t), (uint64_t)(actual), (uint64_t)(expected), #actual " == " #expected, \
                      __FILE__, __LINE__)
/** Compares enum kstatus (or other signed) values. */
#define KTEST_STATUS(t, actual, expected)                                              \
    ktest_check_equal((t), (uint64_t)(int64_t)(actual), (uint64_t)(int64_t)(expected), \
                      #actual " is " #expected, __FILE__, __LINE__)
#define KTEST_STRING(t, actual, expected) \
    ktest_check_string((t), (actual), (expected), #actual, __FILE__, __LINE__)

#endif
