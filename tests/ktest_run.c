/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The runner behind ktest.h: finds the suites between the linker's section symbols, runs what the
 * pattern asks for and prints KTAP version 1. No state but the totals; host and kernel.
 */
#include "lib/format.h"
#include "tests/ktest.h"

extern const struct ktest_suite *const __start_ktest_suites[] __attribute__((visibility("hidden")));
extern const struct ktest_suite *const __stop_ktest_suites[] __attribute__((visibility("hidden")));

/* Iterative glob with one backtrack point: the last '*' seen. */
static bool glob_matches(const char *pattern, const char *text)
{
    const char *star = NULL;
    const char *resume = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

bool ktest_matches(const char *pattern, const char *suite, const char *name)
{
    if (pattern == NULL || *pattern == '\0') {
        return true;
    }
    char full[160];
    (void)format_text(full, sizeof(full), "%s.%s", suite, name); /* cut names just do not match */
    return glob_matches(pattern, suite) || glob_matches(pattern, full);
}

void ktest_skip(struct ktest *t, const char *reason)
{
    t->skipped = true;
    t->skip_reason = reason;
}

void ktest_count(struct ktest *t, bool ok, const char *text, const char *file, int line)
{
    t->checks++;
    if (!ok) {
        t->failures++;
        ktest_output("    # %s.%s: %s:%d: %s\n", t->suite, t->name, file, line, text);
    }
}

bool ktest_check_equal(struct ktest *t, uint64_t actual, uint64_t expected, const char *text,
                       const char *file, int line)
{
    const bool ok = ktest_check(t, actual == expected, text, file, line);
    if (!ok) {
        ktest_output("    #   actual 0x%" FMTx64 " (%" FMTu64 "), expected 0x%" FMTx64 " (%" FMTu64
                     ")\n",
                     actual, actual, expected, expected);
    }
    return ok;
}

static bool strings_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

bool ktest_check_string(struct ktest *t, const char *actual, const char *expected, const char *text,
                        const char *file, int line)
{
    const bool ok = ktest_check(t, strings_equal(actual, expected), text, file, line);
    if (!ok) {
        ktest_output("    #   actual \"%s\", expected \"%s\"\n", actual, expected);
    }
    return ok;
}

static size_t count_matching(const struct ktest_suite *suite, const char *pattern)
{
    size_t count = 0;
    for (size_t i = 0; i < suite->count; i++) {
        count += ktest_matches(pattern, suite->name, suite->cases[i].name) ? 1 : 0;
    }
    return count;
}

static void run_case(const struct ktest_suite *suite, const struct ktest_case *test_case,
                     uint64_t seed, size_t number, struct ktest_totals *totals)
{
    struct ktest t = { .suite = suite->name, .name = test_case->name, .seed = seed };
    const uint64_t outstanding = ktest_outstanding();
    test_case->run(&t);
    if (ktest_outstanding() != outstanding) {
        ktest_count(&t, false, "every flush token is consumed", __FILE__, __LINE__);
    }
    if (t.skipped && t.failures == 0) {
        totals->skipped++;
        ktest_output("    ok %zu %s # SKIP %s\n", number, test_case->name, t.skip_reason);
        return;
    }
    if (t.checks == 0) {
        ktest_output("    # %s.%s: made no check\n", suite->name, test_case->name);
    }
    const bool ok = t.failures == 0 && t.checks > 0;
    if (ok) {
        totals->passed++;
    } else {
        totals->failed++;
        ktest_output("    # seed=%" FMTu64 "\n", seed);
    }
    ktest_output("    %s %zu %s\n", ok ? "ok" : "not ok", number, test_case->name);
}

static void run_suite(const struct ktest_suite *suite, const char *pattern, uint64_t seed,
                      size_t number, struct ktest_totals *totals)
{
    const uint32_t failed_before = totals->failed;
    size_t case_number = 0;
    ktest_output("    # Subtest: %s\n    1..%zu\n", suite->name, count_matching(suite, pattern));
    for (size_t i = 0; i < suite->count && !ktest_stop_wanted(); i++) {
        if (ktest_matches(pattern, suite->name, suite->cases[i].name)) {
            case_number++;
            run_case(suite, &suite->cases[i], seed, case_number, totals);
        }
    }
    ktest_output("%s %zu %s\n", totals->failed == failed_before ? "ok" : "not ok", number,
                 suite->name);
}

struct ktest_totals ktest_run(const char *pattern, uint64_t seed)
{
    struct ktest_totals totals = { 0 };
    const size_t suites = (size_t)(__stop_ktest_suites - __start_ktest_suites);
    size_t planned = 0;
    for (size_t i = 0; i < suites; i++) {
        planned += count_matching(__start_ktest_suites[i], pattern) > 0 ? 1 : 0;
    }
    ktest_output("KTAP version 1\n1..%zu\n", planned);
    size_t number = 0;
    for (size_t i = 0; i < suites && !ktest_stop_wanted(); i++) {
        if (count_matching(__start_ktest_suites[i], pattern) > 0) {
            number++;
            run_suite(__start_ktest_suites[i], pattern, seed, number, &totals);
        }
    }
    ktest_output("%u passed, %u failed", totals.passed, totals.failed);
    if (totals.skipped > 0) {
        ktest_output(", %u skipped", totals.skipped);
    }
    ktest_output("\n");
    return totals;
}
