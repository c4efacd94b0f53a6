/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Entry of the host test programs: `unit [PATTERN] [--seed N] [--log]`. Exit status 0 where all
 * passed, 1 where one failed or none ran.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_kernel.h"
#include "tests/ktest.h"

void ktest_output(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)fflush(stdout); /* so that a crash in the next case does not eat this line */
}

/* Weak: a program for a few units may be linked without page tables. */
extern uint64_t page_flush_outstanding(void) __attribute__((weak));

bool ktest_stop_wanted(void)
{
    return false;
}

uint64_t ktest_outstanding(void)
{
    return page_flush_outstanding != NULL ? page_flush_outstanding() : 0;
}

int main(int argc, char **argv)
{
    const char *pattern = NULL;
    uint64_t seed = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = strtoull(argv[++i], NULL, 0);
        } else if (strcmp(argv[i], "--log") == 0) {
            fake_log_show(true);
        } else {
            pattern = argv[i];
        }
    }
    const struct ktest_totals totals = ktest_run(pattern, seed);
    return totals.failed == 0 && totals.passed > 0 ? 0 : 1;
}
