/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Exceptions: the frame that trap_entry.S builds, the dump, and the expected-fault hook with which
 * self-tests touch forbidden memory and go on.
 */
#ifndef ARCH_X86_64_TRAP_H
#define ARCH_X86_64_TRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "mm/addr.h"

#define TRAP_VECTOR_COUNT 32U

#define TRAP_DEBUG              1
#define TRAP_NMI                2
#define TRAP_BREAKPOINT         3
#define TRAP_OVERFLOW           4
#define TRAP_INVALID_OPCODE     6
#define TRAP_DOUBLE_FAULT       8
#define TRAP_GENERAL_PROTECTION 13
#define TRAP_PAGE_FAULT         14
#define TRAP_MACHINE_CHECK      18

/* Page-fault error code (SDM vol 3A, "Page-Fault Exceptions"). */
#define TRAP_PF_PRESENT  0x1U
#define TRAP_PF_WRITE    0x2U
#define TRAP_PF_USER     0x4U
#define TRAP_PF_RESERVED 0x8U
#define TRAP_PF_FETCH    0x10U

/** Registers at the time of the trap, in the order trap_entry.S pushes them. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector;
    uint64_t error_code; /* 0 where the CPU pushes none */
    uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct trap_frame) == 176, "trap_entry.S");

/** What a probe met. */
struct trap_fault {
    bool faulted;
    uint64_t vector;
    uint64_t error_code;
    uint64_t address; /* CR2 for a page fault, else 0 */
};

/** Builds and loads the IDT. Context: after gdt_init(), interrupts off. */
void trap_init(void);

/** Called by trap_entry.S for every exception; returns only where execution can go on. */
void trap_dispatch(struct trap_frame *frame);

typedef bool trap_hook(struct trap_frame *frame);

/** Asks @p handles (NULL: nobody) about every exception that no probe and no safe access expected,
 *  before anything is printed. Where it returns true, execution goes on with the frame as the hook
 *  left it. Context of the hook: the exception's, interrupts off. @return the hook before, for
 *  setting it again */
trap_hook *trap_set_hook(trap_hook *handles);

/** Reads, writes or calls @p virt and says what happened; the kernel goes on either way. A called
 *  address must hold code that returns, and one call at a time is in flight; reads and writes work
 *  in any context. */
struct trap_fault trap_probe_read(virt_addr_t virt);
struct trap_fault trap_probe_write(virt_addr_t virt, uint8_t value);
struct trap_fault trap_probe_execute(virt_addr_t virt);

/** Calls @p raise, whose exception is dumped as a crash and then ends the call. @p raise may leave
 *  every register and the stack as it likes. Context: as trap_probe_execute(). */
void trap_call_and_dump(void (*raise)(void));

#endif
