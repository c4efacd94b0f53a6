/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Forbidden accesses on the real MMU, each provoked through the expected-fault hook: what must
 * fault faults with the right error code and address, what is allowed does not.
 */
#include <arch/cpu.h>

#include "arch/x86_64/control.h"
#include "arch/x86_64/cpu_setup.h"
#include "arch/x86_64/gdt.h"
#include "arch/x86_64/image.h"
#include "arch/x86_64/msr.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/trap.h"
#include "mm/mm_init.h"
#include "tests/ktest.h"

#define RET_INSTRUCTION 0xc3

/* One byte of code in writable memory, and one constant in rodata. */
static volatile uint8_t data_with_code[16] = { RET_INSTRUCTION };
static const uint8_t constant = 42; /* not volatile: gcc would put it into .data */

static void expect_page_fault(struct ktest *t, struct trap_fault fault, uint64_t error_code,
                              uint64_t address)
{
    KTEST_TRUE(t, fault.faulted);
    KTEST_EQ(t, fault.vector, TRAP_PAGE_FAULT);
    KTEST_EQ(t, fault.error_code, error_code);
    KTEST_EQ(t, fault.address, address);
}

static void trap_null_read_faults(struct ktest *t)
{
    expect_page_fault(t, trap_probe_read(virt_addr(0)), 0, 0);
    expect_page_fault(t, trap_probe_read(virt_addr(0x10)), 0, 0x10);
}

static void trap_null_write_faults(struct ktest *t)
{
    expect_page_fault(t, trap_probe_write(virt_addr(8), 1), TRAP_PF_WRITE, 8);
}

static void trap_frame_zero_alias_faults(struct ktest *t)
{
    expect_page_fault(t, trap_probe_read(virt_addr(PHYS_OFFSET)), 0, PHYS_OFFSET);
}

static void trap_write_to_code_faults(struct ktest *t)
{
    const virt_addr_t code = kernel_image().code_start;
    const uint8_t before = *(const volatile uint8_t *)(uintptr_t)code.value;
    expect_page_fault(t, trap_probe_write(code, (uint8_t)~before), TRAP_PF_PRESENT | TRAP_PF_WRITE,
                      code.value);
    KTEST_EQ(t, *(const volatile uint8_t *)(uintptr_t)code.value, before);
}

static void trap_write_to_rodata_faults(struct ktest *t)
{
    const uint64_t address = (uintptr_t)&constant;
    expect_page_fault(t, trap_probe_write(virt_addr(address), 1), TRAP_PF_PRESENT | TRAP_PF_WRITE,
                      address);
    KTEST_EQ(t, *(const volatile uint8_t *)&constant, 42);
}

static void trap_execute_data_faults(struct ktest *t)
{
    const uint64_t address = (uintptr_t)data_with_code;
    const struct trap_fault fault = trap_probe_execute(virt_addr(address));
    if (!mm_state()->features.nx) {
        KTEST_FALSE(t, fault.faulted); /* no NX: everything mapped is executable, and said so */
        return;
    }
    expect_page_fault(t, fault, TRAP_PF_PRESENT | TRAP_PF_FETCH, address);
}

static void trap_allowed_accesses_do_not_fault(struct ktest *t)
{
    KTEST_FALSE(t, trap_probe_read(kernel_image().code_start).faulted);
    KTEST_FALSE(t, trap_probe_read(virt_addr((uintptr_t)&constant)).faulted);
    KTEST_FALSE(t, trap_probe_write(virt_addr((uintptr_t)&data_with_code[1]), 7).faulted);
    KTEST_EQ(t, data_with_code[1], 7);
}

static void trap_stack_guards_are_not_mapped(struct ktest *t)
{
    const struct kernel_layout *const layout = &mm_state()->layout;
    KTEST_EQ(t, layout->guard_count, 1 + GDT_IST_COUNT);
    for (uint32_t i = 0; i < layout->guard_count; i++) {
        const uint64_t guard = PHYS_OFFSET + layout->guards[i].value;
        expect_page_fault(t, trap_probe_read(virt_addr(guard)), 0, guard);
        expect_page_fault(t, trap_probe_read(virt_addr(guard + PAGE_SIZE - 1)), 0,
                          guard + PAGE_SIZE - 1);
        KTEST_FALSE(t, trap_probe_read(virt_addr(guard + PAGE_SIZE)).faulted);
    }
}

/* From the stack in use down: the first page that is not there is the boot stack's guard. */
static void trap_page_below_the_stack_is_its_guard(struct ktest *t)
{
    const uint8_t here = 0;
    uint64_t page = bits_align_down((uintptr_t)&here, PAGE_SIZE);
    while (!trap_probe_read(virt_addr(page)).faulted) {
        page -= PAGE_SIZE;
    }
    KTEST_EQ(t, page, PHYS_OFFSET + mm_state()->layout.guards[0].value);
}

static void trap_non_canonical_address_is_general_protection(struct ktest *t)
{
    const struct trap_fault fault = trap_probe_read(virt_addr(UINT64_C(0x0001000000000000)));
    KTEST_TRUE(t, fault.faulted);
    KTEST_EQ(t, fault.vector, TRAP_GENERAL_PROTECTION);
}

static void trap_breakpoint_goes_on(struct ktest *t)
{
    struct trap_frame frame = { .vector = TRAP_BREAKPOINT, .rip = 0x1234 };
    trap_dispatch(&frame);
    KTEST_EQ(t, frame.rip, 0x1234);
}

/* To the last bit: whatever else the firmware had set is gone (protection keys, PCIDs, SSE ...). */
static void cpu_state_is_what_the_kernel_wrote(struct ktest *t)
{
    const struct cpu_features *const cpu = cpu_setup_features();
    const uint64_t cr4 = CR4_DE | CR4_PAE | CR4_MCE | (cpu->pge ? CR4_PGE : 0) |
                         (cpu->umip ? CR4_UMIP : 0) | (cpu->smep ? CR4_SMEP : 0) |
                         (cpu->smap ? CR4_SMAP : 0);
    KTEST_EQ(t, x86_read_cr4(), cr4);
    KTEST_EQ(t, x86_read_cr0(), CR0_PE | CR0_MP | CR0_EM | CR0_ET | CR0_NE | CR0_WP | CR0_PG);
    KTEST_EQ(t, x86_rdmsr(X86_MSR_EFER),
             X86_EFER_LME | X86_EFER_LMA | (cpu->nx ? X86_EFER_NXE : 0));
    KTEST_EQ(t, x86_rdmsr(X86_MSR_PAT), X86_PAT_VALUE);
    KTEST_EQ(t, x86_read_rflags() & X86_RFLAGS_IF, 0);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(trap_null_read_faults),
    KTEST_CASE(trap_null_write_faults),
    KTEST_CASE(trap_frame_zero_alias_faults),
    KTEST_CASE(trap_write_to_code_faults),
    KTEST_CASE(trap_write_to_rodata_faults),
    KTEST_CASE(trap_execute_data_faults),
    KTEST_CASE(trap_allowed_accesses_do_not_fault),
    KTEST_CASE(trap_stack_guards_are_not_mapped),
    KTEST_CASE(trap_page_below_the_stack_is_its_guard),
    KTEST_CASE(trap_non_canonical_address_is_general_protection),
    KTEST_CASE(trap_breakpoint_goes_on),
    KTEST_CASE(cpu_state_is_what_the_kernel_wrote),
};
KTEST_SUITE(arch_trap, "arch.trap", cases);
