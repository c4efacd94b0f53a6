/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The fault-safe accesses on the real MMU and the real MSRs: exact widths, an error where the
 * access is forbidden, and all of it inside an exception handler and inside a probe as well.
 */
#include <arch/cpu.h>
#include <arch/safe_access.h>

#include "arch/x86_64/image.h"
#include "arch/x86_64/msr.h"
#include "arch/x86_64/probe.h"
#include "arch/x86_64/trap.h"
#include "tests/ktest.h"

#define NOT_CANONICAL   UINT64_C(0x0001000000000000)
#define RET_INSTRUCTION 0xc3
#define JUNK            UINT64_C(0x5555555555555555)
#define MSR_PKRS        0x6e1U /* its upper half is reserved */

static const unsigned widths[] = { 1, 2, 4, 8 };

static uint64_t mask_of(unsigned width_bytes)
{
    return width_bytes == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width_bytes)) - 1;
}

static void safe_load_reads_exactly_its_width(struct ktest *t)
{
    const uint64_t cell = UINT64_C(0xf1e2d3c4b5a69788);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t value = JUNK;
        KTEST_STATUS(t, arch_safe_load(virt_addr((uintptr_t)&cell), widths[i], &value), K_OK);
        KTEST_EQ(t, value, cell & mask_of(widths[i]));
    }
}

static void safe_store_writes_exactly_its_width(struct ktest *t)
{
    for (unsigned i = 0; i < 4; i++) {
        volatile uint64_t cell = JUNK;
        const uint64_t value = UINT64_C(0xf1e2d3c4b5a69788);
        KTEST_STATUS(t, arch_safe_store(virt_addr((uintptr_t)&cell), widths[i], value), K_OK);
        const uint64_t mask = mask_of(widths[i]);
        KTEST_EQ(t, cell, (JUNK & ~mask) | (value & mask));
    }
}

static void safe_access_refuses_other_widths(struct ktest *t)
{
    static const unsigned bad[] = { 0, 3, 5, 16 };
    uint64_t cell = JUNK;
    uint64_t value = JUNK;
    for (unsigned i = 0; i < 4; i++) {
        const virt_addr_t virt = virt_addr((uintptr_t)&cell);
        KTEST_STATUS(t, arch_safe_load(virt, bad[i], &value), K_EINVAL);
        KTEST_STATUS(t, arch_safe_store(virt, bad[i], 0), K_EINVAL);
    }
    KTEST_EQ(t, cell, JUNK);
    KTEST_EQ(t, value, JUNK);
}

/* Not mapped, not canonical, and half of it on a page that is not mapped. */
static void expect_faults(struct ktest *t, unsigned width_bytes)
{
    const uint64_t bad[] = { 0, 0x10, NOT_CANONICAL, PHYS_OFFSET, PHYS_OFFSET - 1 };
    for (unsigned i = 0; i < 5; i++) {
        uint64_t value = JUNK;
        KTEST_STATUS(t, arch_safe_load(virt_addr(bad[i]), width_bytes, &value), K_EFAULT);
        KTEST_EQ(t, value, JUNK);
        KTEST_STATUS(t, arch_safe_store(virt_addr(bad[i]), width_bytes, 1), K_EFAULT);
    }
}

static void safe_access_reports_a_fault(struct ktest *t)
{
    for (unsigned i = 0; i < 4; i++) {
        expect_faults(t, widths[i]);
    }
}

static void safe_store_to_code_faults(struct ktest *t)
{
    const virt_addr_t code = kernel_image().code_start;
    uint64_t before = 0;
    uint64_t after = 1;
    KTEST_STATUS(t, arch_safe_load(code, 8, &before), K_OK);
    KTEST_STATUS(t, arch_safe_store(code, 8, ~before), K_EFAULT);
    KTEST_STATUS(t, arch_safe_load(code, 8, &after), K_OK);
    KTEST_EQ(t, before, after);
}

/* QEMU's emulator reads every unknown register as 0; a write of reserved bits faults there too. */
static void safe_msr_reads_and_refuses(struct ktest *t)
{
    uint64_t value = JUNK;
    KTEST_STATUS(t, arch_safe_rdmsr(X86_MSR_EFER, &value), K_OK);
    KTEST_EQ(t, value, x86_rdmsr(X86_MSR_EFER));
    KTEST_STATUS(t, arch_safe_rdmsr(X86_MSR_PAT, &value), K_OK);
    KTEST_STATUS(t, arch_safe_wrmsr(X86_MSR_PAT, value), K_OK);
    KTEST_EQ(t, x86_rdmsr(X86_MSR_PAT), value);
    KTEST_STATUS(t, arch_safe_wrmsr(MSR_PKRS, UINT64_MAX), K_EFAULT);
}

/* Hand-made frames, for the faults that an emulator does not raise (RDMSR). */
static void safe_access_resumes_behind_every_entry(struct ktest *t)
{
    const uint64_t table = (uintptr_t)x86_fixups;
    KTEST_EQ(t, x86_fixups_end - x86_fixups, 10);
    for (const struct x86_fixup *f = x86_fixups; f != x86_fixups_end; f++) {
        struct trap_frame frame = {
            .vector = TRAP_GENERAL_PROTECTION,
            .rip = table + (uint64_t)(int64_t)f->fault, /* sign-extended offsets */
            .error_code = 0x18,
        };
        trap_dispatch(&frame);
        KTEST_EQ(t, frame.rip, table + (uint64_t)(int64_t)f->resume);
        KTEST_EQ(t, frame.rax, X86_PROBE_FAULT(TRAP_GENERAL_PROTECTION, UINT64_C(0x18)));
        KTEST_EQ(t, *(const volatile uint8_t *)(uintptr_t)frame.rip, RET_INSTRUCTION);
    }
}

static unsigned hook_calls;

static bool fault_inside_the_handler(struct trap_frame *frame)
{
    uint64_t value;
    const bool faults = arch_safe_load(virt_addr(0), 8, &value) == K_EFAULT;
    const bool reads = arch_safe_load(virt_addr(frame->rsp), 8, &value) == K_OK;
    hook_calls += frame->vector == TRAP_BREAKPOINT && faults && reads ? 1 : 0;
    return true;
}

static void raise_breakpoint(void)
{
    x86_breakpoint();
}

static void safe_access_works_inside_an_exception(struct ktest *t)
{
    hook_calls = 0;
    trap_hook *const before = trap_set_hook(fault_inside_the_handler);
    raise_breakpoint();
    (void)trap_set_hook(before); /* ours */
    KTEST_EQ(t, hook_calls, 1);
}

/* A probe is in flight, its code traps, and the handler's own access faults: each fault goes to
 * whom it belongs. */
static void safe_access_nests_inside_a_probe(struct ktest *t)
{
    hook_calls = 0;
    trap_hook *const before = trap_set_hook(fault_inside_the_handler);
    const struct trap_fault outer = trap_probe_execute(virt_addr((uintptr_t)raise_breakpoint));
    (void)trap_set_hook(before); /* ours */
    KTEST_FALSE(t, outer.faulted);
    KTEST_EQ(t, hook_calls, 1);
    KTEST_TRUE(t, trap_probe_execute(virt_addr(0)).faulted);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(safe_load_reads_exactly_its_width),
    KTEST_CASE(safe_store_writes_exactly_its_width),
    KTEST_CASE(safe_access_refuses_other_widths),
    KTEST_CASE(safe_access_reports_a_fault),
    KTEST_CASE(safe_store_to_code_faults),
    KTEST_CASE(safe_msr_reads_and_refuses),
    KTEST_CASE(safe_access_resumes_behind_every_entry),
    KTEST_CASE(safe_access_works_inside_an_exception),
    KTEST_CASE(safe_access_nests_inside_a_probe),
};
KTEST_SUITE(arch_safe_access, "arch.safe_access", cases);
