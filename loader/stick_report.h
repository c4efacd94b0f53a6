/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What the two files of a report say: a text for a person, and JSON with the members of `@report`
 * (report_parts.h) and what only the loader can ask for. Writes through a callback, piece by piece.
 * Pure over its facts; loader and host.
 */
#ifndef LOADER_STICK_REPORT_H
#define LOADER_STICK_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "cpu_features.h"
#include "efi_map.h"
#include "firmware_pins.h"
#include "lib/json_writer.h"
#include "mmap_build.h"
#include "preflight.h"
#include "smbios_machine.h"

#define STICK_REPORT_MODES_MAX  64U
#define STICK_REPORT_TABLES_MAX 64U
#define STICK_REPORT_UARTS_MAX  4U

struct stick_screen_mode {
    uint32_t width; /* pixels */
    uint32_t height;
};

struct stick_acpi_table {
    char signature[5]; /* printable */
    uint64_t base;     /* physical */
    uint64_t size_bytes;
};

/** The lists hold what fits; their counts beside them are of all that there were. */
struct stick_report {
    const char *version;
    const struct bootinfo *info;
    struct smbios_machine machine;
    struct preflight_facts preflight;
    struct stick_screen_mode modes[STICK_REPORT_MODES_MAX];
    uint32_t mode_count;
    struct stick_acpi_table tables[STICK_REPORT_TABLES_MAX];
    uint32_t table_count;
    uint16_t uarts[STICK_REPORT_UARTS_MAX]; /* first I/O port of each that answers */
    uint32_t uart_count;
    bool has_tpm;                           /* the firmware offers TCG2 */
    uint64_t tsc;                           /* now */
    const struct black_box_mark *last_boot; /* step 0: no record of one */

    const struct efi_map *efi; /* as the firmware gives it */
    const struct mmap_build_output *map;
    const struct bootinfo_ledger_entry *ledger;
    uint32_t ledger_count;
    const struct firmware_pins *pins;
    const char *command_line;
    const char *log; /* the loader's lines so far */
};

/** Writes the text file. @param put  gets pieces; what it cannot take is its own matter */
void stick_report_text(const struct stick_report *report, json_put put, void *context);

/** Writes the JSON file: one line with a newline, that `tools/import-map` reads. */
void stick_report_json(const struct stick_report *report, json_put put, void *context);

#endif
