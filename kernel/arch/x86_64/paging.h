/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The format of x86-64 page-table entries in 4-level paging (S02) and of the PAT, as constants.
 * Nothing else knows bit numbers: generic code speaks page_flags_t. Every world includes this.
 *
 * SDM vol 3A, "4-Level Paging and 5-Level Paging", figure "Formats of CR3 and Paging-Structure
 * Entries"; "Page Attribute Table (PAT)" (ed. 2023-12).
 */
#ifndef ARCH_X86_64_PAGING_H
#define ARCH_X86_64_PAGING_H

#include <stdint.h>

#include "lib/bits.h"

#define X86_PTE_PRESENT       BIT(0)
#define X86_PTE_WRITE         BIT(1)
#define X86_PTE_USER          BIT(2)
#define X86_PTE_WRITE_THROUGH BIT(3) /* PWT: bit 0 of the PAT slot */
#define X86_PTE_CACHE_DISABLE BIT(4) /* PCD: bit 1 of the PAT slot */
#define X86_PTE_ACCESSED      BIT(5)
#define X86_PTE_DIRTY         BIT(6)
#define X86_PTE_HUGE          BIT(7)  /* PS: a leaf, in a level-2 or level-3 table */
#define X86_PTE_PAT_4K        BIT(7)  /* bit 2 of the PAT slot, in a level-1 table */
#define X86_PTE_GLOBAL        BIT(8)  /* leaves only */
#define X86_PTE_PAT_HUGE      BIT(12) /* bit 2 of the PAT slot, in a 2 MiB or 1 GiB leaf */
#define X86_PTE_NO_EXECUTE    BIT(63) /* reserved where EFER.NXE is clear */

/* Bits 9..11 are the kernel's own. In an entry that points at a table: the frame of that table was
 * made at bring-up and never came from the kernel's frame allocator (see page_mapper.h). */
#define X86_PTE_BOOT_TABLE BIT(9)

/* IA32_PAT as the kernel programs it. Slots 0 to 3 stay as at reset, so that entries written with
 * the PAT bit clear mean the same under any firmware; slot 4 becomes write-combining.
 *
 *   slot   7    6    5    4    3    2    1    0
 *          UC   UC-  WT   WC   UC   UC-  WT   WB
 */
#define X86_PAT_VALUE UINT64_C(0x0007040100070406)

#endif
