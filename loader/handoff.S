/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See handoff.h. Two pieces:
 *
 *   handoff_enter       in the loader's image, on the firmware's tables: loads every parameter into
 *                       a register and jumps to the copy of ...
 *   handoff_page_start  ... this, in the jump page, at an address that is the same before and after
 *                       the switch. It touches no memory until it is on the new stack.
 *
 *              firmware's tables           |  ours
 *   handoff_enter -> page: CR4, EFER, CR0  |  CR3 -> stack -> GDT -> segments -> kernel
 *
 * The firmware's tables are never written (OVMF maps them read-only), nor is its stack used after
 * the interrupts are off. A fault in here ends in a reset: the firmware's IDT is not mapped in ours.
 *
 * Registers in the page: r8 CR3, r9 entry, r10 stack top, r11 jump page, rdi bootinfo, rsi NXE.
 */

/* SDM vol 3A, "Control Registers". */
#define CR0_WP       (1 << 16)
#define CR4_PGE      (1 << 7)
#define CR4_PCIDE    (1 << 17)
#define CR4_SMEP     (1 << 20)
#define CR4_SMAP     (1 << 21)
#define CR4_PKE      (1 << 22)
#define CR4_CET      (1 << 23)
#define CR4_PKS      (1 << 24)
#define CR4_UNWANTED (CR4_PGE | CR4_PCIDE | CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_PKS)
#define MSR_EFER     0xc0000080
#define EFER_NXE     (1 << 11)
#define PHYS_OFFSET  0xffff800000000000
#define GDT_CODE     0x08
#define GDT_DATA     0x10

    .text
    .globl handoff_enter
handoff_enter:
    cli
    cld
    movq    0(%rcx), %r11
    movq    8(%rcx), %r8
    movq    16(%rcx), %r10
    movq    24(%rcx), %r9
    movq    32(%rcx), %rdi
    movq    40(%rcx), %rsi
    jmpq    *%r11

    .balign 16
    .globl handoff_page_start
handoff_page_start:
    /* Shadow stacks first and alone: while CR4.CET is set CR0.WP may not change, and CR0 is next. */
    movq    %cr4, %rax
    andq    $~CR4_CET, %rax
    movq    %rax, %cr4
    /* Then what would give our tables another meaning: PCIDs, keys, user-page guards; clearing PGE
     * drops the firmware's global translations. */
    andq    $~CR4_UNWANTED, %rax
    movq    %rax, %cr4

    /* Bit 63 of an entry is reserved while NXE is clear: it must be set before the switch. */
    testq   %rsi, %rsi
    jz      1f
    movl    $MSR_EFER, %ecx
    rdmsr
    orl     $EFER_NXE, %eax
    wrmsr
1:
    movq    %cr0, %rax
    orq     $CR0_WP, %rax
    movq    %rax, %cr0

    movq    %r8, %cr3

    /* Our tables. The GDT is used through the direct map, whose alias of this page outlives the
     * identity one; it is read-only there, so the descriptors carry their accessed bits already. */
    movq    %r10, %rsp
    movabsq $PHYS_OFFSET, %rax
    leaq    handoff_gdt - handoff_page_start(%r11,%rax), %rax
    pushq   %rax
    pushw   $(handoff_gdt_end - handoff_gdt - 1)
    lgdt    (%rsp)
    movq    %r10, %rsp

    pushq   $GDT_CODE
    leaq    2f(%rip), %rax
    pushq   %rax
    lretq
2:
    movl    $GDT_DATA, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    xorl    %eax, %eax
    movl    %eax, %fs
    movl    %eax, %gs
    lldt    %ax

    /* As after a call (System V ABI, AMD64, 3.2.2): RSP is 8 below a multiple of 16, and the return
     * address 0 and RBP 0 end every backtrace. */
    movq    %r10, %rsp
    pushq   $0
    xorl    %ebp, %ebp
    xorl    %ebx, %ebx
    xorl    %ecx, %ecx
    xorl    %edx, %edx
    xorl    %esi, %esi
    jmpq    *%r9

    .org    handoff_page_start + 256 /* an error where the code is longer: it fits its page */
handoff_gdt:
    .quad   0
    .quad   0x00af9b000000ffff      /* 64-bit code, ring 0, accessed */
    .quad   0x00cf93000000ffff      /* data, ring 0, accessed */
handoff_gdt_end:
    .globl handoff_page_end
handoff_page_end:
