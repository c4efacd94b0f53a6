/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See selftest.h. State: pattern and totals of the last run, and who may stop it.
 */
#include "selftest/selftest.h"

#include <stdarg.h>
#include <string.h>

#include "console.h"
#include "lib/bits.h"
#include "lib/format.h"
#include "mm/page_flush.h"

static struct ktest_totals last;
static const char *running_pattern;
static struct {
    bool (*wanted)(void); /* NULL: nobody can stop the run */
} stop;

struct ktest_totals selftest_run(const char *pattern, uint64_t seed)
{
    running_pattern = pattern;
    last = ktest_run(pattern, seed);
    return last;
}

struct ktest_totals selftest_last(void)
{
    return last;
}

bool selftest_is_named(const char *suite, const char *name)
{
    char full[128];
    (void)format_text(full, sizeof(full), "%s.%s", suite, name); /* a cut name just differs */
    return running_pattern != NULL && strcmp(running_pattern, full) == 0;
}

struct ktest_totals selftest_run_until(const char *pattern, uint64_t seed,
                                       bool (*stop_wanted)(void))
{
    stop.wanted = stop_wanted;
    const struct ktest_totals totals = selftest_run(pattern, seed);
    stop.wanted = NULL;
    return totals;
}

bool ktest_stop_wanted(void)
{
    return stop.wanted != NULL && stop.wanted();
}

uint64_t ktest_outstanding(void)
{
    return page_flush_outstanding();
}

void ktest_output(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    const size_t length = format_text_v(text, sizeof(text), format, arguments);
    va_end(arguments);
    console_write(text, bits_min(length, sizeof(text) - 1));
    console_poll(); /* a debugger may stop the run between two cases */
}
