/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See serial_choice.h. Firmware tables are hostile: no byte is read that the memory map does not
 * vouch for. Stateless.
 */
#include "serial_choice.h"

#include <arch/physmap.h>

#include "acpi_console.h"
#include "acpi_tables.h"
#include "command_line.h"
#include "dev/serial_words.h"
#include "firmware_pins.h"
#include "lib/bits.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "lib/little_endian.h"
#include "lib/string.h"
#include "pci_serial.h"
#include "printk.h"

#define ACPI_LENGTH    4U
#define ACPI_TABLE_MAX (1U << 20)
#define RSDP_RSDT      16U
#define RSDP_XSDT      24U
#define RSDP_V2_BYTES  36U

/* One search. */
struct search {
    const struct serial_choice_input *input;
    struct serial8250 *serial;
    struct serial_choice *choice;
};

/* ---- tables ------------------------------------------------------------------------------------
 */

/* All bytes of the table at @p base, or NULL where they cannot be read. */
static const uint8_t *open_table(const struct efi_map *map, uint64_t base, size_t *size_bytes)
{
    uint8_t header[ACPI_HEADER_BYTES];
    if (!firmware_pins_read(map, base, header, sizeof(header))) {
        return NULL;
    }
    const uint64_t length = little_endian(header + ACPI_LENGTH, 4);
    if (length < ACPI_HEADER_BYTES || length > ACPI_TABLE_MAX ||
        !firmware_pins_can_read(map, base, length)) {
        return NULL;
    }
    *size_bytes = (size_t)length;
    return physmap_ptr(phys_addr(base), length);
}

static const uint8_t *open_root(const struct serial_choice_input *input, size_t *size_bytes,
                                unsigned *entry_bytes)
{
    const struct bootinfo *const info = input->info;
    uint64_t root = 0;
    *entry_bytes = 8;
    if (info->rsdp_copy_size >= RSDP_V2_BYTES) {
        root = little_endian(info->rsdp_copy + RSDP_XSDT, 8);
    }
    if (root == 0 && info->rsdp_copy_size != 0) {
        root = little_endian(info->rsdp_copy + RSDP_RSDT, 4);
        *entry_bytes = 4;
    }
    return root == 0 ? NULL : open_table(input->map, root, size_bytes);
}

static const uint8_t *find_table(const struct serial_choice_input *input, const char *signature,
                                 size_t *size_bytes)
{
    size_t root_bytes;
    unsigned entry_bytes;
    const uint8_t *const root = open_root(input, &root_bytes, &entry_bytes);
    const uint64_t count =
        root == NULL ? 0
                     : bits_min((root_bytes - ACPI_HEADER_BYTES) / entry_bytes, ACPI_TABLES_MAX);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t base =
            little_endian(root + ACPI_HEADER_BYTES + i * entry_bytes, entry_bytes);
        const uint8_t *const table = open_table(input->map, base, size_bytes);
        if (table != NULL && memcmp(table, signature, 4) == 0) {
            return table;
        }
    }
    return NULL;
}

/* ---- what is refused ---------------------------------------------------------------------------
 */

static bool acpi_names(const struct serial_choice_input *input, uint64_t base)
{
    struct serial8250_place place;
    size_t size_bytes;
    const uint8_t *const spcr = find_table(input, "SPCR", &size_bytes);
    if (spcr != NULL && acpi_spcr_place(spcr, size_bytes, &place) && place.is_mmio &&
        place.base == base) {
        return true;
    }
    const uint8_t *const dbg2 = find_table(input, "DBG2", &size_bytes);
    size_t cursor = 0;
    while (dbg2 != NULL && acpi_dbg2_next_place(dbg2, size_bytes, &cursor, &place)) {
        if (place.is_mmio && place.base == base) {
            return true;
        }
    }
    return false;
}

static bool is_refused(const struct search *search, const struct serial8250_place *place,
                       enum bootinfo_serial_source source)
{
    const struct serial_choice_input *const input = search->input;
    if (!place->is_mmio) {
        return false;
    }
    const uint64_t end = place->base + serial8250_span_bytes(place); /* sound: it does not wrap */
    const char *why = NULL;
    if (input->info->phys_bits < 64 && end > BIT(input->info->phys_bits)) {
        why = "the CPU has no such address";
    } else if (efi_map_touches_ram(input->map, place->base, end)) {
        why = "there is RAM";
    } else if (source == BOOTINFO_SERIAL_EARLYCON && input->locked_down &&
               !acpi_names(input, place->base)) {
        why = "ACPI does not name it, and Secure Boot or lockdown is on";
    }
    if (why != NULL) {
        pr_warn("serial port at " PRIphys " (%s) refused: %s", place->base,
                serial_choice_source_name(source), why);
    }
    return why != NULL;
}

static bool try_place(const struct search *search, const struct serial8250_place *place,
                      enum bootinfo_serial_source source)
{
    if (is_refused(search, place, source) ||
        serial8250_probe(search->serial, place, place->base) != K_OK) {
        return false;
    }
    search->choice->source = source;
    search->choice->place = *place;
    return true;
}

/* ---- the search --------------------------------------------------------------------------------
 */

static bool try_acpi(const struct search *search)
{
    struct command_line_word word;
    if (command_line_find(search->input->command_line, "acpi", &word) &&
        command_line_value_is(&word, "nospcr")) {
        return false;
    }
    struct serial8250_place place;
    size_t size_bytes;
    const uint8_t *const spcr = find_table(search->input, "SPCR", &size_bytes);
    if (spcr != NULL && acpi_spcr_place(spcr, size_bytes, &place) &&
        try_place(search, &place, BOOTINFO_SERIAL_SPCR)) {
        return true;
    }
    const uint8_t *const dbg2 = find_table(search->input, "DBG2", &size_bytes);
    size_t cursor = 0;
    while (dbg2 != NULL && acpi_dbg2_next_place(dbg2, size_bytes, &cursor, &place)) {
        if (try_place(search, &place, BOOTINFO_SERIAL_DBG2)) {
            return true;
        }
    }
    return false;
}

static bool word_is(const struct command_line_word *word, const char *name)
{
    return word->has_value && word->name_length == strlen(name) &&
           memcmp(word->name, name, word->name_length) == 0;
}

/* Every word @p name in turn, the first that answers. */
static bool try_words(const struct search *search, const char *name,
                      enum kstatus (*read)(const char *text, size_t length,
                                           struct serial8250_place *place),
                      enum bootinfo_serial_source source)
{
    const char *cursor = search->input->command_line;
    struct command_line_word word;
    while (command_line_next(&cursor, &word)) {
        struct serial8250_place place;
        if (!word_is(&word, name)) {
            continue;
        }
        const enum kstatus status = read(word.value, word.value_length, &place);
        if (status == K_OK && try_place(search, &place, source)) {
            return true;
        }
        if (status == K_EINVAL) {
            pr_warn("%s=%.*s names no serial port and is ignored", name, (int)word.value_length,
                    word.value);
        }
    }
    return false;
}

static bool try_com_ports(const struct search *search)
{
    static const struct serial8250_place places[] = {
        SERIAL8250_PLACE_PORT(SERIAL8250_COM1),
        SERIAL8250_PLACE_PORT(SERIAL8250_COM2),
        SERIAL8250_PLACE_PORT(SERIAL8250_COM3),
        SERIAL8250_PLACE_PORT(SERIAL8250_COM4),
    };
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        if (try_place(search, &places[i], BOOTINFO_SERIAL_PROBED)) {
            return true;
        }
    }
    return false;
}

static bool try_pci(const struct search *search)
{
    struct pci_serial found = { .number = 0 };
    for (uint32_t from = 0; pci_serial_find(from, &found); from = found.number + 1) {
        if (try_place(search, &found.place, BOOTINFO_SERIAL_PCI)) {
            search->choice->pci_number = found.number;
            return true;
        }
    }
    return false;
}

bool serial_choice_find(const struct serial_choice_input *input, struct serial8250 *serial,
                        struct serial_choice *choice)
{
    *choice = (struct serial_choice){ .source = BOOTINFO_SERIAL_NONE };
    const struct search search = { input, serial, choice };
    return try_acpi(&search) ||
           try_words(&search, "earlycon", serial_words_earlycon, BOOTINFO_SERIAL_EARLYCON) ||
           try_words(&search, "console", serial_words_console, BOOTINFO_SERIAL_CONSOLE) ||
           try_com_ports(&search) || try_pci(&search);
}

const char *serial_choice_source_name(enum bootinfo_serial_source source)
{
    switch (source) {
    case BOOTINFO_SERIAL_SPCR:
        return "SPCR";
    case BOOTINFO_SERIAL_DBG2:
        return "DBG2";
    case BOOTINFO_SERIAL_EARLYCON:
        return "earlycon=";
    case BOOTINFO_SERIAL_CONSOLE:
        return "console=";
    case BOOTINFO_SERIAL_PROBED:
        return "found";
    case BOOTINFO_SERIAL_PCI:
        return "PCI";
    case BOOTINFO_SERIAL_NONE:
        break;
    }
    return "none";
}
