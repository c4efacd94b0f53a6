/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Steps of the loader up to a kernel to load (boot.h): consoles, options, CPU, machine, kernel. All
 * with boot services; every failure returns to the firmware.
 */
#include <stdarg.h>
#include <stdbool.h>

#include <arch/cpu.h>
#include <arch/physmap.h>

#include "boot.h"
#include "boot_block.h"
#include "command_line.h"
#include "efi_console.h"
#include "efi_tables.h"
#include "efi_time.h"
#include "lib/format.h"
#include "lib/string.h"

#define CR4_LA57              (UINT64_C(1) << 12)
#define COMMAND_LINE_FILE_MAX (size_t)65536
#define KERNEL_FILE_MAX       (size_t)(64U << 20)
#define REPORT_LINE_BYTES     384U
#define WAIT_SECONDS_MAX      UINT64_C(3600)

/* Linked in by kernel_blob.S. */
extern const uint8_t kernel_blob_start[];
extern const uint8_t kernel_blob_end[];

enum kstatus boot_refuse(struct boot *boot, enum kstatus status, const char *code,
                         const char *format, ...)
{
    char text[REPORT_LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)format_text_v(text, sizeof(text), format, arguments); /* a cut line still says what */
    va_end(arguments);
    efi_console_print("refused: %s", text);
    efi_console_print("error %s: docs/errors.md#%s", code, code);
    boot->return_code = code;
    return status;
}

/* ---- consoles, CPU -----------------------------------------------------------------------------
 */

enum kstatus boot_open_consoles(struct boot *boot)
{
    /* Five minutes after the start the firmware would reset the machine (UEFI 2.10, 7.5.1). */
    (void)boot->services->SetWatchdogTimer(0, 0, 0, NULL); /* where it fails there is none */
    efi_console_init(boot->system);
    efi_console_print("Firstlight %s, UEFI loader", FIRSTLIGHT_VERSION);
    return K_OK;
}

enum kstatus boot_check_cpu(struct boot *boot)
{
    struct cpu_features *const cpu = &boot->cpu;
    cpu_features_read(cpu);
    boot->info.phys_bits = cpu->phys_bits;
    if ((x86_read_cr4() & CR4_LA57) != 0) {
        return boot_refuse(
            boot, K_ENOTSUP, "la57",
            "the firmware runs on 5-level page tables (CR4.LA57 = 1); switch 5-level "
            "paging off in its set-up");
    }
    if (!cpu->long_mode || !cpu->pae || !cpu->msr) {
        return boot_refuse(boot, K_ENOTSUP, "cpu",
                           "CPU %s lacks long mode (%d), PAE (%d) or MSRs (%d); use a 64-bit CPU",
                           cpu->vendor, cpu->long_mode, cpu->pae, cpu->msr);
    }
    efi_console_print("cpu: %s, %u address bits, NX %s, 1 GiB pages %s", cpu->vendor,
                      cpu->phys_bits, cpu->nx ? "yes" : "no", cpu->pages_1g ? "yes" : "no");
    if (!cpu->nx) {
        efi_console_print("warning: this CPU has no NX: all memory stays executable");
    }
    return K_OK;
}

/* ---- machine ------------------------------------------------------------------------------------
 */

static void print_machine(const struct bootinfo *info)
{
    efi_console_print("firmware: %s, revision 0x%x, UEFI %u.%u, Secure Boot %s",
                      (const char *)info->firmware_vendor, info->firmware_revision,
                      info->efi_revision >> 16, (info->efi_revision & 0xffffU) / 10,
                      (info->flags & BOOTINFO_FLAG_SECURE_BOOT) != 0 ? "on" : "off");
    efi_console_print("acpi: root pointer " PRIphys ", smbios " PRIphys ", smbios3 " PRIphys,
                      info->rsdp, info->smbios, info->smbios3);
    if (info->framebuffer.format == BOOTINFO_PIXEL_NONE) {
        efi_console_print("screen: none");
    } else {
        efi_console_print("screen: %ux%u, %u pixels a line, at " PRIphys, info->framebuffer.width,
                          info->framebuffer.height, info->framebuffer.pitch,
                          info->framebuffer.base);
    }
    efi_console_print("tsc: %" FMTu64 " Hz", info->tsc_hz);
}

enum kstatus boot_describe_machine(struct boot *boot)
{
    struct bootinfo *const info = &boot->info;
    efi_tables_describe_firmware(boot->system, info);
    if (efi_tables_find(boot->system, info) != K_OK) {
        efi_console_print("warning: the ACPI root pointer is broken and not used");
    }
    efi_tables_find_screen(boot->system, &info->framebuffer);
    enum bootinfo_tsc_source source;
    info->tsc_hz = efi_time_tsc_hz(boot->services, &source);
    info->tsc_source = (uint32_t)source;
    print_machine(info);
    return K_OK;
}

/* ---- options ------------------------------------------------------------------------------------
 */

static void read_options_file(struct boot *boot, EFI_HANDLE volume)
{
    static const char path[] = "\\firstlight\\cmdline.txt";
    struct efi_file file = { .bytes = NULL };
    const enum kstatus status =
        efi_file_read(boot->services, volume, path, sizeof(path) - 1, COMMAND_LINE_FILE_MAX, &file);
    if (status == K_OK) {
        options_append_text(&boot->options, file.bytes, file.size_bytes);
        efi_file_release(boot->services, &file);
    } else if (status != K_ENOENT) {
        efi_console_print("warning: %s cannot be read (%s) and is ignored", path,
                          kstatus_name(status));
    }
}

static void read_mem_limit(struct boot *boot)
{
    struct command_line_word word;
    boot->mem_limit_bytes = UINT64_MAX;
    if (command_line_find(boot->options.text, "mem", &word) &&
        command_line_parse_size(word.value, word.value_length, &boot->mem_limit_bytes) != K_OK) {
        efi_console_print("warning: mem=%.*s is no size and is ignored", (int)word.value_length,
                          word.value);
    }
}

static void read_wait(struct boot *boot)
{
    struct command_line_word word;
    uint64_t seconds = BOOT_WAIT_SECONDS;
    if (command_line_find(boot->options.text, "wait", &word) &&
        command_line_parse_u64(word.value, word.value_length, &seconds) != K_OK) {
        efi_console_print("warning: wait=%.*s is no number of seconds and is ignored",
                          (int)word.value_length, word.value);
    }
    boot->wait_seconds = (uint32_t)bits_min(seconds, WAIT_SECONDS_MAX);
}

enum kstatus boot_read_options(struct boot *boot)
{
    options_init(&boot->options);
    const EFI_LOADED_IMAGE_PROTOCOL *const self =
        efi_tables_loaded_image(boot->services, boot->image);
    if (self != NULL) {
        read_options_file(boot, self->DeviceHandle);
        options_append_load_options(&boot->options, self->LoadOptions, self->LoadOptionsSize);
    }
    efi_console_print("command line: %s", boot->options.text);
    if (boot->options.truncated) {
        efi_console_print("warning: the command line is longer than %u bytes and was cut",
                          OPTIONS_MAX_BYTES);
    }
    read_mem_limit(boot);
    read_wait(boot);
    return K_OK;
}

/* ---- kernel -------------------------------------------------------------------------------------
 */

static enum kstatus read_kernel_file(struct boot *boot, const char *path, size_t length)
{
    if ((boot->info.flags & BOOTINFO_FLAG_SECURE_BOOT) != 0) {
        return boot_refuse(boot, K_EPERM, "secure-boot",
                           "kernel=%.*s is not signed with this image; leave kernel= out or switch "
                           "Secure Boot off",
                           (int)length, path);
    }
    const EFI_LOADED_IMAGE_PROTOCOL *const self =
        efi_tables_loaded_image(boot->services, boot->image);
    const enum kstatus status = self == NULL
                                    ? K_ENOENT
                                    : efi_file_read(boot->services, self->DeviceHandle, path,
                                                    length, KERNEL_FILE_MAX, &boot->kernel_file);
    if (status != K_OK) {
        return boot_refuse(boot, status, "kernel-not-found",
                           "kernel=%.*s cannot be read: %s; the path starts at the root of the "
                           "volume that the loader came from",
                           (int)length, path, kstatus_name(status));
    }
    boot->kernel_bytes = boot->kernel_file.bytes;
    boot->kernel_size_bytes = boot->kernel_file.size_bytes;
    return K_OK;
}

enum kstatus boot_find_kernel(struct boot *boot)
{
    struct command_line_word word;
    boot->kernel_bytes = kernel_blob_start;
    boot->kernel_size_bytes = (size_t)(kernel_blob_end - kernel_blob_start);
    if (command_line_find(boot->options.text, "kernel", &word) && word.value_length > 0) {
        const enum kstatus status = read_kernel_file(boot, word.value, word.value_length);
        if (status != K_OK) {
            return status;
        }
    }
    const char *why;
    const enum kstatus status =
        elf_image_plan(boot->kernel_bytes, boot->kernel_size_bytes, &boot->plan, &why);
    if (status != K_OK) {
        return boot_refuse(boot, status, "kernel-not-elf",
                           "the kernel image (%zu bytes) cannot be loaded: %s; use the kernel.elf "
                           "of this version",
                           boot->kernel_size_bytes, why);
    }
    memcpy(boot->info.build_id, boot->plan.build_id, sizeof(boot->info.build_id));
    boot->info.build_id_size = boot->plan.build_id_size;
    return K_OK;
}
