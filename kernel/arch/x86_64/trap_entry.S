/* SPDX-License-Identifier: GPL-2.0-only
 *
 * One short entry per exception vector: a zero where the CPU pushes no error code, the vector, then
 * the common part saves the registers as struct trap_frame (trap.h) and calls trap_dispatch().
 * Vectors with an error code: SDM vol 3A, "Exceptions and Interrupts" (8, 10-14, 17, 21, 29, 30).
 */
    .section .text.nobreak, "ax", @progbits

    .macro ENTRY_POINT vector, has_error_code
    .balign 16
    .type trap_entry_\vector, @function
trap_entry_\vector:
    .if \has_error_code == 0
    pushq   $0
    .endif
    pushq   $\vector
    jmp     trap_common
    .size trap_entry_\vector, . - trap_entry_\vector
    .endm

    .altmacro
    .set i, 0
    .rept 32
    .if (i == 8) || ((i >= 10) && (i <= 14)) || (i == 17) || (i == 21) || (i == 29) || (i == 30)
    ENTRY_POINT %i, 1
    .else
    ENTRY_POINT %i, 0
    .endif
    .set i, i + 1
    .endr

    .type trap_common, @function
trap_common:
    cld
    pushq   %rax
    pushq   %rcx
    pushq   %rdx
    pushq   %rbx
    pushq   %rbp
    pushq   %rsi
    pushq   %rdi
    pushq   %r8
    pushq   %r9
    pushq   %r10
    pushq   %r11
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    movq    %rsp, %rdi
    movq    %rsp, %rbx
    andq    $-16, %rsp          /* SysV: aligned at the call */
    call    trap_dispatch
    movq    %rbx, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %r11
    popq    %r10
    popq    %r9
    popq    %r8
    popq    %rdi
    popq    %rsi
    popq    %rbp
    popq    %rbx
    popq    %rdx
    popq    %rcx
    popq    %rax
    addq    $16, %rsp           /* vector and error code */
    iretq
    .size trap_common, . - trap_common

/* Entry addresses as offsets from trap_entry_offsets itself: a table of pointers would need
 * relocations, and these cost nothing. */
    .section .rodata
    .globl trap_entry_offsets
    .hidden trap_entry_offsets
    .balign 4
trap_entry_offsets:
    .macro ENTRY_OFFSET vector
    .long trap_entry_\vector - trap_entry_offsets
    .endm
    .set i, 0
    .rept 32
    ENTRY_OFFSET %i
    .set i, i + 1
    .endr
