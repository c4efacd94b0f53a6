/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The last steps of the loader (boot.h): exit from boot services, final map, bootinfo, jump. From
 * the exit on there is no firmware but ResetSystem and no console but the serial port, and for
 * who stops the screen by our own hand; what fails here ends in boot_stop().
 */
#include <arch/cpu.h>
#include <arch/physmap.h>

#include "boot.h"
#include "boot_block.h"
#include "efi_console.h"
#include "handoff.h"
#include "lib/format.h"
#include "pci_masters.h"

#define STOP_SECONDS  30U
#define MASTERS_SHOWN 16U
#define TSC_HZ_GUESS  UINT64_C(3000000000) /* where nothing is known; only bounds the wait */

/* ---- stop ---------------------------------------------------------------------------------------
 */

static void write_stop_screen(void *context, const char *text, size_t size_bytes)
{
    stop_screen_write(context, text, size_bytes);
}

/* From here to the reset: no firmware, no interrupts, everything so far and to come on the serial
 * line and on the screen. */
static void open_stop_screen(struct boot *boot)
{
    x86_cli(); /* else the firmware's timer may read the serial line in our place */
    efi_console_firmware_gone();
    if (!boot->stop_screen.is_open) {
        stop_screen_open(&boot->stop_screen, &boot->info.framebuffer);
        efi_console_add_screen(write_stop_screen, &boot->stop_screen);
    }
}

void boot_stop(struct boot *boot, const char *code, const char *why)
{
    open_stop_screen(boot);
    efi_console_print("stopped: %s", why);
    efi_console_print("error %s: docs/errors.md#%s", code, code);
    efi_console_print("reset in %u seconds, or at a byte on the serial line", STOP_SECONDS);
    const uint64_t hz = boot->info.tsc_hz != 0 ? boot->info.tsc_hz : TSC_HZ_GUESS;
    const uint64_t start = x86_rdtsc();
    while (x86_rdtsc() - start < hz * STOP_SECONDS && !efi_console_take_byte()) {
        arch_cpu_relax();
    }
    boot->system->RuntimeServices->ResetSystem(EfiResetCold, EFI_LOAD_ERROR, 0, NULL);
    for (;;) {
        x86_hlt(); /* firmware that cannot even reset */
    }
}

/* ---- exit ---------------------------------------------------------------------------------------
 */

static enum exit_boot_firmware_status translate(EFI_STATUS status)
{
    if (status == EFI_SUCCESS) {
        return EXIT_BOOT_FIRMWARE_OK;
    }
    if (status == EFI_BUFFER_TOO_SMALL) {
        return EXIT_BOOT_FIRMWARE_BUFFER_TOO_SMALL;
    }
    return status == EFI_INVALID_PARAMETER ? EXIT_BOOT_FIRMWARE_INVALID_PARAMETER
                                           : EXIT_BOOT_FIRMWARE_OTHER;
}

static enum exit_boot_firmware_status get_map(void *context, void *buffer, uint64_t *size_bytes,
                                              uint64_t *map_key, uint64_t *descriptor_size,
                                              uint32_t *descriptor_version)
{
    const struct boot *const boot = context;
    UINTN size = *size_bytes;
    UINTN key = *map_key;
    UINTN stride = *descriptor_size;
    UINT32 version = *descriptor_version;
    const EFI_STATUS status = boot->services->GetMemoryMap(&size, buffer, &key, &stride, &version);
    *size_bytes = size;
    *map_key = key;
    *descriptor_size = stride;
    *descriptor_version = version;
    return translate(status);
}

static enum exit_boot_firmware_status leave(void *context, uint64_t map_key)
{
    const struct boot *const boot = context;
    return translate(boot->services->ExitBootServices(boot->image, map_key));
}

static uint64_t now(void *context)
{
    (void)context;
    return x86_rdtsc();
}

static const struct exit_boot_ops exit_ops = { .get_map = get_map, .exit = leave, .now = now };

/* Boot services may be half shut down: nothing but our own consoles and a reset. */
NORETURN static void stop_after_refusal(struct boot *boot)
{
    const struct exit_boot_result *const result = &boot->exit;
    open_stop_screen(boot);
    for (uint32_t i = 0; i < result->attempts && i < EXIT_BOOT_MAX_ATTEMPTS; i++) {
        efi_console_print("exit attempt %u: map key 0x%" FMTx64, i + 1, result->keys[i]);
    }
    const uint64_t culprit = exit_boot_misaligned_runtime(&result->map);
    if (culprit != UINT64_MAX) {
        efi_console_print("runtime descriptor %" FMTu64 " is not aligned: EDK2 refuses the exit "
                          "for that",
                          culprit);
    }
    boot_stop(boot, "exit-failed", result->why);
}

enum kstatus boot_leave_firmware(struct boot *boot)
{
    struct exit_boot_result *const result = &boot->exit;
    uint8_t *const buffer = physmap_ptr(boot->map_buffer, boot->map_buffer_bytes + PAGE_SIZE);
    boot_write_variable(boot);
    efi_console_print("leaving boot services");
    const enum kstatus status = exit_boot(&exit_ops, boot, buffer, boot->map_buffer_bytes,
                                          buffer + boot->map_buffer_bytes, result);
    if (status == K_OK) {
        x86_cli(); /* the firmware's handlers are memory like any other now */
        efi_console_firmware_gone();
        boot->services = NULL;
        boot->info.exit_attempts = result->attempts;
        boot->info.tsc_stamp[BOOTINFO_STAMP_EXIT_BOOT_SERVICES] = result->started_at;
        boot->info.tsc_stamp[BOOTINFO_STAMP_EXITED] = result->exited_at;
        return K_OK;
    }
    if (result->outcome == EXIT_BOOT_REFUSED_AFTER) {
        stop_after_refusal(boot);
    }
    return boot_refuse(boot, status, "exit-refused",
                       "the firmware's memory map cannot be used for the exit: %s (wanted %" FMTu64
                       " bytes); update the firmware",
                       result->why, result->wanted_bytes);
}

/* ---- final map ----------------------------------------------------------------------------------
 */

static void print_master(void *context, const struct pci_master *master)
{
    uint32_t *const shown = context;
    if ((*shown)++ < MASTERS_SHOWN) {
        efi_console_print("pci: %02x:%02x.%u (%04x:%04x, class %06x) %s", master->bus,
                          master->device, master->function, master->vendor, master->product,
                          master->class_code,
                          master->is_stopped ? "was stopped" : "still masters the bus");
    }
}

/* Devices that the firmware left running may write to memory that is the kernel's now. */
static void stop_masters(void)
{
    uint32_t shown = 0;
    const uint32_t count = pci_masters_stop(print_master, &shown);
    if (count > 0) {
        efi_console_print("warning: %u PCI devices still master the bus", count);
    }
}

enum kstatus boot_finish_map(struct boot *boot)
{
    stop_masters();
    if (boot_build_map(boot, &boot->exit.map) != K_OK) {
        boot_stop(boot, "last-map", "the firmware's last memory map contradicts its allocations");
    }
    const struct mmap_build_output *const output = &boot->work.map;
    if (!mmap_build_balances(output)) {
        /* Too late to refuse; the kernel's own check makes it part of the verdict. */
        efi_console_print("error: the books of the last memory map do not balance");
    }
    const struct memory_map map = { .entries = output->entries,
                                    .reasons = output->reasons,
                                    .count = output->entry_count,
                                    .ram = output->ram,
                                    .ram_count = output->ram_count };
    uint64_t extended_bytes;
    if (handover_extend(&boot->handover, &map, &extended_bytes) != K_OK) {
        boot_stop(boot, "late-memory",
                  "memory that appeared at the exit does not fit the page tables");
    }
    if (extended_bytes > 0) {
        efi_console_print("page tables: extended by %" FMTu64 " KiB that the firmware gave back",
                          extended_bytes / 1024);
    }
    efi_console_print("left boot services: %u attempts, %" FMTu64 " descriptors, %u entries in "
                      "%" FMTu64 " ticks",
                      boot->exit.attempts, efi_map_count(&boot->exit.map), output->entry_count,
                      boot->work.map_ticks);
    return K_OK;
}

/* ---- kernel -------------------------------------------------------------------------------------
 */

static void write_block(struct boot *boot)
{
    size_t log_bytes;
    const char *const log = efi_console_log(&log_bytes);
    const struct boot_event_log *const events = &boot->event_log;
    const struct boot_block_parts parts = {
        .map = &boot->work.map,
        .efi = &boot->exit.map,
        .ledger = boot->alloc.ledger,
        .ledger_count = boot->alloc.count,
        .pins = boot->pins.pins,
        .pin_count = boot->pins.count,
        .command_line = boot->options.text,
        .command_line_bytes = (uint32_t)(boot->options.length + 1), /* <= OPTIONS_MAX_BYTES */
        .log = log,
        .log_bytes = (uint32_t)log_bytes, /* <= EFI_CONSOLE_LOG_BYTES */
        .tpm_log = events->size_bytes > 0 ? physmap_ptr(events->copy, events->size_bytes) : NULL,
        .tpm_log_bytes = events->size_bytes,
    };
    boot->info.tsc_stamp[BOOTINFO_STAMP_HANDOFF] = x86_rdtsc();
    if (boot_block_write(&boot->info, &parts, physmap_ptr(boot->block, boot->block_bytes),
                         boot->block_bytes) != K_OK) {
        boot_stop(boot, "bootinfo-room", "the bootinfo block is larger than was foreseen");
    }
}

enum kstatus boot_enter_kernel(struct boot *boot)
{
    write_block(boot);
    const struct bootinfo *const info = &boot->info;
    const struct handoff_parameters parameters = {
        .jump_page = info->jump_page,
        .page_table_root = info->page_table_root,
        .stack_top = PHYS_OFFSET + info->stack_base + info->stack_size,
        .entry = info->kernel_virt + boot->plan.entry,
        .bootinfo = PHYS_OFFSET + boot->block.value,
        .set_nxe = boot->cpu.nx ? 1 : 0,
    };
    handoff_enter(&parameters);
}
