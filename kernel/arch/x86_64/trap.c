/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See trap.h. Owner of the IDT and of the one probe in flight. Every exception that is not an
 * expected one ends in a dump and panic(); nothing here allocates or takes a lock.
 */
#include "trap.h"

#include <stddef.h>

#include <arch/cpu.h>

#include "backtrace.h"
#include "gdt.h"
#include "lib/compiler.h"
#include "panic.h"
#include "printk.h"
#include "probe.h"

struct idt_gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};
_Static_assert(sizeof(struct idt_gate) == 16, "SDM vol 3A, 64-Bit IDT Gate Descriptors");

#define GATE_INTERRUPT 0x8e /* present, ring 0, 64-bit interrupt gate */

extern const int32_t trap_entry_offsets[TRAP_VECTOR_COUNT] __attribute__((visibility("hidden")));

static struct idt_gate idt[TRAP_VECTOR_COUNT];

/* The call that is expected to fault: the handler resumes at `where` and fills `fault`. */
static struct {
    bool active;
    struct x86_probe where;
    struct trap_fault fault;
} probe;

/* Who is asked first about what nobody expected. */
static struct {
    bool (*handles)(struct trap_frame *frame); /* may be NULL */
} hook;

static uint8_t ist_of(uint32_t vector)
{
    switch (vector) {
    case TRAP_DOUBLE_FAULT:
        return GDT_IST_DOUBLE_FAULT;
    case TRAP_NMI:
        return GDT_IST_NMI;
    case TRAP_MACHINE_CHECK:
        return GDT_IST_MACHINE_CHECK;
    default:
        return 0;
    }
}

void trap_init(void)
{
    for (uint32_t vector = 0; vector < TRAP_VECTOR_COUNT; vector++) {
        const uint64_t entry =
            (uintptr_t)trap_entry_offsets + (uint64_t)(int64_t)trap_entry_offsets[vector];
        idt[vector] = (struct idt_gate){
            .offset_low = (uint16_t)(entry & 0xffff),
            .selector = GDT_KERNEL_CODE,
            .ist = ist_of(vector),
            .type = GATE_INTERRUPT,
            .offset_middle = (uint16_t)((entry >> 16) & 0xffff),
            .offset_high = (uint32_t)(entry >> 32),
        };
    }
    const struct x86_table_register table = { .limit = sizeof(idt) - 1, .base = (uintptr_t)idt };
    x86_lidt(&table);
}

const char *trap_name(uint64_t vector)
{
    static const char *const names[TRAP_VECTOR_COUNT] = {
        [0] = "divide error",
        [TRAP_DEBUG] = "debug",
        [TRAP_NMI] = "non-maskable interrupt",
        [TRAP_BREAKPOINT] = "breakpoint",
        [4] = "overflow",
        [5] = "bound range exceeded",
        [TRAP_INVALID_OPCODE] = "invalid opcode",
        [7] = "device not available",
        [TRAP_DOUBLE_FAULT] = "double fault",
        [10] = "invalid TSS",
        [11] = "segment not present",
        [12] = "stack-segment fault",
        [TRAP_GENERAL_PROTECTION] = "general protection",
        [TRAP_PAGE_FAULT] = "page fault",
        [16] = "x87 floating-point error",
        [17] = "alignment check",
        [TRAP_MACHINE_CHECK] = "machine check",
        [19] = "SIMD floating-point error",
        [20] = "virtualization exception",
        [21] = "control protection",
    };
    const char *const name = vector < TRAP_VECTOR_COUNT ? names[vector] : NULL;
    return name != NULL ? name : "reserved exception";
}

/* "write to a present page", "fetch from a page that is not present", ... */
static void describe_page_fault(uint64_t error_code, uint64_t address)
{
    const char *action = (error_code & TRAP_PF_WRITE) != 0 ? "write to" : "read of";
    if ((error_code & TRAP_PF_FETCH) != 0) {
        action = "instruction fetch from";
    }
    const char *state = (error_code & TRAP_PF_PRESENT) != 0 ? "a page that forbids it"
                                                            : "a page that is not mapped";
    if ((error_code & TRAP_PF_RESERVED) != 0) {
        state = "a page whose entry has a reserved bit set";
    }
    pr_emerg("trap: %s " PRIvirt ": %s", action, address, state);
}

static void dump_frame(const struct trap_frame *f)
{
    pr_emerg("trap: %s (vector %" FMTu64 ", error code 0x%" FMTx64 ") at " PRIvirt,
             trap_name(f->vector), f->vector, f->error_code, f->rip);
    if (f->vector == TRAP_PAGE_FAULT) {
        describe_page_fault(f->error_code, x86_read_cr2());
    }
    pr_emerg("rip " PRIvirt " rsp " PRIvirt " rflags " PRIvirt, f->rip, f->rsp, f->rflags);
    pr_emerg("rax " PRIvirt " rbx " PRIvirt " rcx " PRIvirt, f->rax, f->rbx, f->rcx);
    pr_emerg("rdx " PRIvirt " rsi " PRIvirt " rdi " PRIvirt, f->rdx, f->rsi, f->rdi);
    pr_emerg("rbp " PRIvirt " r8  " PRIvirt " r9  " PRIvirt, f->rbp, f->r8, f->r9);
    pr_emerg("r10 " PRIvirt " r11 " PRIvirt " r12 " PRIvirt, f->r10, f->r11, f->r12);
    pr_emerg("r13 " PRIvirt " r14 " PRIvirt " r15 " PRIvirt, f->r13, f->r14, f->r15);
    pr_emerg("cr0 " PRIvirt " cr2 " PRIvirt, x86_read_cr0(), x86_read_cr2());
    pr_emerg("cr3 " PRIvirt " cr4 " PRIvirt, x86_read_cr3(), x86_read_cr4());
}

static struct trap_fault fault_of(uint64_t vector, uint64_t error_code)
{
    return (struct trap_fault){
        .faulted = true,
        .vector = vector,
        .error_code = error_code,
        .address = vector == TRAP_PAGE_FAULT ? x86_read_cr2() : 0,
    };
}

/* Whether a probe may be what raised `vector`; the others come from outside or are asked for. */
static bool is_fault_of_an_instruction(uint64_t vector)
{
    return vector != TRAP_DEBUG && vector != TRAP_NMI && vector != TRAP_BREAKPOINT &&
           vector != TRAP_DOUBLE_FAULT && vector != TRAP_MACHINE_CHECK;
}

/* Goes on behind a load, store or MSR access of probe.S. */
static bool resume_safe_access(struct trap_frame *frame)
{
    const uint64_t table = (uintptr_t)x86_fixups;
    for (const struct x86_fixup *f = x86_fixups; f != x86_fixups_end; f++) {
        if (frame->rip == table + (uint64_t)(int64_t)f->fault) { /* sign-extended offsets */
            frame->rip = table + (uint64_t)(int64_t)f->resume;
            frame->rax = X86_PROBE_FAULT(frame->vector, frame->error_code);
            return true;
        }
    }
    return false;
}

static bool resume_probe(struct trap_frame *frame)
{
    if (!probe.active) {
        return false;
    }
    probe.fault = fault_of(frame->vector, frame->error_code);
    probe.active = false;
    frame->rip = probe.where.resume_rip;
    frame->rsp = probe.where.resume_rsp;
    return true;
}

trap_hook *trap_set_hook(trap_hook *handles)
{
    trap_hook *const before = hook.handles;
    hook.handles = handles;
    return before;
}

NO_BREAKPOINT void trap_dispatch(struct trap_frame *frame)
{
    if (is_fault_of_an_instruction(frame->vector) &&
        (resume_safe_access(frame) || resume_probe(frame))) {
        return;
    }
    if (hook.handles != NULL && hook.handles(frame)) {
        return;
    }
    if (frame->vector == TRAP_BREAKPOINT) {
        pr_warn("trap: breakpoint at " PRIvirt ": going on", frame->rip);
        return;
    }
    dump_frame(frame);
    backtrace_print(virt_addr(frame->rip), virt_addr(frame->rbp));
    panic_after_dump("unexpected %s at " PRIvirt, trap_name(frame->vector), frame->rip);
}

static struct trap_fault describe(uint64_t fault)
{
    return fault == 0 ? (struct trap_fault){ .faulted = false }
                      : fault_of(X86_PROBE_VECTOR(fault), X86_PROBE_ERROR_CODE(fault));
}

struct trap_fault trap_probe_read(virt_addr_t virt)
{
    uint64_t value;
    return describe(x86_safe_load_1(virt.value, &value));
}

struct trap_fault trap_probe_write(virt_addr_t virt, uint8_t value)
{
    return describe(x86_safe_store_1(virt.value, value));
}

struct trap_fault trap_probe_execute(virt_addr_t virt)
{
    probe.fault = (struct trap_fault){ .faulted = false };
    probe.active = true;
    arch_compiler_fence();
    x86_probe_execute(&probe.where, virt.value);
    arch_compiler_fence();
    probe.active = false;
    return probe.fault;
}
