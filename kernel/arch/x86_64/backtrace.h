/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Backtraces by the chain of frame pointers (the kernel is built with -fno-omit-frame-pointer).
 * The stack is read by <arch/safe_access.h> only: it may be gone.
 */
#ifndef ARCH_X86_64_BACKTRACE_H
#define ARCH_X86_64_BACKTRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "mm/addr.h"

#define BACKTRACE_MAX_FRAMES 24U

/** Where to start: the registers at one moment. */
struct backtrace_start {
    virt_addr_t rip;
    virt_addr_t rsp;
    virt_addr_t rbp;
    bool rip_is_return; /* RIP is behind its instruction: a call, or one that traps */
};

/** Addresses, the innermost first. All but the first are return addresses: the call is the
 *  instruction before. */
struct backtrace {
    virt_addr_t address[BACKTRACE_MAX_FRAMES];
    unsigned count;
    bool first_is_return; /* the first is one as well */
};

/** Follows the frames from @p start on. Ends at the first frame that cannot be read, lies outside
 *  of the direct map, or does not lie above the one before. Where @p start's code is not the
 *  kernel's, somebody called into nowhere: the word on top of the stack is then taken for the
 *  return address, if it is one. Context: any. */
void backtrace_collect(const struct backtrace_start *start, struct backtrace *trace);

/** Logs @p trace, one line each: number, address, function+offset, file:line. */
void backtrace_print(const struct backtrace *trace);

/** The text of frame @p number: "ADDRESS function+0x12 file:line". */
void backtrace_describe(const struct backtrace *trace, unsigned number, char *text,
                        size_t size_bytes);

/** Where the function with the frame at @p frame (__builtin_frame_address(0)) was called. */
struct backtrace_start backtrace_of_frame(const void *frame);

/** Where the caller stands. */
struct backtrace_start backtrace_here(void);

#endif
