/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The loader's one state and the steps that work on it. efi_main.c has their order; what each does
 * stands with its declaration. A step that cannot go on reports the reason with boot_refuse() (boot
 * services are there: return to the firmware) or ends in boot_stop() (they are not). Loader only.
 *
 *     boot_prepare.c   consoles, facts about the machine, options, which kernel
 *     boot_measure.c   what is used goes into the TPM
 *     boot_allocate.c  memory for everything, the kernel in its place
 *     boot_memory.c    memory map, hand-over tables
 *     boot_report.c    the report on the stick
 *     boot_menu.c      the start menu
 *     boot_leave.c     exit, final map, bootinfo, jump
 */
#ifndef LOADER_BOOT_H
#define LOADER_BOOT_H

#include <stddef.h>
#include <stdint.h>

#include <efi.h>

#include "shared/black_box.h"
#include "shared/bootinfo.h"

#include "bringup_plan.h"
#include "cpu_features.h"
#include "efi_alloc.h"
#include "efi_file.h"
#include "efi_screen.h"
#include "elf_image.h"
#include "exit_boot.h"
#include "firmware_tables.h"
#include "handover.h"
#include "kstatus.h"
#include "lib/compiler.h"
#include "mmap_build.h"
#include "options.h"
#include "stop_screen.h"

#define BOOT_STACK_BYTES UINT64_C(0x10000) /* 64 KiB, without the guard frame */

/** Buffers that mmap_build() needs, carved out of one allocation. */
struct boot_work {
    void *scratch;
    size_t scratch_bytes;
    struct mmap_build_output map; /* the arrays; first the preview, then the final map */
    uint64_t map_ticks;           /* of the TSC, that the last mmap_build() took */
    struct phys_frame_range *mapped;
    uint32_t mapped_capacity;
};

/** The TPM's event log. */
struct boot_event_log {
    phys_addr_t firmware; /* where the firmware has it */
    phys_addr_t copy;     /* ours, from boot_allocate() on */
    uint32_t size_bytes;  /* 0: none to hand over */
};

#define BOOT_BLACK_BOX_TAIL_BYTES 240U
/* Ours alone: the variable's vendor. */
#define BOOT_BLACK_BOX_GUID                                \
    {                                                      \
        0x6c1b2f6e, 0x52a7, 0x4c0d,                        \
        {                                                  \
            0x9a, 0x41, 0x3f, 0x6e, 0x0b, 0x8d, 0x27, 0x51 \
        }                                                  \
    }

/** What the boot before left in its black box. */
struct boot_black_box {
    struct black_box_mark last;           /* step 0: no record */
    char tail[BOOT_BLACK_BOX_TAIL_BYTES]; /* its last lines, printable but for ends of lines */
};

struct boot {
    EFI_HANDLE image;
    EFI_SYSTEM_TABLE *system;
    EFI_BOOT_SERVICES *services;
    uint32_t step; /* the one that runs: 1, 2, ... */
    const char *step_name;
    const char *return_code; /* set: back to the firmware; also how a dry run ends */
    uint32_t wait_seconds;   /* wait=, for a key before that; 0: no wait */

    const char *watchdog_fault; /* why it may still run; NULL: it is off */
    struct cpu_features cpu;
    struct options options;
    uint64_t mem_limit_bytes; /* mem=, UINT64_MAX = no limit */
    struct bootinfo info;     /* the header under construction */
    struct efi_screen screen;

    struct efi_file options_file; /* cmdline.txt as it was read; empty once it is measured */
    struct efi_file kernel_file;  /* kernel=\path; empty where the embedded one is used */
    const void *kernel_bytes;
    size_t kernel_size_bytes;
    struct elf_image_plan plan;

    struct boot_event_log event_log;

    struct efi_alloc alloc;
    struct boot_black_box black_box;
    phys_addr_t block; /* bootinfo */
    uint64_t block_bytes;
    phys_addr_t map_buffer; /* for the exit; a canary page behind it */
    uint64_t map_buffer_bytes;
    struct boot_work work;
    struct stop_screen stop_screen;

    struct firmware_pins pins;
    struct handover handover;
    struct bringup_plan plan_of_kernel;
    struct exit_boot_result exit;
};

/** Seconds that the loader waits for a key before it goes back to the firmware, without wait=. */
#define BOOT_WAIT_SECONDS 30U

/**
 * Says why the boot ends: one line with thing, value and what to do, one with the code.
 * @param code  one word, an anchor of docs/errors.md (tests/docs.py checks that);
 *              `firstlight: returned to firmware: CODE` follows at the end
 * @return @p status, for the step to return
 */
enum kstatus boot_refuse(struct boot *boot, enum kstatus status, const char *code,
                         const char *format, ...) PRINTF_LIKE(4, 5);

/** Ends where the firmware can take nothing back: prints @p why and @p code on the serial line and
 * on our own screen, waits 30 s or for a byte on the serial line, resets the machine. */
NORETURN void boot_stop(struct boot *boot, const char *code, const char *why);

/* ---- steps, in order (all MUST_CHECK: K_OK, or an error that is reported already) --------------
 */

/** Turns the watchdog off, finds the consoles, says hello. */
MUST_CHECK enum kstatus boot_open_consoles(struct boot *boot);

/** Joins \firstlight\cmdline.txt and LoadOptions. Never fails: what is missing is empty. */
MUST_CHECK enum kstatus boot_read_options(struct boot *boot);

/** Pre-flight (preflight.h), a line each; refuses CPUs without the essentials (`cpu`), 5-level
 * paging
 *  (`la57`), page tables of the firmware that are encrypted (`sme`), encrypted guests
 *  (`encrypted-guest`). */
MUST_CHECK enum kstatus boot_check_cpu(struct boot *boot);

/** Asks the firmware about itself, the tables it has, the screen, the TSC. Never fails. */
MUST_CHECK enum kstatus boot_describe_machine(struct boot *boot);

/** Finds the serial port that the log goes to (serial_choice.h). Never fails. */
MUST_CHECK enum kstatus boot_choose_serial(struct boot *boot);

/** Shows the start menu (start_menu.h) where a key is held, was pressed before, or `menu` is on the
 * command line, and adds what was chosen to that line. Never fails. */
MUST_CHECK enum kstatus boot_show_menu(struct boot *boot);

/** Finds the kernel, embedded or kernel=\path, and makes the load plan (`kernel-not-found`,
 *  `kernel-not-elf`, `secure-boot`). */
MUST_CHECK enum kstatus boot_find_kernel(struct boot *boot);

/** Measures configuration and kernel into PCR 9 and the command line into PCR 12, finds the event
 *  log, reads the PCRs (docs/measured-boot.md). Never fails: what goes wrong is a warning. */
MUST_CHECK enum kstatus boot_measure(struct boot *boot);

/** Allocates kernel image, stack, jump page, map buffer, work memory, bootinfo (`no-memory`,
 *  `bad-memory-map`), and, where they are wanted, the copy of the event log and what the stop
 * screen needs. */
MUST_CHECK enum kstatus boot_allocate(struct boot *boot);

/** Copies and relocates the kernel, fills the jump page. */
MUST_CHECK enum kstatus boot_load_kernel(struct boot *boot);

/** Builds the memory map as it is now; checks that our own pages stand in it as ours
 *  (`bad-memory-map`) and that its books balance (`books`). */
MUST_CHECK enum kstatus boot_preview_map(struct boot *boot);

/** Builds and audits the hand-over tables (`no-memory`, `bad-page-tables`). */
MUST_CHECK enum kstatus boot_build_tables(struct boot *boot);

/** Builds the memory map again, now with the hand-over tables in it (`bad-memory-map`), and tries
 * the kernel's bring-up out on it (bringup_plan.h; `no-memory`, `bad-page-tables`, `books`).
 * Without room for page tables and page-frame allocator these are not tried, which is a warning. */
MUST_CHECK enum kstatus boot_plan_bringup(struct boot *boot);

/** Builds the memory map again, now with all that the loader has, and writes it and what else is
 *  known of the machine to \firstlight\report-NNN.txt and .json on the volume that the loader came
 *  from; not with `noreport`. Refuses (`bad-memory-map`) where that map denies the loader's own
 *  pages; a volume that takes no file is a warning. */
MUST_CHECK enum kstatus boot_write_report(struct boot *boot);

/** With `dryrun` on the command line: summary, and back to the firmware (`dry-run-ok`). */
MUST_CHECK enum kstatus boot_end_dry_run(struct boot *boot);

/** Leaves boot services (`exit-refused` where the firmware can still take over, else stops). */
MUST_CHECK enum kstatus boot_leave_firmware(struct boot *boot);

/** Builds the final map and extends the tables to it; stops where it cannot. */
MUST_CHECK enum kstatus boot_finish_map(struct boot *boot);

/** Writes the bootinfo block and jumps. Does not return. */
MUST_CHECK enum kstatus boot_enter_kernel(struct boot *boot);

/* ---- the black box (boot_black_box.c) ----------------------------------------------------------
 */

/** Tells what the last boot left, and opens the box of this one. Never fails: without a place
 *  everything below does nothing. @context after efi_alloc_init() */
void boot_open_black_box(struct boot *boot);

/** Writes the step that runs into the box. @context any, also after the exit */
void boot_note_step(const struct boot *boot);

/** This boot came to its end in the loader: its memory is given back. */
void boot_close_black_box(void);

/** With `blackbox=efi` writes the variable. @context boot services, before the exit's first map */
void boot_write_variable(const struct boot *boot);

/* ---- between the step files ---------------------------------------------------------------------
 */

/** mmap_build() over @p map with ledger, pins and mem= into boot->work.map, and the check that the
 *  ledger's pages came out as they must. @return K_OK; mmap_build()'s errors; K_EPROTO */
MUST_CHECK enum kstatus boot_build_map(struct boot *boot, const struct efi_map *map);

/** Refuses the firmware's map (`bad-memory-map`) after @p status of boot_build_map() or
 *  efi_alloc_read_map(). @return @p status */
enum kstatus boot_refuse_map(struct boot *boot, enum kstatus status);

/** A page_audit_visitor that prints the first few. @param context  a uint32_t, 0 at the start */
void boot_print_violation(void *context, enum page_audit_kind kind, virt_addr_t virt,
                          phys_addr_t phys);

#endif
