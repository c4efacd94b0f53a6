/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fault_raise.h. Each has a frame, so that a backtrace shows who called it.
 */
    .set GDT_NOT_PRESENT, 0x28          /* gdt.h */

    .macro RAISE name
    .globl \name
    .hidden \name
    .type \name, @function
\name:
    pushq   %rbp
    movq    %rsp, %rbp
    .endm

    .macro RAISE_END name
    leave
    ret
    .size \name, . - \name
    .endm

    .macro RAISE_BY name, instruction:vararg
    RAISE \name
    \instruction
    RAISE_END \name
    .endm

    .text
    RAISE fault_raise_de
    movl    $1, %eax
    xorl    %edx, %edx
    xorl    %ecx, %ecx
    divl    %ecx
    RAISE_END fault_raise_de

    RAISE_BY fault_raise_nmi, int $2
    RAISE_BY fault_raise_bp, int3
    RAISE_BY fault_raise_of, int $4
    RAISE_BY fault_raise_br, int $5
    RAISE_BY fault_raise_ud, ud2
    RAISE_BY fault_raise_nm, fnop          /* CR0.EM is set */
    RAISE_BY fault_raise_mc, int $18
    RAISE_BY fault_raise_xm, int $19
    RAISE_BY fault_raise_ve, int $20
    RAISE_BY fault_raise_reserved, int $22
    RAISE_BY fault_raise_hv, int $28

    /* A single step: the trap comes behind the nop. */
    RAISE fault_raise_db
    pushfq
    orq     $0x100, (%rsp)                  /* RFLAGS.TF */
    popfq
    nop
    RAISE_END fault_raise_db

    RAISE fault_raise_np
    movl    $GDT_NOT_PRESENT, %eax
    movl    %eax, %ds
    RAISE_END fault_raise_np

    RAISE fault_raise_ss
    movl    $GDT_NOT_PRESENT, %eax
    movl    %eax, %ss
    RAISE_END fault_raise_ss

    RAISE fault_raise_gp
    movabsq $0x0001000000000000, %rax
    movb    (%rax), %al
    RAISE_END fault_raise_gp

    RAISE fault_raise_gp_selector
    movl    $0x1000, %eax                   /* behind the GDT's end */
    movl    %eax, %ds
    RAISE_END fault_raise_gp_selector

    RAISE fault_raise_mf
    fninit
    pushq   $0x0340                         /* x87 control word: nothing masked */
    fldcw   (%rsp)
    fld1
    fldz
    fdivrp
    fwait
    RAISE_END fault_raise_mf

    RAISE fault_reset_x87
    fninit
    RAISE_END fault_reset_x87

    /* Down to the guard frame: the page fault finds no stack, which is a double fault. */
    RAISE fault_raise_stack_overflow
1:  pushq   $0
    jmp     1b
    RAISE_END fault_raise_stack_overflow

    RAISE fault_raise_broken_stack
    movabsq $0x0000123456789abc, %rsp       /* not mapped */
    ud2
    RAISE_END fault_raise_broken_stack
