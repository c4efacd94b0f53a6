/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See regs_command.h. No state. The general registers are those of this command: what a crash left
 * in them stands in its dump.
 */
#include "monitor/regs_command.h"

#include <stdint.h>

#include <arch/cpu.h>

#include "console.h"
#include "lib/format.h"
#include "monitor/control_registers.h"
#include "msr.h"
#include "register_capture.h"

/* The names of three registers, three characters each. */
static void print_three(const char *names, uint64_t a, uint64_t b, uint64_t c)
{
    console_printf("%.3s 0x%016" FMTx64 " %.3s 0x%016" FMTx64 " %.3s 0x%016" FMTx64 "\n", names, a,
                   names + 3, b, names + 6, c);
}

static void print_general(const struct x86_registers *r)
{
    print_three("riprsprbp", r->rip, r->rsp, r->rbp);
    print_three("raxrbxrcx", r->rax, r->rbx, r->rcx);
    print_three("rdxrsirdi", r->rdx, r->rsi, r->rdi);
    print_three("r8 r9 r10", r->r8, r->r9, r->r10);
    print_three("r11r12r13", r->r11, r->r12, r->r13);
    print_three("r14r15fla", r->r14, r->r15, r->rflags);
}

static void print_segments(void)
{
    struct x86_table_register gdt;
    struct x86_table_register idt;
    x86_sgdt(&gdt);
    x86_sidt(&idt);
    console_printf("cs 0x%x ss 0x%x ds 0x%x es 0x%x fs 0x%x gs 0x%x tr 0x%x ldtr 0x%x\n",
                   x86_read_cs(), x86_read_ss(), x86_read_ds(), x86_read_es(), x86_read_fs(),
                   x86_read_gs(), x86_str(), x86_sldt());
    print_three("fs gs ksb", x86_rdmsr(X86_MSR_FS_BASE), x86_rdmsr(X86_MSR_GS_BASE),
                x86_rdmsr(X86_MSR_KERNEL_GS_BASE));
    console_printf("gdt " PRIvirt " 0x%x idt " PRIvirt " 0x%x\n", gdt.base, gdt.limit, idt.base,
                   idt.limit);
}

void regs_command(const char *argument)
{
    (void)argument;
    struct x86_registers registers;
    x86_capture_registers(&registers);
    print_general(&registers);
    print_segments();
    control_registers_print();
    print_three("dr0dr1dr2", x86_read_dr0(), x86_read_dr1(), x86_read_dr2());
    print_three("dr3dr6dr7", x86_read_dr3(), x86_read_dr6(), x86_read_dr7());
}
