/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The audit of the live kernel tables against the memory map (design.md section 5):
 * kernel_tables_audit() with what mm_state() knows. Kernel and host, after mm_init().
 */
#ifndef MM_MM_AUDIT_H
#define MM_MM_AUDIT_H

#include <stdbool.h>

#include "kstatus.h"
#include "mm/page_audit.h"

/**
 * Walks the initial page table. Each violation (the first 16) is logged as an error.
 * @param report  receives the figures
 * @return K_OK where the walk was done (the verdict is in the report); K_ENOMEM where there is no
 *         room for the list of expected ranges
 * Context: after mm_init(); takes and gives back page frames.
 */
MUST_CHECK enum kstatus mm_audit(struct page_audit_report *report);

/** mm_audit(), the verdict in one log line. @return whether there is no violation */
bool mm_check_audit(struct page_audit_report *report);

#endif
