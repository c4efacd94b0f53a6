/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The kernel's segment descriptors and task state: flat 64-bit code and data, and three interrupt
 * stacks (double fault, NMI, machine check) with an unmapped guard frame below each. Static, so
 * that traps work before any memory management. One CPU; owner: boot.
 */
#ifndef ARCH_X86_64_GDT_H
#define ARCH_X86_64_GDT_H

#include <stdint.h>

#include "mm/addr.h"

#define GDT_KERNEL_CODE 0x08
#define GDT_KERNEL_DATA 0x10
#define GDT_TASK        0x18

/* Interrupt-stack-table slots, 1-based (SDM vol 3A, "Interrupt Stack Table"). */
#define GDT_IST_DOUBLE_FAULT  1
#define GDT_IST_NMI           2
#define GDT_IST_MACHINE_CHECK 3
#define GDT_IST_COUNT         3

/** Loads GDT, segment registers and task register. Context: first act of the kernel, IF = 0. */
void gdt_init(void);

/** Virtual address of the guard frame below interrupt stack @p index (0 .. GDT_IST_COUNT - 1). */
virt_addr_t gdt_ist_guard(uint32_t index);

#endif
