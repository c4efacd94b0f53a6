/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See firmware_commands.h. No state. Offsets of SMBIOS fields: DSP0134 3.6, chapter 7.
 */
#include "monitor/firmware_commands.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "acpi_machine.h"
#include "acpi_tables.h"
#include "console.h"
#include "firmware_memory.h"
#include "lib/bits.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "lib/printable.h"
#include "mm/mm_init.h"
#include "monitor/access_commands.h"
#include "monitor/arguments.h"
#include "monitor/command.h"
#include "smbios.h"

/* Hostile bytes as text of one line; up to 8 characters. */
struct short_text {
    char text[9];
};

static struct short_text short_text(const uint8_t *bytes, unsigned count)
{
    struct short_text result = { "" };
    for (unsigned i = 0; i < count; i++) {
        result.text[i] = printable(bytes[i]);
    }
    return result;
}

/* ---- acpi --------------------------------------------------------------------------------------
 */

struct acpi_listing {
    struct monitor_word wanted; /* .length 0: all */
    uint32_t matched;
};

static const char *sum_verdict(bool good)
{
    return good ? "good" : "BAD";
}

static void print_table(const struct acpi_table *table)
{
    console_printf("%s " PRIphys " %6" FMTu64, short_text(table->bytes, 4).text, table->phys,
                   table->length);
    if (acpi_is(table->bytes, "FACS")) {
        console_printf(" (no checksum)\n");
        return;
    }
    console_printf(" rev %u checksum %s %s %s\n", table->bytes[8],
                   sum_verdict(acpi_sum_is_zero(table->bytes, table->length)),
                   short_text(table->bytes + 10, 6).text, short_text(table->bytes + 16, 8).text);
}

static void dump_table(const struct acpi_table *table)
{
    char range[64];
    (void)format_text(range, sizeof(range), "p:%" FMTx64 " %" FMTu64 " 1", table->phys,
                      table->length); /* fits */
    dump_command(range);
}

static bool list_table(void *context, const struct acpi_table *table)
{
    struct acpi_listing *const listing = context;
    const bool is_wanted =
        listing->wanted.length == 0 ||
        (table->bytes != NULL && memcmp(table->bytes, listing->wanted.text, 4) == 0);
    if (is_wanted && table->bytes == NULL) {
        console_printf("???? " PRIphys " cannot be read\n", table->phys);
    } else if (is_wanted) {
        print_table(table);
        if (listing->wanted.length != 0) {
            dump_table(table);
        }
    }
    listing->matched += is_wanted ? 1 : 0;
    return !monitor_interrupted();
}

static void print_root_pointer(const struct bootinfo *info)
{
    const uint8_t *const copy = info->rsdp_copy;
    console_printf("RSDP " PRIphys " %6u rev %u checksum %s\n", info->rsdp, info->rsdp_copy_size,
                   copy[15], sum_verdict(acpi_sum_is_zero(copy, info->rsdp_copy_size)));
}

void acpi_command(const char *argument)
{
    struct acpi_listing listing = { .matched = 0 };
    if ((argument_word(&argument, &listing.wanted) && listing.wanted.length != 4) ||
        !argument_is_end(argument)) {
        monitor_usage("acpi");
        return;
    }
    const struct bootinfo *const info = mm_bootinfo();
    if (info->rsdp == 0) {
        console_printf("this machine has no ACPI\n");
        return;
    }
    if (listing.wanted.length == 0) {
        print_root_pointer(info);
    }
    if (!acpi_visit_tables(list_table, &listing) && !monitor_interrupted()) {
        console_printf("more than %u tables: the rest is not shown\n", ACPI_TABLES_MAX);
    }
    if (listing.matched == 0) {
        console_printf("no such table\n");
    }
}

/* ---- smbios ------------------------------------------------------------------------------------
 */

enum field_kind {
    FIELD_STRING,
    FIELD_NUMBER,
    FIELD_UUID,
    FIELD_CAPACITY,
    FIELD_MEMORY
};

/* What is shown of a structure: one line of the listing. */
struct field {
    uint8_t type;
    uint8_t offset;
    uint8_t kind;  /* enum field_kind */
    uint8_t bytes; /* of a number */
    char name[12];
};

static const struct field fields[] = {
    { 0, 4, FIELD_STRING, 0, "vendor" },    { 0, 5, FIELD_STRING, 0, "version" },
    { 0, 8, FIELD_STRING, 0, "date" },      { 1, 4, FIELD_STRING, 0, "maker" },
    { 1, 5, FIELD_STRING, 0, "product" },   { 1, 6, FIELD_STRING, 0, "version" },
    { 1, 7, FIELD_STRING, 0, "serial" },    { 1, 8, FIELD_UUID, 0, "uuid" },
    { 4, 4, FIELD_STRING, 0, "socket" },    { 4, 7, FIELD_STRING, 0, "maker" },
    { 4, 16, FIELD_STRING, 0, "version" },  { 4, 20, FIELD_NUMBER, 2, "max MHz" },
    { 4, 22, FIELD_NUMBER, 2, "now MHz" },  { 4, 35, FIELD_NUMBER, 1, "cores" },
    { 4, 37, FIELD_NUMBER, 1, "threads" },  { 16, 7, FIELD_CAPACITY, 0, "up to" },
    { 16, 13, FIELD_NUMBER, 2, "devices" }, { 17, 12, FIELD_MEMORY, 0, "size" },
    { 17, 16, FIELD_STRING, 0, "locator" }, { 17, 17, FIELD_STRING, 0, "bank" },
    { 17, 18, FIELD_NUMBER, 1, "type" },    { 17, 21, FIELD_NUMBER, 2, "MT/s" },
    { 17, 23, FIELD_STRING, 0, "maker" },   { 17, 26, FIELD_STRING, 0, "part" },
};

static const struct {
    uint8_t type;
    char name[15];
} type_names[] = {
    { 0, "firmware" },      { 1, "system" },         { 4, "processor" },
    { 16, "memory array" }, { 17, "memory device" }, { SMBIOS_TYPE_END, "end" },
};

static uint64_t number_of(const struct smbios_structure *structure, unsigned offset,
                          unsigned size_bytes)
{
    uint64_t number = 0;
    return smbios_number(structure, offset, size_bytes, &number) ? number : 0;
}

static void print_string(const struct smbios_structure *structure, const struct field *field)
{
    char text[80];
    smbios_string(structure, field->offset, text, sizeof(text));
    if (text[0] != '\0') {
        console_printf("  %s: %s\n", field->name, text);
    }
}

/* 7.2.1: the first three groups are little-endian. */
static void print_uuid(const struct smbios_structure *structure, const struct field *field)
{
    if (field->offset + 16U > structure->length) {
        return;
    }
    const unsigned at = field->offset;
    console_printf("  %s: %08" FMTx64 "-%04" FMTx64 "-%04" FMTx64 "-", field->name,
                   number_of(structure, at, 4), number_of(structure, at + 4, 2),
                   number_of(structure, at + 6, 2));
    for (unsigned i = 8; i < 16; i++) {
        console_printf("%s%02x", i == 10 ? "-" : "", structure->bytes[at + i]);
    }
    console_printf("\n");
}

/* 7.17: KiB, or bytes in a field of their own; 0: not said. */
static uint64_t array_kib(const struct smbios_structure *structure, unsigned offset)
{
    const uint64_t kib = number_of(structure, offset, 4);
    return kib == BIT(31) ? number_of(structure, 15, 8) >> 10 : kib;
}

/* 7.18.1, 7.18.5: MiB, or KiB where bit 15 is set, or MiB in a wider field; 0: empty or unknown. */
static uint64_t device_kib(const struct smbios_structure *structure, unsigned offset)
{
    const uint64_t size = number_of(structure, offset, 2);
    if (size == 0xffff) {
        return 0;
    }
    if (size == 0x7fff) {
        return (number_of(structure, 28, 4) & bits_mask(31)) << 10;
    }
    return (size & BIT(15)) != 0 ? size & bits_mask(15) : size << 10;
}

static void print_kib(const struct field *field, uint64_t kib)
{
    if (kib == 0) {
        console_printf("  %s: none, or unknown\n", field->name);
    } else if (kib % 1024 != 0) {
        console_printf("  %s: %" FMTu64 " KiB\n", field->name, kib);
    } else {
        console_printf("  %s: %" FMTu64 " MiB\n", field->name, kib >> 10);
    }
}

static void print_field(const struct smbios_structure *structure, const struct field *field)
{
    uint64_t number;
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING:
        print_string(structure, field);
        break;
    case FIELD_NUMBER:
        if (smbios_number(structure, field->offset, field->bytes, &number)) {
            console_printf("  %s: %" FMTu64 "\n", field->name, number);
        }
        break;
    case FIELD_UUID:
        print_uuid(structure, field);
        break;
    case FIELD_CAPACITY:
        print_kib(field, array_kib(structure, field->offset));
        break;
    case FIELD_MEMORY:
        print_kib(field, device_kib(structure, field->offset));
        break;
    }
}

static void print_structure(const struct smbios_structure *structure)
{
    const char *name = "";
    for (size_t i = 0; i < ARRAY_COUNT(type_names); i++) {
        name = type_names[i].type == structure->type ? type_names[i].name : name;
    }
    console_printf("0x%04x type %u %s\n", structure->handle, structure->type, name);
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        if (fields[i].type == structure->type) {
            print_field(structure, &fields[i]);
        }
    }
}

static void print_structures(const uint8_t *table, uint32_t size_bytes)
{
    struct smbios_structure structure = { .type = 0 };
    uint32_t offset = 0;
    while (structure.type != SMBIOS_TYPE_END && !monitor_interrupted()) {
        if (!smbios_next(table, size_bytes, &offset, &structure)) {
            console_printf("the table ends at byte %u of %u, without an end\n", offset, size_bytes);
            return;
        }
        print_structure(&structure);
    }
}

static bool read_entry(uint64_t phys, uint32_t size_bytes, struct smbios_entry *entry)
{
    struct firmware_window window;
    if (firmware_window_open(phys, size_bytes, &window) != K_OK) {
        console_printf("entry point " PRIphys ": cannot be read\n", phys);
        return false;
    }
    const enum kstatus status = smbios_entry_read(window.bytes, size_bytes, entry);
    firmware_window_close(&window);
    console_printf("entry point " PRIphys ": checksum and form %s\n", phys,
                   sum_verdict(status == K_OK));
    return status == K_OK;
}

static void print_smbios(uint64_t phys, uint32_t entry_bytes)
{
    struct smbios_entry entry;
    struct firmware_window window;
    if (!read_entry(phys, entry_bytes, &entry)) {
        return;
    }
    console_printf("SMBIOS %u.%u, table " PRIphys ", %u bytes\n", entry.major, entry.minor,
                   entry.table, entry.size_bytes);
    if (firmware_window_open(entry.table, entry.size_bytes, &window) != K_OK) {
        console_printf("the table cannot be read\n");
        return;
    }
    print_structures(window.bytes, entry.size_bytes);
    firmware_window_close(&window);
}

void smbios_command(const char *argument)
{
    (void)argument;
    const struct bootinfo *const info = mm_bootinfo();
    if (info->smbios3 != 0) {
        print_smbios(info->smbios3, SMBIOS3_ENTRY_BYTES);
    } else if (info->smbios != 0) {
        print_smbios(info->smbios, SMBIOS2_ENTRY_BYTES);
    } else {
        console_printf("this machine has no SMBIOS\n");
    }
}
