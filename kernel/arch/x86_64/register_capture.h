/* SPDX-License-Identifier: GPL-2.0-only
 *
 * All general registers of the caller at one point: what compilers leave in them is nobody's to
 * change on the way.
 */
#ifndef ARCH_X86_64_REGISTER_CAPTURE_H
#define ARCH_X86_64_REGISTER_CAPTURE_H

#include <stdint.h>

/** In the order of their numbers in instructions, as register_capture.S stores them. */
struct x86_registers {
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
};
_Static_assert(sizeof(struct x86_registers) == 144, "register_capture.S");

/** Stores the registers as they are in the caller when this returns; RDI holds @p registers. */
void x86_capture_registers(struct x86_registers *registers);

#endif
