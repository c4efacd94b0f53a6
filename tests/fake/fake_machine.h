/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A machine for tests of the bring-up: a firmware map and what a loader left in it, run through the
 * loader's own map pipeline into a bootinfo, in front of fake RAM that is exactly what the direct
 * map may hold, and full of junk. mm_init() can be called once for each fake_machine_start().
 *
 *     static struct fake_machine machine;
 *     fake_machine_start(&machine);            everything the last test left is gone
 *     fake_machine_add(&machine, ...);         or fake_machine_add_small_pc()
 *     fake_machine_add_kernel(&machine, ...);
 *     fake_machine_boot(&machine)              status, machine.why, machine.panic
 *
 * The struct is zero before the first use and keeps its memory until the next start. One at a time:
 * the kernel's state, the fake CPU and the fake RAM are the process's.
 */
#ifndef FAKE_MACHINE_H
#define FAKE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "kstatus.h"
#include "mm/mm_init.h"
#include "tests/fake/fake_efi_map.h"

#define FAKE_MACHINE_LEDGER_MAX 16U

/* The image that fake_machine_add_kernel() lays down, in pages from its base. */
#define FAKE_KERNEL_RODATA_PAGE 8U  /* code before it */
#define FAKE_KERNEL_DATA_PAGE   12U /* rodata before it */
#define FAKE_KERNEL_BSS_PAGE    20U
#define FAKE_KERNEL_IST_GUARD   30U /* an unmapped page in bss */
#define FAKE_KERNEL_PAGES       64U
#define FAKE_STACK_PAGES        16U /* behind the image and one guard page */
#define FAKE_KERNEL_ALL_PAGES   (FAKE_KERNEL_PAGES + 1U + FAKE_STACK_PAGES)

/* What fake_machine_add_small_pc() lays down:
 *
 *     0    640K  1M     4M       4M+81p   6M     6M+256K  15M  +64K +96K  +352K   16M      24M
 *     |low |hole |RAM   |kernel  | RAM    |loader| RAM    |acpi|nvs |runtime|hole |RAM     |
 */
#define FAKE_PC_KERNEL     (4 * SIZE_1M)
#define FAKE_PC_LOADER     (6 * SIZE_1M)
#define FAKE_PC_ACPI       (15 * SIZE_1M)
#define FAKE_PC_ACPI_PAGES 16U
#define FAKE_PC_NVS        (FAKE_PC_ACPI + FAKE_PC_ACPI_PAGES * PAGE_SIZE)
#define FAKE_PC_NVS_PAGES  8U
#define FAKE_PC_RUNTIME    (FAKE_PC_NVS + FAKE_PC_NVS_PAGES * PAGE_SIZE)
#define FAKE_PC_END        (24 * SIZE_1M)

struct fake_machine {
    struct fake_efi_map efi;
    struct bootinfo_ledger_entry ledger[FAKE_MACHINE_LEDGER_MAX];
    uint32_t ledger_count;
    struct bootinfo header;
    uint64_t block_at;   /* physical address of the bootinfo; 0: not in the machine's memory */
    struct mm_boot boot; /* the CPU's features may be set before the boot; NX, 1 GiB, 46 bits */
    uint64_t junk_limit_bytes; /* RAM is filled with junk up to this much of it */

    struct fake_mmap_run run; /* the loader's map as it was handed over */
    void *block;
    enum kstatus status; /* of mm_init() */
    const char *why;     /* what was short */
    const char *panic;   /* message of a panic, or NULL */
};

/** An empty machine; the kernel's state and all fakes are as at power-on. */
void fake_machine_start(struct fake_machine *machine);

/** Adds a descriptor of EFI type @p type; write-back. */
void fake_machine_add(struct fake_machine *machine, uint32_t type, uint64_t base,
                      uint64_t size_bytes);

/** Ledger: image, guard and boot stack at @p base, which must be RAM. */
void fake_machine_add_kernel(struct fake_machine *machine, uint64_t base);

/** Ledger: loader memory at @p base that holds the bootinfo. */
void fake_machine_add_loader(struct fake_machine *machine, uint64_t base, uint64_t pages);

/** All of the picture above. */
void fake_machine_add_small_pc(struct fake_machine *machine);

/** Map pipeline, bootinfo and its check, RAM. @return whether a kernel would have been entered */
bool fake_machine_load(struct fake_machine *machine);

/** fake_machine_load(), then mm_init(). @return its status; K_EPROTO where the loader refuses or
 *  the kernel panics */
enum kstatus fake_machine_boot(struct fake_machine *machine);

/** Start, small PC, boot. */
enum kstatus fake_machine_boot_small_pc(struct fake_machine *machine);

#endif
