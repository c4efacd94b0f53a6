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
#include "firmware_tables.h"
#include "lib/format.h"
#include "lib/string.h"
#include "preflight.h"

#define COMMAND_LINE_FILE_MAX (size_t)65536
#define KERNEL_FILE_MAX       (size_t)(64U << 20)
#define REPORT_LINE_BYTES     384U
#define WAIT_SECONDS_MAX      UINT64_C(3600)
#define MASKS_BYTES           40U

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
    const EFI_STATUS status = boot->services->SetWatchdogTimer(0, 0, 0, NULL);
    boot->watchdog_fault = !EFI_ERROR(status)          ? NULL
                           : status == EFI_UNSUPPORTED ? "unsupported"
                                                       : "device error";
    efi_console_init(boot->system);
    efi_console_print("Firstlight %s, UEFI loader", FIRSTLIGHT_VERSION);
    return K_OK;
}

enum kstatus boot_check_cpu(struct boot *boot)
{
    struct preflight_facts facts;
    struct preflight_finding refused = { .code = NULL };
    preflight_read(&facts);
    facts.watchdog_fault = boot->watchdog_fault;
    boot->cpu = facts.cpu;
    boot->info.phys_bits = facts.cpu.phys_bits;
    efi_console_print("cpu: %s", facts.cpu.vendor);
    for (size_t i = 0; i < PREFLIGHT_CHECKS; i++) {
        struct preflight_finding finding;
        preflight_judge(&facts, i, &finding);
        efi_console_print("preflight: %s: %s: %s", finding.name, finding.state,
                          preflight_verdict_name(finding.verdict));
        if (finding.verdict == PREFLIGHT_WARNING) {
            efi_console_print("warning: %s", finding.advice);
        }
        if (finding.verdict == PREFLIGHT_REFUSED && refused.code == NULL) {
            refused = finding; /* the first one ends the boot, once all have been shown */
        }
    }
    return refused.code == NULL ? K_OK
                                : boot_refuse(boot, K_ENOTSUP, refused.code, "%s", refused.advice);
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
}

static void print_framebuffer(const struct bootinfo_framebuffer *screen)
{
    char masks[MASKS_BYTES];
    (void)format_text(masks, sizeof(masks), "masks %x %x %x", screen->red_mask, screen->green_mask,
                      screen->blue_mask);
    const char *const named = screen->format == BOOTINFO_PIXEL_RGB ? "RGB" : "BGR";
    efi_console_print("screen: %ux%u, %u pixels a line, at " PRIphys ", %s", screen->width,
                      screen->height, screen->pitch, screen->base,
                      screen->format == BOOTINFO_PIXEL_MASKS ? masks : named);
}

static void print_screen(const struct efi_screen *screen)
{
    if (screen->why_none != NULL) {
        efi_console_print("screen: none: %s", screen->why_none);
        return;
    }
    print_framebuffer(&screen->framebuffer);
    /* The user may be looking at another one than ours; the firmware's text is on all of them. */
    if (screen->count > 1) {
        efi_console_print("screen: number %u of %u; where yours stays dark, screen=%u on the "
                          "command line takes the next",
                          screen->number, screen->count, screen->number % screen->count + 1);
    }
}

static void find_screen(struct boot *boot)
{
    struct command_line_word word;
    uint64_t wanted = 0;
    const bool is_named = command_line_find(boot->options.text, "screen", &word);
    const bool is_number =
        is_named && command_line_parse_u64(word.value, word.value_length, &wanted) == K_OK;
    efi_screen_find(boot->system, boot->info.phys_bits, wanted, &boot->screen);
    boot->info.framebuffer = boot->screen.framebuffer;
    if (is_named && boot->screen.count == 0) {
        efi_console_print("warning: there is no framebuffer: screen= is ignored");
    } else if (is_named && (!is_number || wanted != boot->screen.number)) {
        efi_console_print("warning: screen=%.*s is no number from 1 to %u and is ignored",
                          (int)word.value_length, word.value, boot->screen.count);
    }
}

static enum firmware_tables_root settle_acpi_root(struct boot *boot)
{
    struct efi_map_copy copy;
    if (efi_alloc_read_map(boot->services, &copy) != K_OK) {
        return FIRMWARE_TABLES_ROOT_AS_SAID; /* a later step says what is wrong with the map */
    }
    const enum firmware_tables_root root = firmware_tables_settle_root(&boot->info, &copy.map);
    efi_alloc_release_map(boot->services, &copy);
    return root;
}

static void find_tables(struct boot *boot)
{
    enum firmware_tables_root root = FIRMWARE_TABLES_ROOT_BROKEN;
    if (efi_tables_find(boot->system, &boot->info) == K_OK) {
        root = settle_acpi_root(boot);
    }
    if (root == FIRMWARE_TABLES_ROOT_BROKEN) {
        efi_console_print("warning: the ACPI root pointer is broken and not used");
    } else if (root == FIRMWARE_TABLES_ROOT_RSDT_SERVES) {
        efi_console_print("warning: ACPI's XSDT cannot be used: the RSDT serves");
    }
}

enum kstatus boot_describe_machine(struct boot *boot)
{
    struct bootinfo *const info = &boot->info;
    efi_tables_describe_firmware(boot->system, info);
    find_tables(boot);
    find_screen(boot);
    enum bootinfo_tsc_source source;
    info->tsc_hz = efi_time_tsc_hz(boot->services, &source);
    info->tsc_source = (uint32_t)source;
    print_machine(info);
    print_screen(&boot->screen);
    efi_console_print("tsc: %" FMTu64 " Hz", info->tsc_hz);
    return K_OK;
}

/* ---- options ------------------------------------------------------------------------------------
 */

static void read_options_file(struct boot *boot, EFI_HANDLE volume)
{
    static const char path[] = OPTIONS_FILE;
    struct efi_file *const file = &boot->options_file;
    const enum kstatus status =
        efi_file_read(boot->services, volume, path, sizeof(path) - 1, COMMAND_LINE_FILE_MAX, file);
    if (status == K_OK) {
        options_append_text(&boot->options, file->bytes, file->size_bytes);
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
