/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's command `vm`: the live page tables and the registers that govern them, for people
 * at the prompt and for tests that compare them with an outsider's view. Kernel and host.
 *
 *     vm audit        walk all tables, count, name every violation
 *     vm walk ADDR    the entries from the top-level table to the page of ADDR, drawn
 *     vm map          what is mapped, joined to ranges of equal rights
 *     vm leaves       every leaf: address, memory, size, rights; Ctrl-C ends the list
 *     vm regs         CR0, CR2, CR3, CR4, EFER, PAT with the names of their bits
 */
#ifndef MONITOR_VM_COMMANDS_H
#define MONITOR_VM_COMMANDS_H

/** Runs `vm @p argument`; whatever was typed gives an answer on the console and nothing worse.
 *  Context: after mm_init(). Changes no page table. */
void vm_command(const char *argument);

#endif
