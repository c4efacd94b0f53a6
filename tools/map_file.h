/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Reading a recorded memory map (tests/data/maps/README.md) into the forms that the loader's map
 * pipeline takes. Host only.
 */
#ifndef TOOLS_MAP_FILE_H
#define TOOLS_MAP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "mmap_build.h"

/** Stride of the EFI descriptors that are made: what most firmware uses. */
#define MAP_FILE_STRIDE 48U

enum map_file_kind {
    MAP_FILE_EFI,
    MAP_FILE_E820,
};

struct map_file {
    enum map_file_kind kind;
    uint8_t *efi_bytes; /* efi_count * MAP_FILE_STRIDE */
    uint32_t efi_count;
    struct mmap_build_e820_entry *e820;
    uint32_t e820_count;
    struct bootinfo_ledger_entry *ledger;
    uint32_t ledger_count;
    struct bootinfo_pin *pins;
    uint32_t pin_count;
};

/** Reads @p path. @param reason receives what is wrong with it. @return whether it is a map */
bool map_file_read(const char *path, struct map_file *file, char *reason, size_t reason_bytes);

/** Gives back what map_file_read() allocated. */
void map_file_free(struct map_file *file);

#endif
