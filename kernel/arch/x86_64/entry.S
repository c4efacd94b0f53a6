/* SPDX-License-Identifier: GPL-2.0-only
 *
 * First instruction of the kernel. The loader hands over as docs/boot.md says: long mode, own
 * tables, interrupts off, RDI = bootinfo (virtual), RSP = top of the boot stack. Nothing is done
 * here but ending the chain of frame pointers, so that a backtrace stops.
 */
    .section .text.entry, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    cld
    cli
    xorl    %ebp, %ebp
    andq    $-16, %rsp
    call    kernel_main
1:  hlt
    jmp     1b
    .size _start, . - _start
