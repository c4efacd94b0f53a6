/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What tests of single steps of the loader have in common: a boot of the whole loader, which ends
 * in the kernel whatever the step met.
 */
#ifndef TESTS_LOADER_CASE_H
#define TESTS_LOADER_CASE_H

#include "tests/fake/efi/fake_efi.h"
#include "tests/ktest.h"

/** Runs @p script: the kernel is entered with a good bootinfo, no pool memory is left, and @p text
 * is on the serial line. */
void loader_case_boots(struct ktest *t, const struct fake_efi_script *script, const char *text,
                       struct fake_efi_result *result);

#endif
