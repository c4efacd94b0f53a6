/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See trap.h. Owner of the IDT and of the one probe in flight. Every exception that is not an
 * expected one ends in a dump and panic(); nothing here allocates or takes a lock.
 */
#include "trap.h"

#include <stddef.h>

#include <arch/cpu.h>

#include "crash_dump.h"
#include "crash_text.h"
#include "gdt.h"
#include "lib/compiler.h"
#include "panic.h"
#include "printk.h"
#include "probe.h"
#include "symbols.h"

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

#define RFLAGS_TRAP    UINT64_C(0x100)
#define GATE_INTERRUPT 0x8e /* present, ring 0, 64-bit interrupt gate */

extern const int32_t trap_entry_offsets[TRAP_VECTOR_COUNT] __attribute__((visibility("hidden")));

static struct idt_gate idt[TRAP_VECTOR_COUNT];

/* The call that is expected to fault: the handler resumes at `where` and fills `fault`. */
static struct {
    bool active;
    bool dumps; /* whatever comes, and as a crash */
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
    if (!probe.active || !(probe.dumps || is_fault_of_an_instruction(frame->vector))) {
        return false;
    }
    probe.active = false;
    probe.fault = fault_of(frame->vector, frame->error_code);
    if (probe.dumps) {
        crash_dump(frame);
    }
    frame->rip = probe.where.resume_rip;
    frame->rsp = probe.where.resume_rsp;
    frame->rflags &= ~RFLAGS_TRAP; /* a single step ends here */
    return true;
}

/* RIP is behind the INT3: its byte tells the function. */
static void go_on_behind_breakpoint(const struct trap_frame *frame)
{
    char text[160]; /* cut text is still a text */
    (void)symbols_describe(virt_addr(frame->rip - 1), text, sizeof(text));
    pr_warn("trap: breakpoint at " PRIvirt " %s: going on", frame->rip - 1, text);
}

trap_hook *trap_set_hook(trap_hook *handles)
{
    trap_hook *const before = hook.handles;
    hook.handles = handles;
    return before;
}

NO_BREAKPOINT void trap_dispatch(struct trap_frame *frame)
{
    if (is_fault_of_an_instruction(frame->vector) && resume_safe_access(frame)) {
        return;
    }
    if (resume_probe(frame)) {
        return;
    }
    if (hook.handles != NULL && hook.handles(frame)) {
        return;
    }
    if (frame->vector == TRAP_BREAKPOINT) {
        go_on_behind_breakpoint(frame);
        return;
    }
    if (panic_begin()) {
        crash_dump(frame);
    }
    panic_after_dump("unexpected %s at " PRIvirt, crash_name(frame->vector), frame->rip);
}

static struct trap_fault describe(uint64_t fault)
{
    if (fault == 0) {
        return (struct trap_fault){ .faulted = false };
    }
    return fault_of(X86_PROBE_VECTOR(fault), X86_PROBE_ERROR_CODE(fault));
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

static struct trap_fault probe_call(virt_addr_t virt, bool dumps)
{
    probe.fault = (struct trap_fault){ .faulted = false };
    probe.dumps = dumps;
    probe.active = true;
    arch_compiler_fence();
    x86_probe_execute(&probe.where, virt.value);
    arch_compiler_fence();
    probe.active = false;
    return probe.fault;
}

struct trap_fault trap_probe_execute(virt_addr_t virt)
{
    return probe_call(virt, false);
}

void trap_call_and_dump(void (*raise)(void))
{
    (void)probe_call(virt_addr((uintptr_t)raise), true); /* the dump has told it */
}
