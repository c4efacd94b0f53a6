/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See jump_page.h.
 */
#include "jump_page.h"

#include <stdint.h>

#include <arch/mmu.h>
#include <arch/physmap.h>

void jump_page_unmap(void)
{
    volatile uint64_t *const entries = physmap_ptr(arch_table_root(), PAGE_SIZE);
    for (uint32_t i = 0; i < KERNEL_PML4_FIRST; i++) {
        entries[i] = 0;
    }
    arch_invalidate_all();
}
