/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The loader's step that writes the report onto the volume it came from (boot.h):
 * \firstlight\report-NNN.txt and .json with the lowest number that neither has. All with boot
 * services. No volume, a read-only or full one: a warning, and the boot goes on; a file that cannot
 * be finished is deleted.
 */
#include <arch/cpu.h>
#include <arch/physmap.h>

#include "boot.h"
#include "command_line.h"
#include "dev/serial8250.h"
#include "efi_console.h"
#include "efi_file_write.h"
#include "efi_tables.h"
#include "lib/format.h"
#include "lib/printable.h"
#include "lib/string.h"
#include "smbios_machine.h"
#include "stick_report.h"

#define NUMBERS 1000U

/* Too large for a stack of unknown size (singletons). */
static struct stick_report report;
static struct efi_file_writer writer;

/* ---- facts --------------------------------------------------------------------------------------
 */

static void take_mode(void *context, uint32_t width, uint32_t height)
{
    (void)context;
    if (report.mode_count < STICK_REPORT_MODES_MAX) {
        report.modes[report.mode_count] =
            (struct stick_screen_mode){ .width = width, .height = height };
    }
    report.mode_count++;
}

static void take_table(void *context, uint64_t table, uint64_t table_bytes)
{
    (void)context;
    if (report.table_count < STICK_REPORT_TABLES_MAX) {
        struct stick_acpi_table *const to = &report.tables[report.table_count];
        const uint8_t *const bytes = physmap_ptr(phys_addr(table), table_bytes);
        for (size_t i = 0; i < sizeof(to->signature) - 1; i++) {
            to->signature[i] = printable(bytes[i]);
        }
        to->base = table;
        to->size_bytes = table_bytes;
    }
    report.table_count++;
}

static void find_uarts(void)
{
    static const uint16_t ports[STICK_REPORT_UARTS_MAX] = { SERIAL8250_COM1, SERIAL8250_COM2,
                                                            SERIAL8250_COM3, SERIAL8250_COM4 };
    static struct serial8250 uart; /* only asked whether it is there */
    for (uint32_t i = 0; i < STICK_REPORT_UARTS_MAX; i++) {
        const struct serial8250_place place = SERIAL8250_PLACE_PORT(ports[i]);
        if (serial8250_probe(&uart, &place, 0) == K_OK) {
            report.uarts[report.uart_count++] = ports[i];
        }
    }
}

static void find_machine(const struct boot *boot, const struct efi_map *map)
{
    uint64_t table;
    uint64_t table_bytes;
    if (firmware_tables_find_smbios(&boot->info, map, &table, &table_bytes)) {
        smbios_machine_read(physmap_ptr(phys_addr(table), table_bytes), table_bytes,
                            &report.machine);
    }
    firmware_tables_list_acpi(&boot->info, map, take_table, NULL);
}

static void gather(struct boot *boot, const struct efi_map *map)
{
    size_t log_bytes;
    memset(&report, 0, sizeof(report));
    report.version = FIRSTLIGHT_VERSION;
    report.info = &boot->info;
    preflight_read(&report.preflight);
    report.preflight.watchdog_fault = boot->watchdog_fault;
    find_machine(boot, map);
    efi_screen_list_modes(&boot->screen, boot->services, take_mode, NULL);
    find_uarts();
    report.has_tpm = efi_tables_has_tpm(boot->services);
    report.tsc = x86_rdtsc();
    report.last_boot = &boot->black_box.last;
    report.efi = map;
    report.map = &boot->work.map;
    report.ledger = boot->alloc.ledger;
    report.ledger_count = boot->alloc.count;
    report.pins = &boot->pins;
    report.command_line = boot->options.text;
    report.log = efi_console_log(&log_bytes);
}

/* ---- files --------------------------------------------------------------------------------------
 */

static void make_name(char *name, uint32_t number, const char *suffix)
{
    (void)format_text(name, EFI_FILE_NAME_MAX, "report-%03u.%s", number, suffix); /* fits */
}

static enum kstatus find_number(EFI_FILE_HANDLE folder, uint32_t *number)
{
    static const char *const suffixes[] = { "txt", "json" };
    for (uint32_t i = 0; i < NUMBERS; i++) {
        enum kstatus status = K_ENOENT;
        for (size_t j = 0; j < ARRAY_COUNT(suffixes) && status == K_ENOENT; j++) {
            char name[EFI_FILE_NAME_MAX];
            make_name(name, i, suffixes[j]);
            status = efi_file_look(folder, name);
        }
        if (status == K_ENOENT) {
            *number = i;
            return K_OK;
        }
        if (status != K_EEXIST) {
            return K_EIO; /* all else that efi_file_look() can say */
        }
    }
    return K_EEXIST;
}

static enum kstatus write_file(EFI_FILE_HANDLE folder, uint32_t number, const char *suffix,
                               void (*write)(const struct stick_report *facts, json_put put,
                                             void *context))
{
    char name[EFI_FILE_NAME_MAX];
    make_name(name, number, suffix);
    enum kstatus status = efi_file_create(folder, name, &writer);
    if (status == K_OK) {
        write(&report, efi_file_put, &writer);
        status = efi_file_finish(&writer);
    }
    return status;
}

static enum kstatus write_files(EFI_FILE_HANDLE folder)
{
    uint32_t number;
    enum kstatus status = find_number(folder, &number);
    if (status == K_OK) {
        status = write_file(folder, number, "txt", stick_report_text);
    }
    if (status != K_OK) {
        return status;
    }
    status = write_file(folder, number, "json", stick_report_json);
    efi_console_print("report: \\firstlight\\report-%03u.txt%s", number,
                      status == K_OK ? " and .json" : "");
    if (status != K_OK) {
        efi_console_print("warning: the report's .json is missing: %s", kstatus_name(status));
    }
    return K_OK;
}

static void write_onto_volume(struct boot *boot, const struct efi_map *map)
{
    const EFI_LOADED_IMAGE_PROTOCOL *const self =
        efi_tables_loaded_image(boot->services, boot->image);
    EFI_FILE_HANDLE folder = NULL;
    enum kstatus status = self == NULL ? K_ENOENT
                                       : efi_file_open_folder(boot->services, self->DeviceHandle,
                                                              "firstlight", &folder);
    if (status == K_OK) {
        gather(boot, map);
        status = write_files(folder);
        efi_file_close_folder(folder);
    }
    if (status != K_OK) {
        efi_console_print("warning: no report: %s", kstatus_name(status));
    }
}

enum kstatus boot_write_report(struct boot *boot)
{
    struct efi_map_copy copy;
    if (command_line_has(boot->options.text, "noreport")) {
        return K_OK;
    }
    enum kstatus status = efi_alloc_read_map(boot->services, &copy);
    if (status != K_OK) {
        efi_console_print("warning: no report: %s", kstatus_name(status));
        return K_OK;
    }
    status = boot_build_map(boot, &copy.map);
    if (status == K_OK) {
        write_onto_volume(boot, &copy.map);
    }
    efi_alloc_release_map(boot->services, &copy);
    return status == K_OK ? K_OK : boot_refuse_map(boot, status);
}
