/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Numbers and bits of the model-specific registers that paging needs. Constants only.
 * SDM vol 4, "Architectural MSRs" (ed. 2023-12).
 */
#ifndef ARCH_X86_64_MSR_H
#define ARCH_X86_64_MSR_H

#include "lib/bits.h"

#define X86_MSR_MCG_CAP        0x00000179U
#define X86_MSR_MCG_STATUS     0x0000017aU
#define X86_MSR_PAT            0x00000277U
#define X86_MSR_MC0_STATUS     0x00000401U /* and every fourth: one a bank */
#define X86_MSR_EFER           0xc0000080U
#define X86_MSR_FS_BASE        0xc0000100U
#define X86_MSR_GS_BASE        0xc0000101U
#define X86_MSR_KERNEL_GS_BASE 0xc0000102U

#define X86_EFER_LME BIT(8)
#define X86_EFER_LMA BIT(10)
#define X86_EFER_NXE BIT(11)

#endif
