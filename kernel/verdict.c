/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See verdict.h.
 */
#include "verdict.h"

#include "selftest/selftest.h"

static bool has_failed;

void verdict_note(bool ok)
{
    has_failed = has_failed || !ok;
}

enum power_verdict verdict_now(void)
{
    const struct ktest_totals totals = selftest_last();
    if (has_failed || totals.failed > 0) {
        return POWER_VERDICT_FAILED;
    }
    return totals.passed > 0 ? POWER_VERDICT_PASS : POWER_VERDICT_NOTHING_RAN;
}
