/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See gdt.h. Descriptor bits: SDM vol 3A, "Segment Descriptors" and "TSS Descriptor in 64-bit
 * mode" (ed. 2023-12).
 */
#include "gdt.h"

#include <stddef.h>

#include <arch/cpu.h>

#include "lib/compiler.h"
#include "segment_load.h"

#define IST_STACK_BYTES (4 * PAGE_SIZE)

/* Present, ring 0, code, readable, long mode; and present, ring 0, data, writable. */
#define CODE_DESCRIPTOR UINT64_C(0x00af9a000000ffff)
#define DATA_DESCRIPTOR UINT64_C(0x00cf92000000ffff)
#define PRESENT         (UINT64_C(1) << 47)
/* Present, ring 0, available 64-bit TSS. */
#define TSS_ACCESS UINT64_C(0x89)

struct task_state {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map_base;
} PACKED;
_Static_assert(sizeof(struct task_state) == 104, "SDM vol 3A, 64-Bit TSS Format");
_Static_assert(offsetof(struct task_state, ist) == 36, "SDM vol 3A, 64-Bit TSS Format");
_Static_assert(GDT_TASK_LIMIT == sizeof(struct task_state) - 1, "all of it");
_Static_assert(GDT_TASK_LIMIT_WITHOUT_IST == offsetof(struct task_state, ist) - 1, "up to the IST");

/* The guard frame comes first: a stack grows down into it. */
struct ist_stack {
    uint8_t guard[PAGE_SIZE];
    uint8_t stack[IST_STACK_BYTES];
};

static struct ist_stack ist_stacks[GDT_IST_COUNT] ALIGNED(4096)
    __attribute__((section(".bss.page_aligned")));
static struct task_state task_state;
static uint64_t descriptors[6] = {
    0, CODE_DESCRIPTOR, DATA_DESCRIPTOR, 0, 0, DATA_DESCRIPTOR & ~PRESENT,
};

static void set_task_descriptor(uint64_t limit)
{
    const uint64_t base = (uintptr_t)&task_state;
    descriptors[GDT_TASK / 8] = (limit & 0xffff) | ((base & 0xffffff) << 16) | (TSS_ACCESS << 40) |
                                (((base >> 24) & 0xff) << 56);
    descriptors[GDT_TASK / 8 + 1] = base >> 32;
}

void gdt_init(void)
{
    for (size_t i = 0; i < GDT_IST_COUNT; i++) {
        task_state.ist[i] = (uintptr_t)ist_stacks[i].stack + IST_STACK_BYTES;
    }
    task_state.io_map_base = sizeof(task_state); /* no I/O map */
    set_task_descriptor(GDT_TASK_LIMIT);

    const struct x86_table_register table = {
        .limit = sizeof(descriptors) - 1,
        .base = (uintptr_t)descriptors,
    };
    x86_lgdt(&table);
    x86_load_segments(GDT_KERNEL_CODE, GDT_KERNEL_DATA);
    x86_ltr(GDT_TASK);
}

virt_addr_t gdt_ist_guard(uint32_t index)
{
    return virt_addr((uintptr_t)ist_stacks[index].guard);
}

void gdt_set_task_limit(uint32_t limit)
{
    set_task_descriptor(limit); /* available again: LTR refuses a busy one */
    x86_ltr(GDT_TASK);
}
