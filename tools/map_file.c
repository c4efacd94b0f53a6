/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See map_file.h. Line by line; a line that is neither a comment nor a descriptor is an error that
 * names its number.
 */
#include "tools/map_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mm/addr.h"

static void *grow(void *array, uint32_t count, size_t size_bytes)
{
    /* Doubling at powers of two keeps it linear without a capacity field. */
    if (count != 0 && (count & (count - 1)) != 0) {
        return array;
    }
    void *const larger = realloc(array, (count == 0 ? 1 : (size_t)count * 2) * size_bytes);
    if (larger == NULL) {
        fprintf(stderr, "map_file: out of memory\n");
        exit(1);
    }
    return larger;
}

static void add_efi(struct map_file *file, uint32_t type, uint64_t start, uint64_t pages,
                    uint64_t attribute)
{
    file->efi_bytes = grow(file->efi_bytes, file->efi_count, MAP_FILE_STRIDE);
    uint8_t *const at = file->efi_bytes + (size_t)file->efi_count * MAP_FILE_STRIDE;
    memset(at, 0, MAP_FILE_STRIDE);
    memcpy(at, &type, sizeof(type));
    memcpy(at + 8, &start, sizeof(start));
    memcpy(at + 24, &pages, sizeof(pages));
    memcpy(at + 32, &attribute, sizeof(attribute));
    file->efi_count++;
}

static bool parse_efi(struct map_file *file, const char *line)
{
    uint32_t type;
    uint64_t start;
    uint64_t pages;
    uint64_t attribute;
    if (sscanf(line, "%" SCNu32 " %" SCNx64 " %" SCNx64 " %" SCNx64, &type, &start, &pages,
               &attribute) != 4) {
        return false;
    }
    add_efi(file, type, start, pages, attribute);
    return true;
}

static bool parse_e820(struct map_file *file, const char *line)
{
    uint32_t type;
    uint64_t start;
    uint64_t last;
    if (sscanf(line, "%" SCNu32 " %" SCNx64 " %" SCNx64, &type, &start, &last) != 3) {
        return false;
    }
    file->e820 = grow(file->e820, file->e820_count, sizeof(*file->e820));
    file->e820[file->e820_count++] = (struct mmap_build_e820_entry){
        .base = start,
        .size = last - start + 1, /* an end below the start wraps: the pipeline refuses it */
        .type = type,
    };
    return true;
}

static bool parse_ledger(struct map_file *file, const char *line)
{
    struct bootinfo_ledger_entry entry = { .purpose = BOOTINFO_PURPOSE_SCRATCH };
    if (sscanf(line, "# ledger %" SCNx64 " %" SCNx64 " %" SCNu32 " %" SCNx32, &entry.base,
               &entry.pages, &entry.type, &entry.lifetime) != 4) {
        return false;
    }
    file->ledger = grow(file->ledger, file->ledger_count, sizeof(*file->ledger));
    file->ledger[file->ledger_count++] = entry;
    return true;
}

static const struct {
    const char *name;
    enum bootinfo_pin_kind kind;
} pin_kinds[] = {
    { "", BOOTINFO_PIN_RESERVED }, /* no word */
    { "reserved", BOOTINFO_PIN_RESERVED },
    { "acpi", BOOTINFO_PIN_ACPI },
    { "framebuffer", BOOTINFO_PIN_FRAMEBUFFER },
};

static bool set_pin_kind(struct bootinfo_pin *pin, const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(pin_kinds); i++) {
        if (strcmp(name, pin_kinds[i].name) == 0) {
            pin->kind = (uint32_t)pin_kinds[i].kind;
            return true;
        }
    }
    return false;
}

static bool parse_pin(struct map_file *file, const char *line)
{
    struct bootinfo_pin pin = { .reserved = 0 };
    char kind[16] = "";
    if (sscanf(line, "# pin %" SCNx64 " %" SCNx64 " %15s", &pin.base, &pin.pages, kind) < 2 ||
        !set_pin_kind(&pin, kind)) {
        return false;
    }
    file->pins = grow(file->pins, file->pin_count, sizeof(*file->pins));
    file->pins[file->pin_count++] = pin;
    return true;
}

static bool parse_comment(struct map_file *file, const char *line, bool *has_kind)
{
    if (strncmp(line, "# ledger ", 9) == 0) {
        return parse_ledger(file, line);
    }
    if (strncmp(line, "# pin ", 6) == 0) {
        return parse_pin(file, line);
    }
    char kind[8];
    if (sscanf(line, "# kind: %7s", kind) == 1) {
        if (*has_kind) {
            return false; /* two kinds of descriptors cannot be one map */
        }
        *has_kind = true;
        file->kind = strcmp(kind, "efi") == 0 ? MAP_FILE_EFI : MAP_FILE_E820;
        return strcmp(kind, "efi") == 0 || strcmp(kind, "e820") == 0;
    }
    return true;
}

static bool parse_line(struct map_file *file, const char *line, bool *has_kind)
{
    if (line[0] == '\n' || line[0] == '\r' || line[0] == '\0') {
        return true;
    }
    if (line[0] == '#') {
        return parse_comment(file, line, has_kind);
    }
    if (!*has_kind) {
        return false;
    }
    return file->kind == MAP_FILE_EFI ? parse_efi(file, line) : parse_e820(file, line);
}

bool map_file_read(const char *path, struct map_file *file, char *reason, size_t reason_bytes)
{
    memset(file, 0, sizeof(*file));
    FILE *const stream = fopen(path, "r");
    if (stream == NULL) {
        (void)snprintf(reason, reason_bytes, "cannot be opened");
        return false;
    }
    char line[1024];
    unsigned number = 0;
    bool has_kind = false;
    bool ok = true;
    while (ok && fgets(line, sizeof(line), stream) != NULL) {
        number++;
        ok = parse_line(file, line, &has_kind);
    }
    (void)fclose(stream);
    if (!ok) {
        (void)snprintf(reason, reason_bytes, "line %u is no descriptor of this map", number);
    } else if (file->efi_count + file->e820_count == 0) {
        (void)snprintf(reason, reason_bytes, "no descriptors");
        ok = false;
    }
    if (!ok) {
        map_file_free(file);
    }
    return ok;
}

void map_file_free(struct map_file *file)
{
    free(file->efi_bytes);
    free(file->e820);
    free(file->ledger);
    free(file->pins);
    memset(file, 0, sizeof(*file));
}
