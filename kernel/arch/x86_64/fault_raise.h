/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Instructions that raise an exception, one function for each (fault_raise.S). fault.c knows what
 * must be prepared for which. A vector with an error code cannot be had by INT n: the CPU pushes
 * none then.
 */
#ifndef ARCH_X86_64_FAULT_RAISE_H
#define ARCH_X86_64_FAULT_RAISE_H

void fault_raise_de(void);
void fault_raise_db(void);
void fault_raise_nmi(void);
void fault_raise_bp(void);
void fault_raise_of(void);
void fault_raise_br(void);
void fault_raise_ud(void);
void fault_raise_nm(void);
void fault_raise_np(void);
void fault_raise_ss(void);
void fault_raise_gp(void);
void fault_raise_gp_selector(void);
void fault_raise_mf(void);
void fault_raise_mc(void);
void fault_raise_xm(void);
void fault_raise_ve(void);
void fault_raise_hv(void);
void fault_raise_reserved(void);
void fault_raise_stack_overflow(void);
void fault_raise_broken_stack(void);

/** Masks the x87's exceptions again. CR0.EM clear. */
void fault_reset_x87(void);

#endif
