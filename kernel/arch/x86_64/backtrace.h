/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Backtraces by the chain of frame pointers (the kernel is built with -fno-omit-frame-pointer).
 */
#ifndef ARCH_X86_64_BACKTRACE_H
#define ARCH_X86_64_BACKTRACE_H

#include "mm/addr.h"

/** Prints @p rip and the return addresses found from frame pointer @p rbp on, each as an address
 *  and as an offset into kernel.elf (`addr2line -e build/kernel.elf OFFSET`). Stops at the first
 *  frame that is not inside the boot stack's or image's plausible range. */
void backtrace_print(virt_addr_t rip, virt_addr_t rbp);

/** The same for the caller. */
void backtrace_print_here(void);

#endif
