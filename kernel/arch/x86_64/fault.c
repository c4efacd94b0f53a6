/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fault.h. Owner of one page of data that is executed and one constant that is written.
 * `prepare` changes what the kernel relies on elsewhere, so it is undone at once where execution
 * goes on.
 */
#include "fault.h"

#include <stdint.h>

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/physmap.h>

#include "control.h"
#include "fault_raise.h"
#include "gdt.h"
#include "lib/compiler.h"
#include "mm/kernel_mapper.h"
#include "mm/locked_frame_allocator.h"
#include "mm/page_entry.h"
#include "panic.h"
#include "trap.h"

#define RET_INSTRUCTION 0xc3

/* Lower half: empty. The second top-level entry is ours to break. */
#define BROKEN_ENTRY   1U
#define BROKEN_ADDRESS UINT64_C(0x0000008000001000)
#define NO_MEMORY      UINT64_C(0x0000000fedcba000) /* a frame without RAM, not in the direct map */
#define USER_ADDRESS   UINT64_C(0x0000012340000000)

static volatile uint8_t data_with_code[16] = { RET_INSTRUCTION };
static const uint8_t constant = 42;

/* Known to nobody but the linker: an analyser would see the mistake. */
static volatile uint64_t nowhere; /* 0 */
static volatile uint64_t read_only = (uintptr_t)&constant;

/* ---- page faults -------------------------------------------------------------------------------
 */

/* The compiler must not know the address: it would see the mistake. */
static void read_from(uint64_t address)
{
    const volatile uint64_t hidden = address;
    (void)*(const volatile uint8_t *)(uintptr_t)hidden;
}

static void write_to(uint64_t address)
{
    const volatile uint64_t hidden = address;
    *(volatile uint8_t *)(uintptr_t)hidden = 1;
}

static void call(uint64_t address)
{
    const volatile uint64_t hidden = address;
    ((void (*)(void))(uintptr_t)hidden)();
    data_with_code[1]++; /* else the call is a jump, and nobody is on the stack */
}

static NOINLINE void raise_pf_read(void)
{
    read_from(0x10);
}

static NOINLINE void raise_pf_write(void)
{
    write_to(0x18);
}

static NOINLINE void raise_pf_read_only(void)
{
    write_to(read_only);
}

static NOINLINE void raise_pf_exec(void)
{
    call(nowhere);
}

static NOINLINE void raise_pf_nx(void)
{
    call((uintptr_t)data_with_code);
}

static NOINLINE void raise_broken_table(void)
{
    read_from(BROKEN_ADDRESS);
}

static NOINLINE void raise_pf_user(void)
{
    read_from(USER_ADDRESS);
}

/* A fault while a dump is being printed. */
static NOINLINE void raise_nested(void)
{
    (void)panic_begin();
    read_from(0x20);
}

/* And one while that one is being told. */
static NOINLINE void raise_nested_twice(void)
{
    (void)panic_begin();
    raise_nested();
}

static void set_broken_entry(uint64_t value)
{
    volatile uint64_t *const entries = physmap_ptr(arch_table_root(), PAGE_SIZE);
    entries[BROKEN_ENTRY] = value;
    arch_invalidate_all();
}

/* Bit 7 must be 0 in a top-level entry (SDM vol 3A, "Reserved Bits"). */
static void prepare_reserved_bit(void)
{
    set_broken_entry(X86_PTE_PRESENT | X86_PTE_WRITE | X86_PTE_HUGE);
}

static void prepare_broken_table(void)
{
    set_broken_entry(X86_PTE_PRESENT | X86_PTE_WRITE | NO_MEMORY);
}

static void restore_table(void)
{
    set_broken_entry(0);
}

static void prepare_user_page(void)
{
    struct kernel_mapper_guard guard;
    struct page_flush flush;
    page_flags_t flags = page_flags_new();
    flags.user = true;
    kernel_mapper_lock(&guard);
    BUG_ON(page_mapper_map(kernel_mapper_as_mut(&guard), virt_addr(USER_ADDRESS), flags, &flush) !=
           K_OK);
    page_flush_flush(&flush);
    kernel_mapper_unlock(&guard);
}

static void restore_user_page(void)
{
    struct kernel_mapper_guard guard;
    struct page_flush flush;
    struct page_translation found;
    kernel_mapper_lock(&guard);
    struct page_mapper *const mapper = kernel_mapper_as_mut(&guard);
    BUG_ON(page_mapper_translate(mapper, virt_addr(USER_ADDRESS), &found) != K_OK);
    BUG_ON(page_mapper_unmap_phys(mapper, virt_addr(USER_ADDRESS), true, &flush) != K_OK);
    page_flush_flush(&flush);
    kernel_mapper_unlock(&guard);
    deallocate_page_frames(found.phys, page_frame_count(1));
}

/* ---- others ------------------------------------------------------------------------------------
 */

/* The interrupt stack for an NMI then lies behind the end of the task state. */
static void prepare_short_task(void)
{
    gdt_set_task_limit(GDT_TASK_LIMIT_WITHOUT_IST);
}

static void restore_task(void)
{
    gdt_set_task_limit(GDT_TASK_LIMIT);
}

static void prepare_x87(void)
{
    x86_write_cr0(x86_read_cr0() & ~CR0_EM);
}

static void restore_x87(void)
{
    fault_reset_x87();
    x86_write_cr0(x86_read_cr0() | CR0_EM);
}

static const struct fault_kind kinds[] = {
    { "de", NULL, fault_raise_de, NULL },
    { "db", NULL, fault_raise_db, NULL },
    { "nmi", NULL, fault_raise_nmi, NULL },
    { "bp", NULL, fault_raise_bp, NULL },
    { "of", NULL, fault_raise_of, NULL },
    { "br", NULL, fault_raise_br, NULL },
    { "ud", NULL, fault_raise_ud, NULL },
    { "nm", NULL, fault_raise_nm, NULL },
    { "ts", prepare_short_task, fault_raise_nmi, restore_task },
    { "np", NULL, fault_raise_np, NULL },
    { "ss", NULL, fault_raise_ss, NULL },
    { "gp", NULL, fault_raise_gp, NULL },
    { "gp-selector", NULL, fault_raise_gp_selector, NULL },
    { "pf-read", NULL, raise_pf_read, NULL },
    { "pf-write", NULL, raise_pf_write, NULL },
    { "pf-read-only", NULL, raise_pf_read_only, NULL },
    { "pf-exec", NULL, raise_pf_exec, NULL },
    { "pf-nx", NULL, raise_pf_nx, NULL },
    { "pf-user", prepare_user_page, raise_pf_user, restore_user_page },
    { "pf-reserved", prepare_reserved_bit, raise_broken_table, restore_table },
    { "mf", prepare_x87, fault_raise_mf, restore_x87 },
    { "mc", NULL, fault_raise_mc, NULL },
    { "xm", NULL, fault_raise_xm, NULL },
    { "ve", NULL, fault_raise_ve, NULL },
    { "reserved", NULL, fault_raise_reserved, NULL },
    { "hv", NULL, fault_raise_hv, NULL },
    { "stack-overflow", NULL, fault_raise_stack_overflow, NULL },
    { "broken-stack", NULL, fault_raise_broken_stack, NULL },
    { "broken-table", prepare_broken_table, raise_broken_table, restore_table },
    { "nested", NULL, raise_nested, NULL },
    { "nested-twice", NULL, raise_nested_twice, NULL },
};

const struct fault_kind *fault_kinds(size_t *count)
{
    *count = ARRAY_COUNT(kinds);
    return kinds;
}

void fault_provoke(const struct fault_kind *kind, bool returns)
{
    if (kind->prepare != NULL) {
        kind->prepare();
    }
    if (returns) {
        trap_call_and_dump(kind->raise);
    } else {
        kind->raise();
    }
    if (kind->restore != NULL) {
        kind->restore();
    }
}
