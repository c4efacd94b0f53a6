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
#define GDT_TASK        0x18 /* two entries */
#define GDT_NOT_PRESENT 0x28 /* data, for provoking faults */

/* Interrupt-stack-table slots, 1-based (SDM vol 3A, "Interrupt Stack Table"). */
#define GDT_IST_DOUBLE_FAULT  1
#define GDT_IST_NMI           2
#define GDT_IST_MACHINE_CHECK 3
#define GDT_IST_COUNT         3

/** Loads GDT, segment registers and task register. Context: first act of the kernel, IF = 0. */
void gdt_init(void);

/** Virtual address of the guard frame below interrupt stack @p index (0 .. GDT_IST_COUNT - 1). */
virt_addr_t gdt_ist_guard(uint32_t index);

/** Last byte of the task state that the CPU may read; and of the part before the interrupt stacks,
 *  for provoking an invalid-TSS exception. */
#define GDT_TASK_LIMIT             103U
#define GDT_TASK_LIMIT_WITHOUT_IST 35U

/** Loads the task register again with another limit. */
void gdt_set_task_limit(uint32_t limit);

#endif
