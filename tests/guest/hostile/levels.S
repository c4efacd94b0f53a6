/* SPDX-License-Identifier: GPL-2.0-only
 *
 * hostile_set_paging(cr3, cr4): loads both with paging off in between, which is the only way to
 * change CR4.LA57 (SDM vol 3A, "Enabling and Disabling 5-level paging": a fault in 64-bit mode).
 *
 *     64-bit, paging -> compatibility mode -> paging off -> CR4, CR3 -> paging on -> 64-bit
 *
 * Code, stack and both root tables must lie below 4 GiB. Interrupts are off meanwhile; GDT and code
 * segment are the firmware's again behind it. Microsoft's calling convention.
 */
#define CR0_PG (1 << 31)
#define CODE32 0x08
#define CODE64 0x10

    .section .data, "dw"
    .balign 8
gdt:
    .quad   0
    .quad   0x00cf9b000000ffff
    .quad   0x00af9b000000ffff
gdt_pointer:
    .word   . - gdt - 1
    .quad   0

    .text
    .globl hostile_set_paging
hostile_set_paging:
    pushfq
    cli
    pushq   %rbx
    pushq   %rbp
    subq    $16, %rsp
    sgdt    (%rsp)
    xorl    %eax, %eax
    movw    %cs, %ax
    pushq   %rax
    leaq    gdt(%rip), %rax
    movq    %rax, gdt_pointer+2(%rip)
    lgdt    gdt_pointer(%rip)
    leaq    in_long_mode(%rip), %rbx
    leaq    in_compatibility_mode(%rip), %rax
    pushq   $CODE32
    pushq   %rax
    lretq

    .code32
in_compatibility_mode:
    movl    %cr0, %eax
    andl    $~CR0_PG, %eax
    movl    %eax, %cr0
    movl    %edx, %cr4
    movl    %ecx, %cr3
    orl     $CR0_PG, %eax
    movl    %eax, %cr0
    pushl   $CODE64
    pushl   %ebx
    lretl

    .code64
in_long_mode:
    movl    %esp, %esp              /* upper halves do not survive the way through */
    popq    %rbx
    lgdt    (%rsp)
    leaq    with_old_segment(%rip), %rax
    pushq   %rbx
    pushq   %rax
    lretq
with_old_segment:
    addq    $16, %rsp
    popq    %rbp
    popq    %rbx
    popfq
    ret
