/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The MMU as generic code sees it (S07): current table, switch, invalidate. Built on <arch/cpu.h>
 * only, so the host's fake CPU sees the very same calls.
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include <arch/cpu.h>

#include "mm/addr.h"

/** Forgets the translation of the page at @p virt, global ones too. SDM vol 2, INVLPG. */
static inline void arch_invalidate_page(virt_addr_t virt)
{
    arch_compiler_fence();
    x86_invlpg(virt.value);
    arch_compiler_fence();
}

/** Physical address of the top-level table: CR3 without its PWT, PCD and PCID bits (S07). */
static inline phys_addr_t arch_table_root(void)
{
    arch_compiler_fence();
    const phys_addr_t root = { x86_read_cr3() & ENTRY_ADDRESS_MASK };
    arch_compiler_fence();
    return root;
}

/** Makes @p root the top-level table. Global pages survive in the TLB. */
static inline void arch_set_table_root(phys_addr_t root)
{
    arch_compiler_fence();
    x86_write_cr3(root.value);
    arch_compiler_fence();
}

#define X86_CR4_PGE (UINT64_C(1) << 7)

/** Forgets every translation, global ones too: toggles CR4.PGE where it is on, else reloads CR3.
 *  SDM vol 3A, "Operations that Invalidate TLBs and Paging-Structure Caches". */
static inline void arch_invalidate_all(void)
{
    arch_compiler_fence();
    const uint64_t cr4 = x86_read_cr4();
    if ((cr4 & X86_CR4_PGE) != 0) {
        x86_write_cr4(cr4 & ~X86_CR4_PGE);
        x86_write_cr4(cr4);
    } else {
        x86_write_cr3(x86_read_cr3());
    }
    arch_compiler_fence();
}

#endif
