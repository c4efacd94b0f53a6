/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The `@report ` line of this boot on the console.
 */
#ifndef KERNEL_MACHINE_REPORT_H
#define KERNEL_MACHINE_REPORT_H

#include <stdbool.h>

/** Prints `@report ` and the JSON object as one line. @return whether it is complete */
bool machine_report_print(void);

#endif
