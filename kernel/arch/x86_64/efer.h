/* SPDX-License-Identifier: GPL-2.0-only
 *
 * NX detection (S20, S21). State: one flag, set once at boot.
 */
#ifndef ARCH_X86_64_EFER_H
#define ARCH_X86_64_EFER_H

#include <stdbool.h>

/**
 * Enables EFER.NXE where the CPU has NX and it is off, and notes whether bit 63 of page-table
 * entries is reserved: only where CPUID 8000_0001h EDX.20 is 0, or the CPU did not take NXE.
 * Context: before any page table is built. SDM vol 3A, "Access Rights" and IA32_EFER.
 */
void init_xd_rsvd(bool cpu_has_nx);

/** Whether no entry may carry bit 63 (S21). */
bool is_xd_reserved(void);

/** EFER.NXE now. */
bool efer_nxe_is_set(void);

#endif
