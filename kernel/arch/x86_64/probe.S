/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See probe.h. Each instruction that may fault has an entry in x86_fixups: where it stands and
 * where to go on, as offsets from the table (pointers would need relocations). The trap handler
 * puts the fault into RAX before it goes there.
 */
    .macro BEGIN name
    .globl \name
    .hidden \name
    .type \name, @function
\name:
    .endm

    /* The instruction that may fault, then "no fault"; both ways end in one ret. */
    .macro END name
    xorl    %eax, %eax
.L\name\()_resume:
    ret
    .size \name, . - \name
    .pushsection .rodata.x86_fixups, "a"
    .long   .L\name\()_fault - x86_fixups, .L\name\()_resume - x86_fixups
    .popsection
    .endm

    /* RDI = address, RSI = where the value goes. */
    .macro LOAD name, instruction:vararg
    BEGIN \name
.L\name\()_fault:
    \instruction
    movq    %rax, (%rsi)
    END \name
    .endm

    /* RDI = address, RSI = value. */
    .macro STORE name, instruction:vararg
    BEGIN \name
.L\name\()_fault:
    \instruction
    END \name
    .endm

    .section .rodata.x86_fixups, "a"
    .globl x86_fixups
    .hidden x86_fixups
    .balign 4
x86_fixups:

    .text
    LOAD x86_safe_load_1, movzbl (%rdi), %eax
    LOAD x86_safe_load_2, movzwl (%rdi), %eax
    LOAD x86_safe_load_4, movl (%rdi), %eax
    LOAD x86_safe_load_8, movq (%rdi), %rax

    STORE x86_safe_store_1, movb %sil, (%rdi)
    STORE x86_safe_store_2, movw %si, (%rdi)
    STORE x86_safe_store_4, movl %esi, (%rdi)
    STORE x86_safe_store_8, movq %rsi, (%rdi)

    /* EDI = register, RSI = where the value goes. */
    BEGIN x86_safe_rdmsr
    movl    %edi, %ecx
.Lx86_safe_rdmsr_fault:
    rdmsr
    shlq    $32, %rdx
    orq     %rdx, %rax
    movq    %rax, (%rsi)
    END x86_safe_rdmsr

    /* EDI = register, RSI = value. */
    BEGIN x86_safe_wrmsr
    movl    %edi, %ecx
    movl    %esi, %eax
    movq    %rsi, %rdx
    shrq    $32, %rdx
.Lx86_safe_wrmsr_fault:
    wrmsr
    END x86_safe_wrmsr

    /* RDI = struct x86_probe { resume_rip, resume_rsp }, RSI = address. */
    BEGIN x86_probe_execute
    pushq   %rbp
    movq    %rsp, %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    pushq   %rbp                /* aligned at the call */
    leaq    1f(%rip), %rax
    movq    %rax, 0(%rdi)
    movq    %rsp, 8(%rdi)
    call    *%rsi
1:  popq    %rbp                /* whatever the callee has left in the registers */
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    ret
    .size x86_probe_execute, . - x86_probe_execute

    .section .rodata.x86_fixups, "a"
    .globl x86_fixups_end
    .hidden x86_fixups_end
x86_fixups_end:
