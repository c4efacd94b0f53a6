/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See mm_arch.h. Kernel and host.
 */
#include "mm_arch.h"

#include "panic.h"

/* The seed's INITIAL_CR3_VALUE; 0 is no table, as frame 0 is never handed out. */
static phys_addr_t initial_cr3_value;

void arch_set_initial_page_table(phys_addr_t root)
{
    initial_cr3_value = root;
}

phys_addr_t arch_initial_page_table(void)
{
    BUG_ON(initial_cr3_value.value == 0);
    return initial_cr3_value;
}
