/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Entry of BOOTX64.EFI: the boot policy as a list of named steps. No mechanism here; boot.h says
 * what each step does.
 *
 * Rules of this environment (UEFI 2.10, 2.3.4 "x64 Platforms"):
 *   - We run on the firmware's page tables and stack, interrupts on, memory identity-mapped. The
 *     tables may be read-only; nothing here writes them.
 *   - Microsoft's calling convention for everything (the compiler's target), LLP64: no `long`.
 *   - No floating point and no SSE (-mgeneral-regs-only): no firmware promises its state.
 *   - No C library. Data is zero or initialised by the image; the image may lie anywhere, so there
 *     are only PC-relative references and base relocations that the firmware applies.
 *   - Nothing is allocated but through efi_alloc (pages, in the ledger) and pool buffers that are
 *     freed before the exit.
 *   - Between the first GetMemoryMap of the exit and its success: no print, no allocation, no
 *     firmware call but those two (exit_boot.c). After it: no firmware call but ResetSystem.
 */
#include <arch/cpu.h>
#include <efi.h>

#include "boot.h"
#include "efi_console.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "panic.h"
#include "stand_in_memory.h"

#define POLLS_PER_SECOND        50U
#define MICROSECONDS_PER_SECOND 1000000U
#define KEYS_MAX                64U /* more than any firmware keeps; bounds a broken one */
#define PANIC_TEXT_BYTES        200U

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

struct boot_step {
    const char *name;
    enum kstatus (*run)(struct boot *boot);
};

static const struct boot_step steps[] = {
    { "consoles", boot_open_consoles },
    { "options", boot_read_options },
    { "cpu", boot_check_cpu },
    { "machine", boot_describe_machine },
    { "serial port", boot_choose_serial },
    { "start menu", boot_show_menu },
    { "kernel", boot_find_kernel },
    { "measure", boot_measure },
    { "memory", boot_allocate },
    { "load", boot_load_kernel },
    { "map", boot_preview_map },
    { "page tables", boot_build_tables },
    { "plan", boot_plan_bringup },
    { "report", boot_write_report },
    { "dry run", boot_end_dry_run },
    /* -- the point of no return lies in this one -- */
    { "exit", boot_leave_firmware },
    { "final map", boot_finish_map },
    { "kernel entry", boot_enter_kernel },
};

/* What the firmware's boot manager is told; anything else is EFI_LOAD_ERROR. Never what shim takes
 * for its own: at EFI_SECURITY_VIOLATION and EFI_ACCESS_DENIED it opens MokManager, at
 * EFI_NOT_FOUND and EFI_INVALID_PARAMETER it starts its default loader (shim 16.1, shim.c,
 * init_grub()). */
static const struct {
    enum kstatus status;
    EFI_STATUS efi_status;
} return_statuses[] = {
    { K_OK, EFI_SUCCESS },
    { K_ENOMEM, EFI_OUT_OF_RESOURCES },
    { K_ENOTSUP, EFI_UNSUPPORTED },
};

/* The loader's state (singleton): too large for a stack of unknown size. */
static struct boot boot;

/* What was typed before it was asked for does not count. */
static void forget_keys(void)
{
    unsigned taken = 0;
    while (taken < KEYS_MAX && efi_console_take_key()) {
        taken++;
    }
}

/* Time to read: the firmware goes on with its next boot entry, and clears the screen. Stall() and
 * not the clock, whose frequency may not be known yet. */
static void wait_for_key(void)
{
    if (boot.wait_seconds == 0) {
        return;
    }
    forget_keys();
    efi_console_print("a key returns to the firmware, else %u seconds do", boot.wait_seconds);
    for (uint32_t i = 0; i < boot.wait_seconds * POLLS_PER_SECOND; i++) {
        if (efi_console_take_key() ||
            EFI_ERROR(boot.services->Stall(MICROSECONDS_PER_SECOND / POLLS_PER_SECOND))) {
            return;
        }
    }
}

/* Everything is given back, then the line that scripts wait for. */
static EFI_STATUS return_to_firmware(enum kstatus status)
{
    efi_file_release(boot.services, &boot.options_file);
    efi_file_release(boot.services, &boot.kernel_file);
    boot_close_black_box();
    efi_alloc_free_all(&boot.alloc);
    wait_for_key();
    efi_console_print("returned to firmware: %s", boot.return_code);
    for (size_t i = 0; i < ARRAY_COUNT(return_statuses); i++) {
        if (return_statuses[i].status == status) {
            return return_statuses[i].efi_status;
        }
    }
    return EFI_LOAD_ERROR;
}

/* A broken invariant in a unit that is shared with the kernel. There is no caller to go back to, so
 * the firmware takes the image off the stack (UEFI 2.10, 7.4.5 "EFI_BOOT_SERVICES.Exit()"). */
void panic_at(const char *file, int line, const char *format, ...)
{
    char text[PANIC_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)format_text_v(text, sizeof(text), format, arguments); /* a cut line still says what */
    va_end(arguments);
    stand_in_memory_use(NULL);
    if (boot.services != NULL) {
        x86_sti(); /* may be off under a lock; the firmware needs them */
        const enum kstatus status =
            boot_refuse(&boot, K_EPROTO, "internal", "%s (%s:%d)", text, file, line);
        boot.services->Exit(boot.image, return_to_firmware(status), 0, NULL);
    }
    boot_stop(&boot, "internal", text);
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    boot.info.tsc_stamp[BOOTINFO_STAMP_LOADER_ENTRY] = x86_rdtsc();
    boot.image = image;
    boot.system = system;
    boot.services = system->BootServices;
    boot.wait_seconds = BOOT_WAIT_SECONDS;
    for (uint32_t i = 0; i < ARRAY_COUNT(steps); i++) {
        boot.step = i + 1;
        boot.step_name = steps[i].name;
        boot_note_step(&boot);
        const enum kstatus status = steps[i].run(&boot);
        if (status != K_OK && boot.return_code == NULL) {
            (void)boot_refuse(&boot, status, "internal", "step \"%s\" failed: %s", steps[i].name,
                              kstatus_name(status)); /* a step that forgot to say why */
        }
        if (boot.return_code != NULL) {
            return return_to_firmware(status);
        }
    }
    return EFI_ABORTED; /* not reached: the last step does not return */
}
