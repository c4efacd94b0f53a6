/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See stick_report.h. The text begins with what is short and ends with the tables, so that the
 * screen of a telephone shows the machine first. Stateless.
 */
#include "stick_report.h"

#include "shared/ledger_names.h"
#include "shared/mmap_names.h"

#include "black_box_record.h"
#include "lib/format.h"
#include "lib/string.h"
#include "report_parts.h"

#define LINE_BYTES 320U

static uint32_t listed(uint32_t count, uint32_t room)
{
    return count < room ? count : room;
}

/* ---- text ---------------------------------------------------------------------------------------
 */

struct text {
    json_put put;
    void *context;
};

static void line(const struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

static void line(const struct text *text, const char *format, ...)
{
    char buffer[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    const size_t length = format_text_v(buffer, sizeof(buffer), format, arguments);
    va_end(arguments);
    text->put(text->context, buffer, length < sizeof(buffer) ? length : sizeof(buffer) - 1);
    text->put(text->context, "\n", 1);
}

static void write_text(const struct text *text, const char *words)
{
    text->put(text->context, words, strlen(words));
}

static void text_last_boot(const struct text *text, const struct black_box_mark *last)
{
    if (last->step == 0) {
        line(text, "last boot: no record");
    } else {
        line(text, "last boot: %s at step %u: %s",
             black_box_verb((enum black_box_state)last->state), last->step, last->name);
    }
}

static void text_machine(const struct text *text, const struct stick_report *report)
{
    const struct smbios_machine *const machine = &report->machine;
    line(text, "Firstlight %s: report of the loader, with the firmware still there",
         report->version);
    line(text, "machine: %s, %s, %s", machine->manufacturer, machine->product, machine->version);
    line(text, "bios: %s, %s, %s", machine->bios_vendor, machine->bios_version, machine->bios_date);
    line(text, "tpm: %s", report->has_tpm ? "offered by the firmware (TCG2)" : "none offered");
    text_last_boot(text, report->last_boot);
    for (uint32_t i = 0; i < report->uart_count; i++) {
        line(text, "uart: answers at port 0x%x", report->uarts[i]);
    }
    line(text, "times: loader entry %" FMTu64 ", now %" FMTu64 ", at %" FMTu64 " Hz",
         report->info->tsc_stamp[BOOTINFO_STAMP_LOADER_ENTRY], report->tsc, report->info->tsc_hz);
    write_text(text, "command line: ");
    write_text(text, report->command_line);
    line(text, "\n\n== what the loader said");
    write_text(text, report->log);
}

static void text_devices(const struct text *text, const struct stick_report *report)
{
    const uint32_t modes = listed(report->mode_count, STICK_REPORT_MODES_MAX);
    const uint32_t tables = listed(report->table_count, STICK_REPORT_TABLES_MAX);
    line(text, "\n== screen modes: %u", report->mode_count);
    for (uint32_t i = 0; i < modes; i++) {
        line(text, "%ux%u", report->modes[i].width, report->modes[i].height);
    }
    line(text, "\n== ACPI tables: %u", report->table_count);
    for (uint32_t i = 0; i < tables; i++) {
        line(text, "%s at " PRIphys ", %" FMTu64 " bytes", report->tables[i].signature,
             report->tables[i].base, report->tables[i].size_bytes);
    }
}

static void text_map(const struct text *text, const struct stick_report *report)
{
    const uint64_t count = efi_map_count(report->efi);
    line(text,
         "\n== memory as the firmware gives it: %" FMTu64 " descriptors of %" FMTu64
         " bytes\nbase, pages, attributes, type",
         count, report->efi->descriptor_size);
    for (uint64_t i = 0; i < count; i++) {
        const struct efi_map_descriptor d = efi_map_get(report->efi, i);
        line(text, PRIphys " %10" FMTu64 " %016" FMTx64 " %u %s", d.physical_start, d.pages,
             d.attribute, d.type, efi_map_type_name(d.type));
    }
    const struct mmap_build_output *const map = report->map;
    line(text, "\n== memory as we would use it: %u entries\nbase, bytes, mmap type, reason",
         map->entry_count);
    for (uint32_t i = 0; i < map->entry_count; i++) {
        line(text, PRIphys " 0x%012" FMTx64 " 0x%04x %s", map->entries[i].address,
             map->entries[i].length, map->entries[i].type, mmap_reason_name(map->reasons[i]));
    }
}

static void text_changes(const struct text *text, const struct stick_report *report)
{
    const struct mmap_build_output *const map = report->map;
    const struct memory_accounting *const sums = &map->accounting;
    line(text, "\n== repairs of the firmware's map: %u", map->repair_count);
    for (uint32_t i = 0; i < map->repair_count; i++) {
        char repair[LINE_BYTES];
        (void)mmap_build_describe_repair(&map->repairs[i], repair, sizeof(repair)); /* may cut */
        line(text, "%s", repair);
    }
    line(text, "\n== pages of the loader: %u\nbase, pages, mmap type, purpose",
         report->ledger_count);
    for (uint32_t i = 0; i < report->ledger_count; i++) {
        line(text, PRIphys " %10" FMTu64 " 0x%04x %s", report->ledger[i].base,
             report->ledger[i].pages, report->ledger[i].type,
             bootinfo_purpose_name(report->ledger[i].purpose));
    }
    line(text, "\n== ranges kept from being free memory: %u, %u more for want of room",
         report->pins->count, report->pins->dropped);
    for (uint32_t i = 0; i < report->pins->count; i++) {
        line(text, PRIphys " %10" FMTu64, report->pins->pins[i].base, report->pins->pins[i].pages);
    }
    line(text,
         "\n== bytes\nRAM %" FMTu64 " = usable %" FMTu64 " + kernel %" FMTu64 " + loader %" FMTu64
         " + low %" FMTu64 " + acpi %" FMTu64 " + nvs %" FMTu64 " + reserved %" FMTu64
         " + bad %" FMTu64 " + dropped %" FMTu64,
         sums->firmware_ram, sums->usable, sums->kernel, sums->loader, sums->low, sums->acpi,
         sums->nvs, sums->reserved, sums->bad, sums->dropped);
}

void stick_report_text(const struct stick_report *report, json_put put, void *context)
{
    const struct text text = { .put = put, .context = context };
    text_machine(&text, report);
    text_devices(&text, report);
    text_map(&text, report);
    text_changes(&text, report);
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void json_machine(struct json_writer *json, const struct stick_report *report)
{
    const struct smbios_machine *const machine = &report->machine;
    json_key(json, "machine");
    json_begin_object(json);
    json_member_string(json, "manufacturer", machine->manufacturer);
    json_member_string(json, "product", machine->product);
    json_member_string(json, "version", machine->version);
    json_member_string(json, "bios_vendor", machine->bios_vendor);
    json_member_string(json, "bios_version", machine->bios_version);
    json_member_string(json, "bios_date", machine->bios_date);
    json_end_object(json);
}

static void json_cpu(struct json_writer *json, const struct stick_report *report)
{
    const struct cpu_features *const cpu = &report->preflight.cpu;
    json_key(json, "cpu");
    json_begin_object(json);
    json_member_string(json, "vendor", cpu->vendor);
    json_member_bool(json, "nx", cpu->nx);
    json_member_bool(json, "pdpe1gb", cpu->pages_1g);
    json_member_u64(json, "phys_bits", cpu->phys_bits);
    json_member_u64(json, "tsc_hz", report->info->tsc_hz);
    json_end_object(json);
    json_key(json, "preflight");
    json_begin_array(json);
    for (size_t i = 0; i < PREFLIGHT_CHECKS; i++) {
        struct preflight_finding finding;
        preflight_judge(&report->preflight, i, &finding);
        json_begin_object(json);
        json_member_string(json, "name", finding.name);
        json_member_string(json, "state", finding.state);
        json_member_string(json, "verdict", preflight_verdict_name(finding.verdict));
        json_end_object(json);
    }
    json_end_array(json);
}

static void json_screen(struct json_writer *json, const struct stick_report *report)
{
    const struct bootinfo_framebuffer *const screen = &report->info->framebuffer;
    const uint32_t modes = listed(report->mode_count, STICK_REPORT_MODES_MAX);
    json_key(json, "screen");
    json_begin_object(json);
    json_member_u64(json, "base", screen->base);
    json_member_u64(json, "width", screen->width);
    json_member_u64(json, "height", screen->height);
    json_member_u64(json, "pitch", screen->pitch);
    json_member_u64(json, "format", screen->format);
    json_member_u64(json, "mode_count", report->mode_count);
    json_key(json, "modes");
    json_begin_array(json);
    for (uint32_t i = 0; i < modes; i++) {
        json_begin_array(json);
        json_u64(json, report->modes[i].width);
        json_u64(json, report->modes[i].height);
        json_end_array(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static void json_devices(struct json_writer *json, const struct stick_report *report)
{
    const uint32_t tables = listed(report->table_count, STICK_REPORT_TABLES_MAX);
    json_key(json, "uarts");
    json_begin_array(json);
    for (uint32_t i = 0; i < report->uart_count; i++) {
        json_u64(json, report->uarts[i]);
    }
    json_end_array(json);
    json_key(json, "acpi");
    json_begin_array(json);
    for (uint32_t i = 0; i < tables; i++) {
        json_begin_object(json);
        json_member_string(json, "signature", report->tables[i].signature);
        json_member_u64(json, "base", report->tables[i].base);
        json_member_u64(json, "size", report->tables[i].size_bytes);
        json_end_object(json);
    }
    json_end_array(json);
    json_member_bool(json, "tpm", report->has_tpm);
    report_last_boot(json, report->last_boot);
    json_member_string(json, "command_line", report->command_line);
}

static void json_map(struct json_writer *json, const struct stick_report *report)
{
    const struct mmap_build_output *const output = report->map;
    const struct report_efi_map efi = { .descriptors = report->efi->bytes,
                                        .count = efi_map_count(report->efi),
                                        .stride_bytes = report->efi->descriptor_size,
                                        .version = report->efi->descriptor_version };
    const struct memory_map map = { .entries = output->entries,
                                    .reasons = output->reasons,
                                    .count = output->entry_count };
    report_efi_map(json, &efi);
    report_ledger(json, report->ledger, report->ledger_count);
    report_pins(json, report->pins->pins, report->pins->count);
    report_mmap(json, &map);
    report_repairs(json, output->repairs, output->repair_count, 0);
    report_accounting(json, &output->accounting);
}

static void json_stage(struct json_writer *json, const char *name, uint64_t tsc)
{
    json_begin_object(json);
    json_member_string(json, "name", name);
    json_member_u64(json, "tsc", tsc);
    json_end_object(json);
}

void stick_report_json(const struct stick_report *report, json_put put, void *context)
{
    struct json_writer json;
    json_init(&json, put, context);
    report_begin(&json, report->version, report->info);
    json_member_string(&json, "writer", "loader");
    json_machine(&json, report);
    report_firmware(&json, report->info);
    json_cpu(&json, report);
    json_screen(&json, report);
    json_devices(&json, report);
    json_map(&json, report);
    json_key(&json, "stages");
    json_begin_array(&json);
    json_stage(&json, "loader_entry", report->info->tsc_stamp[BOOTINFO_STAMP_LOADER_ENTRY]);
    json_stage(&json, "report", report->tsc);
    json_end_array(&json);
    json_end_object(&json);
    put(context, "\n", 1);
}
