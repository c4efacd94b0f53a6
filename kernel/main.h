/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Entry of the C part, called by entry.S.
 */
#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

#include "shared/bootinfo.h"

#include "lib/compiler.h"

/** @param bootinfo  what the loader left in RDI: not trusted. Context: state at _start. */
NORETURN void kernel_main(struct bootinfo *bootinfo);

#endif
