/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See register_capture.h. RAX is saved before it becomes scratch, and comes back at the end.
 */
    .text
    .globl x86_capture_registers
    .hidden x86_capture_registers
    .type x86_capture_registers, @function
x86_capture_registers:
    movq    %rax, 0(%rdi)
    movq    %rcx, 8(%rdi)
    movq    %rdx, 16(%rdi)
    movq    %rbx, 24(%rdi)
    leaq    8(%rsp), %rax       /* after the ret */
    movq    %rax, 32(%rdi)
    movq    %rbp, 40(%rdi)
    movq    %rsi, 48(%rdi)
    movq    %rdi, 56(%rdi)
    movq    %r8, 64(%rdi)
    movq    %r9, 72(%rdi)
    movq    %r10, 80(%rdi)
    movq    %r11, 88(%rdi)
    movq    %r12, 96(%rdi)
    movq    %r13, 104(%rdi)
    movq    %r14, 112(%rdi)
    movq    %r15, 120(%rdi)
    movq    (%rsp), %rax
    movq    %rax, 128(%rdi)
    pushfq
    popq    %rax
    movq    %rax, 136(%rdi)
    movq    0(%rdi), %rax
    ret
    .size x86_capture_registers, . - x86_capture_registers
