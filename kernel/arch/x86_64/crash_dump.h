/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What is printed about an exception that nobody expected. Everything that is read is read by
 * <arch/safe_access.h>: stack, code and page tables may be what is broken.
 */
#ifndef ARCH_X86_64_CRASH_DUMP_H
#define ARCH_X86_64_CRASH_DUMP_H

#include "backtrace.h"
#include "trap.h"

/** Logs all about the exception in @p frame: the last log lines, cause, page walk, registers, code,
 *  stack, backtrace. Context: any, also inside another dump; no lock, no allocation. */
void crash_dump(const struct trap_frame *frame);

/** Logs version, build id and where the image lies, then the last log lines: the head of a dump. */
void crash_dump_head(void);

/** Logs the backtrace from @p start on. */
void crash_dump_backtrace(const struct backtrace_start *start);

#endif
