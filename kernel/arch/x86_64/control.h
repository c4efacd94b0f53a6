/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Bits of CR0 and CR4 that this kernel sets or tests. SDM vol 3A, "Control Registers".
 */
#ifndef ARCH_X86_64_CONTROL_H
#define ARCH_X86_64_CONTROL_H

#include "lib/bits.h"

#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_PG BIT(31)

#define CR4_DE   BIT(3)
#define CR4_PAE  BIT(5)
#define CR4_MCE  BIT(6)
#define CR4_PGE  BIT(7)
#define CR4_UMIP BIT(11)
#define CR4_LA57 BIT(12)
#define CR4_SMEP BIT(20)
#define CR4_SMAP BIT(21)

#endif
