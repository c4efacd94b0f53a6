/* SPDX-License-Identifier: GPL-2.0-only
 *
 * CS can only be changed by a far transfer: return to our own caller with a new selector.
 */
    .text
    .globl x86_load_segments
    .hidden x86_load_segments
    .type x86_load_segments, @function
x86_load_segments:
    popq    %rax
    movzwl  %di, %edi
    pushq   %rdi
    pushq   %rax
    movl    %esi, %ds
    movl    %esi, %es
    movl    %esi, %ss
    movl    %esi, %fs
    movl    %esi, %gs
    lretq
    .size x86_load_segments, . - x86_load_segments
