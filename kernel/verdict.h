/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What this boot has proven so far, in one place: books, audit, report and self-tests.
 */
#ifndef KERNEL_VERDICT_H
#define KERNEL_VERDICT_H

#include <stdbool.h>

#include "arch/x86_64/power.h"

/** Notes that a proof failed (or held); one that failed stays failed. */
void verdict_note(bool ok);

/** The verdict for QEMU: failed where a proof or a test failed, nothing-ran where no test ran. */
enum power_verdict verdict_now(void);

#endif
