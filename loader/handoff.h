/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The last step of the loader: from the firmware's page tables to ours and into the kernel. The
 * code that runs across the switch is copied into the jump page, which both sets of tables map at
 * its physical address. Shared with handoff.S. Loader only.
 */
#ifndef LOADER_HANDOFF_H
#define LOADER_HANDOFF_H

#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"

/** What handoff_enter() needs; the offsets stand in handoff.S too. */
struct handoff_parameters {
    uint64_t jump_page;       /* physical = identity address of the copy of the page's code */
    uint64_t page_table_root; /* physical */
    uint64_t stack_top;       /* virtual, 16-byte aligned */
    uint64_t entry;           /* virtual */
    uint64_t bootinfo;        /* virtual */
    uint64_t set_nxe;         /* 1: the CPU has NX */
};
_Static_assert(offsetof(struct handoff_parameters, jump_page) == 0, "handoff.S");
_Static_assert(offsetof(struct handoff_parameters, page_table_root) == 8, "handoff.S");
_Static_assert(offsetof(struct handoff_parameters, stack_top) == 16, "handoff.S");
_Static_assert(offsetof(struct handoff_parameters, entry) == 24, "handoff.S");
_Static_assert(offsetof(struct handoff_parameters, bootinfo) == 32, "handoff.S");
_Static_assert(offsetof(struct handoff_parameters, set_nxe) == 40, "handoff.S");

/** Position-independent code and GDT, to be copied to the start of the jump page; below 4 KiB. */
extern const uint8_t handoff_page_start[];
extern const uint8_t handoff_page_end[];

/**
 * Leaves for the kernel; never returns.
 * @context boot services are gone, the jump page holds its code, the tables behind page_table_root
 *          map it (identity R+X, direct map R), the stack, the kernel and the bootinfo block
 */
NORETURN void handoff_enter(const struct handoff_parameters *parameters);

#endif
