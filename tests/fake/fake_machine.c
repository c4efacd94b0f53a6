/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_machine.h. A failed malloc ends the process.
 */
#include "tests/fake/fake_machine.h"

#include <stdlib.h>
#include <string.h>

#include <arch/physmap.h>

#include "boot_block.h"
#include "bootinfo.h"
#include "mm/kernel_mapper.h"
#include "mm/locked_frame_allocator_internal.h"
#include "mm/mmio_pool.h"
#include "tests/fake/fake_console.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"

#define JUNK       0xa5 /* as an entry of a page table: present */
#define JUNK_LIMIT (64 * SIZE_1M)
#define CR3_BEFORE UINT64_C(0x7000) /* the loader's tables; nobody walks them here */

static void forget_kernel(void)
{
    mm_init_reset();
    kernel_mapper_reset();
    mmio_reset();
    atomic_store(&locked_frame_allocator_state.inner, NULL);
}

void fake_machine_start(struct fake_machine *machine)
{
    fake_efi_map_free(&machine->efi);
    fake_mmap_run_free(&machine->run);
    free(machine->block);
    *machine = (struct fake_machine){
        .boot = { .cpu_has_nx = true, .cpu_has_pages_1g = true, .phys_bits = 46 },
        .junk_limit_bytes = JUNK_LIMIT,
        .why = "",
    };
    fake_efi_map_init(&machine->efi, 48);
    forget_kernel();
    fake_cpu_reset();
    fake_cpu.cr3 = CR3_BEFORE;
    fake_ram_reset();
    fake_log_reset();
    fake_console = (struct fake_console){ 0 };
}

void fake_machine_add(struct fake_machine *machine, uint32_t type, uint64_t base,
                      uint64_t size_bytes)
{
    fake_efi_map_add(&machine->efi, type, base, size_bytes / PAGE_SIZE, EFI_MAP_ATTRIBUTE_WB);
}

static void add_ledger(struct fake_machine *machine, uint64_t base, uint64_t pages, uint32_t type,
                       uint32_t purpose)
{
    if (machine->ledger_count == FAKE_MACHINE_LEDGER_MAX) {
        abort();
    }
    machine->ledger[machine->ledger_count++] = (struct bootinfo_ledger_entry){
        .base = base,
        .pages = pages,
        .type = type,
        .lifetime = type == MMAP_KERNEL ? BOOTINFO_LIFETIME_KERNEL : BOOTINFO_LIFETIME_BOOT,
        .purpose = purpose,
    };
}

void fake_machine_add_kernel(struct fake_machine *machine, uint64_t base)
{
    const uint64_t guard = base + FAKE_KERNEL_PAGES * PAGE_SIZE;
    add_ledger(machine, base, FAKE_KERNEL_PAGES, MMAP_KERNEL, BOOTINFO_PURPOSE_KERNEL_IMAGE);
    add_ledger(machine, guard, 1 + FAKE_STACK_PAGES, MMAP_KERNEL, BOOTINFO_PURPOSE_BOOT_STACK);
    machine->header.kernel_phys = base;
    machine->header.kernel_virt = PHYS_OFFSET + base;
    machine->header.kernel_size = FAKE_KERNEL_PAGES * PAGE_SIZE;
    machine->header.stack_guard = guard;
    machine->header.stack_base = guard + PAGE_SIZE;
    machine->header.stack_size = FAKE_STACK_PAGES * PAGE_SIZE;
    const uint64_t virt = PHYS_OFFSET + base;
    machine->boot.layout.image = (struct kernel_image){
        .code_start = { virt },
        .code_end = { virt + FAKE_KERNEL_RODATA_PAGE * PAGE_SIZE },
        .rodata_end = { virt + FAKE_KERNEL_DATA_PAGE * PAGE_SIZE },
        .data_end = { virt + FAKE_KERNEL_BSS_PAGE * PAGE_SIZE },
        .start_brk = { virt + FAKE_KERNEL_PAGES * PAGE_SIZE },
    };
    machine->boot.layout.guards[0] = phys_addr(guard);
    machine->boot.layout.guards[1] = phys_addr(base + FAKE_KERNEL_IST_GUARD * PAGE_SIZE);
    machine->boot.layout.guard_count = 2;
}

void fake_machine_add_loader(struct fake_machine *machine, uint64_t base, uint64_t pages)
{
    add_ledger(machine, base, pages, MMAP_LOADER, BOOTINFO_PURPOSE_BOOTINFO);
    machine->block_at = base;
}

void fake_machine_add_small_pc(struct fake_machine *machine)
{
    fake_machine_add(machine, EFI_MAP_CONVENTIONAL, 0, 0xa0000);
    fake_machine_add(machine, EFI_MAP_CONVENTIONAL, SIZE_1M, 14 * SIZE_1M);
    fake_machine_add(machine, EFI_MAP_ACPI_RECLAIM, FAKE_PC_ACPI, FAKE_PC_NVS - FAKE_PC_ACPI);
    fake_machine_add(machine, EFI_MAP_ACPI_NVS, FAKE_PC_NVS, FAKE_PC_RUNTIME - FAKE_PC_NVS);
    fake_machine_add(machine, EFI_MAP_RUNTIME_DATA, FAKE_PC_RUNTIME, 0x40000);
    fake_machine_add(machine, EFI_MAP_BOOT_SERVICES_DATA, 16 * SIZE_1M, FAKE_PC_END - 16 * SIZE_1M);
    fake_machine_add_kernel(machine, FAKE_PC_KERNEL);
    fake_machine_add_loader(machine, FAKE_PC_LOADER, 64);
}

/* ---- the loader's work ----------------------------------------------------------------------- */

static bool write_block(struct fake_machine *machine, uint64_t *capacity_bytes)
{
    const struct boot_block_parts parts = {
        .map = &machine->run.output,
        .efi = &machine->efi.map,
        .ledger = machine->ledger,
        .ledger_count = machine->ledger_count,
        .command_line = "",
        .command_line_bytes = 1,
        .log = "",
        .log_bytes = 1,
    };
    struct mmap_build_sizes sizes;
    if (mmap_build_sizes(efi_map_count(&machine->efi.map), machine->ledger_count, &sizes) != K_OK ||
        boot_block_capacity(&sizes, machine->efi.map.size_bytes, machine->ledger_count, 2,
                            capacity_bytes) != K_OK) {
        return false;
    }
    machine->block = malloc(*capacity_bytes);
    if (machine->block == NULL) {
        abort();
    }
    return boot_block_write(&machine->header, &parts, machine->block, *capacity_bytes) == K_OK;
}

/* RAM is what the direct map holds: a touch of anything else ends the test. */
static void make_ram(struct fake_machine *machine)
{
    const struct memory_map map = bootinfo_memory_map(machine->block);
    uint64_t junk_left = machine->junk_limit_bytes;
    for (uint32_t i = 0; i < map.count; i++) {
        const struct multiboot2_mmap_entry *const entry = &map.entries[i];
        if (!memory_map_type_is_mapped(entry->type)) {
            continue;
        }
        const uint64_t start = bits_align_down(entry->address, PAGE_SIZE);
        const uint64_t end = bits_align_up(entry->address + entry->length, PAGE_SIZE);
        fake_ram_add(start, end - start);
        const uint64_t junk = bits_min(junk_left, end - start);
        fake_ram_fill(start, junk, JUNK);
        junk_left -= junk;
    }
}

/* Where the loader had memory for it, the block lies there and nowhere else. */
static bool place_block(struct fake_machine *machine)
{
    machine->boot.bootinfo = machine->block;
    if (machine->block_at == 0) {
        return true;
    }
    const uint64_t size = machine->boot.bootinfo->total_size;
    if (!fake_ram_contains(machine->block_at, size)) {
        return false;
    }
    machine->boot.bootinfo = physmap_ptr(phys_addr(machine->block_at), size);
    memcpy(machine->boot.bootinfo, machine->block, size);
    memset(machine->block, JUNK, size);
    return true;
}

bool fake_machine_load(struct fake_machine *machine)
{
    struct mmap_build_input input = fake_efi_input(&machine->efi);
    input.ledger = machine->ledger;
    input.ledger_count = machine->ledger_count;
    input.phys_bits = machine->boot.phys_bits;
    machine->header.phys_bits = machine->boot.phys_bits;
    fake_mmap_run(&input, &machine->run);
    uint64_t capacity;
    if (machine->run.status != K_OK || !write_block(machine, &capacity) ||
        bootinfo_check(machine->block, capacity, &machine->why) != K_OK) {
        return false;
    }
    make_ram(machine);
    return place_block(machine);
}

/* ---- the kernel's ---------------------------------------------------------------------------- */

static void call_mm_init(void *context)
{
    struct fake_machine *const machine = context;
    machine->status = mm_init(&machine->boot, &machine->why);
}

enum kstatus fake_machine_boot(struct fake_machine *machine)
{
    machine->status = K_EPROTO;
    if (fake_machine_load(machine)) {
        machine->panic = fake_panic_catch(call_mm_init, machine);
    }
    return machine->status;
}

enum kstatus fake_machine_boot_small_pc(struct fake_machine *machine)
{
    fake_machine_start(machine);
    fake_machine_add_small_pc(machine);
    return fake_machine_boot(machine);
}
