/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See probe.h: RDI = struct x86_probe { resume_rip, resume_rsp }, RSI = address, DL = value.
 */
    .macro PROBE name, instruction:vararg
    .globl \name
    .hidden \name
    .type \name, @function
\name:
    leaq    1f(%rip), %rax
    movq    %rax, 0(%rdi)
    movq    %rsp, 8(%rdi)
    \instruction
1:  ret
    .size \name, . - \name
    .endm

    .text
    PROBE x86_probe_read, movb (%rsi), %al
    PROBE x86_probe_write, movb %dl, (%rsi)
    PROBE x86_probe_execute, call *%rsi
