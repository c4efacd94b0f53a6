/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The page table that the kernel came up on (S37): what a CPU goes back to when the address space
 * it runs on ends. State (mm_arch.c): that one address, written at bring-up.
 */
#ifndef ARCH_X86_64_MM_ARCH_H
#define ARCH_X86_64_MM_ARCH_H

#include "mm/addr.h"

/** Remembers @p root as the kernel's top-level table. Context: bring-up, one CPU. */
void arch_set_initial_page_table(phys_addr_t root);

/** The kernel's top-level table; panics where none was set. */
phys_addr_t arch_initial_page_table(void);

#endif
