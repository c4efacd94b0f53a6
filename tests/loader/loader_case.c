/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See loader_case.h.
 */
#include "tests/loader/loader_case.h"

#include <string.h>

void loader_case_boots(struct ktest *t, const struct fake_efi_script *script, const char *text,
                       struct fake_efi_result *result)
{
    fake_efi_run(script, result);
    KTEST_EQ(t, result->end, FAKE_EFI_ENTERED_KERNEL);
    KTEST_STRING(t, result->violation, "");
    KTEST_TRUE(t, result->bootinfo_is_good);
    KTEST_EQ(t, result->live_pool, 0);
    if (strstr(result->serial, text) == NULL) {
        KTEST_STRING(t, result->serial, text); /* shows what was printed instead */
    }
}
