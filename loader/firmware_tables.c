/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See firmware_tables.h. Nothing here fails: a table that makes no sense is passed over, because a
 * kernel without a pin is better than no kernel. Numbers are taken out of byte copies (tables are
 * not aligned). Stateless.
 */
#include "firmware_tables.h"

#include <stdbool.h>
#include <stddef.h>

#include <arch/physmap.h>

#include "lib/string.h"

#define RSDP_V1_BYTES        20U
#define RSDP_V2_BYTES        36U
#define RSDP_BYTES_MAX       4096U
#define RSDP_REVISION        15U /* offsets in the RSDP */
#define RSDP_RSDT            16U
#define RSDP_LENGTH          20U
#define RSDP_XSDT            24U
#define ACPI_HEADER_BYTES    36U
#define ACPI_HEADER_LENGTH   4U
#define ACPI_TABLE_BYTES_MAX (UINT64_C(16) << 20)
#define ACPI_TABLES_MAX      256U
#define FADT_DSDT            40U
#define FADT_X_DSDT          140U
#define SMBIOS2_BYTES        31U
#define SMBIOS2_TABLE_LENGTH 22U
#define SMBIOS2_TABLE        24U
#define SMBIOS3_BYTES        24U
#define SMBIOS3_TABLE_MAX    12U
#define SMBIOS3_TABLE        16U
#define ESRT_BYTES           16U
#define ESRT_ENTRY_BYTES     40U

static uint64_t read_number(const uint8_t *bytes, unsigned size_bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size_bytes; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

static uint8_t sum_bytes(const uint8_t *bytes, uint64_t size_bytes)
{
    uint8_t sum = 0;
    for (uint64_t i = 0; i < size_bytes; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return sum;
}

/* The whole of a version 2 pointer: its length field, then the checksum over so many bytes. */
static bool second_part_is_sound(uint64_t rsdp)
{
    const uint8_t *const fixed = physmap_ptr(phys_addr(rsdp), RSDP_V2_BYTES);
    const uint64_t length = read_number(fixed + RSDP_LENGTH, 4);
    return length >= RSDP_V2_BYTES && length <= RSDP_BYTES_MAX &&
           sum_bytes(physmap_ptr(phys_addr(rsdp), length), length) == 0;
}

enum kstatus firmware_tables_copy_rsdp(uint64_t rsdp, struct bootinfo *info)
{
    const uint8_t *const first = physmap_ptr(phys_addr(rsdp), RSDP_V1_BYTES);
    if (memcmp(first, "RSD PTR ", 8) != 0 || sum_bytes(first, RSDP_V1_BYTES) != 0) {
        return K_EILSEQ;
    }
    const bool has_second_part = first[RSDP_REVISION] >= 2;
    if (has_second_part && !second_part_is_sound(rsdp)) {
        return K_EILSEQ;
    }
    const uint32_t copied = has_second_part ? RSDP_V2_BYTES : RSDP_V1_BYTES;
    memcpy(info->rsdp_copy, physmap_ptr(phys_addr(rsdp), copied), copied);
    info->rsdp = rsdp;
    info->rsdp_copy_size = copied;
    return K_OK;
}

static bool descriptor_range(const struct efi_map_descriptor *descriptor, uint64_t *end)
{
    uint64_t bytes;
    return !__builtin_mul_overflow(descriptor->pages, PAGE_SIZE, &bytes) &&
           !__builtin_add_overflow(descriptor->physical_start, bytes, end);
}

/* Whether one descriptor that is memory holds all of [base, base + size_bytes). */
static bool is_readable(const struct efi_map *map, uint64_t base, uint64_t size_bytes)
{
    uint64_t end;
    if (base == 0 || __builtin_add_overflow(base, size_bytes, &end)) {
        return false;
    }
    const uint64_t count = efi_map_count(map);
    for (uint64_t i = 0; i < count; i++) {
        const struct efi_map_descriptor descriptor = efi_map_get(map, i);
        const bool is_memory =
            efi_map_type_is_ram(descriptor.type) || descriptor.type == EFI_MAP_RESERVED;
        uint64_t descriptor_end;
        if (is_memory && descriptor_range(&descriptor, &descriptor_end) &&
            base >= descriptor.physical_start && end <= descriptor_end) {
            return true;
        }
    }
    return false;
}

/* A copy of @p size_bytes at @p base where they may be read. */
static bool read_bytes(const struct efi_map *map, uint64_t base, uint8_t *to, uint32_t size_bytes)
{
    if (!is_readable(map, base, size_bytes)) {
        return false;
    }
    memcpy(to, physmap_ptr(phys_addr(base), size_bytes), size_bytes);
    return true;
}

static bool touches_free_memory(const struct efi_map *map, uint64_t base, uint64_t end)
{
    const uint64_t count = efi_map_count(map);
    for (uint64_t i = 0; i < count; i++) {
        const struct efi_map_descriptor descriptor = efi_map_get(map, i);
        uint64_t descriptor_end;
        if (efi_map_reason(descriptor.type, descriptor.attribute) == MMAP_REASON_AVAILABLE &&
            descriptor_range(&descriptor, &descriptor_end) && base < descriptor_end &&
            descriptor.physical_start < end) {
            return true;
        }
    }
    return false;
}

static bool is_pinned(const struct firmware_pins *pins, const struct bootinfo_pin *pin)
{
    for (uint32_t i = 0; i < pins->count; i++) {
        const struct bootinfo_pin *const old = &pins->pins[i];
        if (old->kind == pin->kind && pin->base >= old->base &&
            pin->base + (pin->pages << PAGE_SHIFT) <= old->base + (old->pages << PAGE_SHIFT)) {
            return true;
        }
    }
    return false;
}

/* Pins the pages of [base, base + size_bytes) unless that changes nothing. */
static void add_pin(struct firmware_pins *pins, uint64_t base, uint64_t size_bytes,
                    enum bootinfo_pin_kind kind)
{
    uint64_t end;
    if (size_bytes == 0 || __builtin_add_overflow(base, size_bytes, &end) ||
        !bits_align_up_checked(end, PAGE_SIZE, &end)) {
        return;
    }
    base = bits_align_down(base, PAGE_SIZE);
    if (kind != BOOTINFO_PIN_FRAMEBUFFER && !touches_free_memory(pins->map, base, end)) {
        return;
    }
    const struct bootinfo_pin pin = { .base = base,
                                      .pages = (end - base) >> PAGE_SHIFT,
                                      .kind = (uint32_t)kind };
    if (is_pinned(pins, &pin)) {
        return;
    }
    if (pins->count == FIRMWARE_PINS_MAX) {
        pins->dropped++;
        return;
    }
    pins->pins[pins->count++] = pin;
}

/* Pins the ACPI table at @p base; its length through @p size_bytes. */
static bool pin_acpi_table(struct firmware_pins *pins, uint64_t base, uint64_t *size_bytes)
{
    uint8_t header[ACPI_HEADER_BYTES];
    if (!read_bytes(pins->map, base, header, ACPI_HEADER_BYTES)) {
        return false;
    }
    const uint64_t length = read_number(header + ACPI_HEADER_LENGTH, 4);
    if (length < ACPI_HEADER_BYTES || length > ACPI_TABLE_BYTES_MAX ||
        !is_readable(pins->map, base, length)) {
        return false;
    }
    add_pin(pins, base, length, BOOTINFO_PIN_ACPI);
    *size_bytes = length;
    return true;
}

/* The DSDT hangs on the FADT alone ("FACP"). */
static void pin_dsdt(struct firmware_pins *pins, uint64_t fadt, uint64_t fadt_bytes)
{
    const uint8_t *const bytes = physmap_ptr(phys_addr(fadt), fadt_bytes);
    if (memcmp(bytes, "FACP", 4) != 0) {
        return;
    }
    uint64_t dsdt = 0;
    if (fadt_bytes >= FADT_X_DSDT + 8) {
        dsdt = read_number(bytes + FADT_X_DSDT, 8);
    }
    if (dsdt == 0 && fadt_bytes >= FADT_DSDT + 4) {
        dsdt = read_number(bytes + FADT_DSDT, 4);
    }
    uint64_t size_bytes;
    (void)pin_acpi_table(pins, dsdt, &size_bytes); /* a table that is nonsense gets no pin */
}

/* The root table at @p root holds addresses of @p entry_bytes (RSDT 4, XSDT 8) behind its header.
 */
static void pin_acpi_tree(struct firmware_pins *pins, uint64_t root, unsigned entry_bytes)
{
    uint64_t root_bytes;
    if (!pin_acpi_table(pins, root, &root_bytes)) {
        return;
    }
    const uint64_t count =
        bits_min((root_bytes - ACPI_HEADER_BYTES) / entry_bytes, ACPI_TABLES_MAX);
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *const entry =
            physmap_ptr(phys_addr(root + ACPI_HEADER_BYTES + i * entry_bytes), entry_bytes);
        const uint64_t table = read_number(entry, entry_bytes);
        uint64_t table_bytes;
        if (pin_acpi_table(pins, table, &table_bytes)) {
            pin_dsdt(pins, table, table_bytes);
        }
    }
}

static void pin_acpi(const struct bootinfo *info, struct firmware_pins *pins)
{
    if (info->rsdp == 0) {
        return;
    }
    add_pin(pins, info->rsdp, info->rsdp_copy_size, BOOTINFO_PIN_ACPI);
    uint64_t xsdt = 0;
    if (info->rsdp_copy_size >= RSDP_V2_BYTES) {
        xsdt = read_number(info->rsdp_copy + RSDP_XSDT, 8);
    }
    if (xsdt != 0) {
        pin_acpi_tree(pins, xsdt, 8);
    } else {
        pin_acpi_tree(pins, read_number(info->rsdp_copy + RSDP_RSDT, 4), 4);
    }
}

static void pin_smbios(const struct bootinfo *info, struct firmware_pins *pins)
{
    uint8_t entry[SMBIOS2_BYTES];
    if (info->smbios != 0 && read_bytes(pins->map, info->smbios, entry, SMBIOS2_BYTES) &&
        memcmp(entry, "_SM_", 4) == 0) {
        add_pin(pins, info->smbios, SMBIOS2_BYTES, BOOTINFO_PIN_RESERVED);
        add_pin(pins, read_number(entry + SMBIOS2_TABLE, 4),
                read_number(entry + SMBIOS2_TABLE_LENGTH, 2), BOOTINFO_PIN_RESERVED);
    }
    if (info->smbios3 != 0 && read_bytes(pins->map, info->smbios3, entry, SMBIOS3_BYTES) &&
        memcmp(entry, "_SM3_", 5) == 0) {
        add_pin(pins, info->smbios3, SMBIOS3_BYTES, BOOTINFO_PIN_RESERVED);
        add_pin(pins, read_number(entry + SMBIOS3_TABLE, 8),
                read_number(entry + SMBIOS3_TABLE_MAX, 4), BOOTINFO_PIN_RESERVED);
    }
}

static void pin_esrt(uint64_t esrt, struct firmware_pins *pins)
{
    uint8_t header[ESRT_BYTES];
    if (esrt == 0 || !read_bytes(pins->map, esrt, header, ESRT_BYTES)) {
        return;
    }
    const uint64_t size_bytes = ESRT_BYTES + read_number(header, 4) * ESRT_ENTRY_BYTES;
    if (is_readable(pins->map, esrt, size_bytes)) {
        add_pin(pins, esrt, size_bytes, BOOTINFO_PIN_RESERVED);
    }
}

void firmware_tables_pin(const struct bootinfo *info, uint64_t esrt, struct firmware_pins *pins)
{
    pins->count = 0;
    pins->dropped = 0;
    if (info->framebuffer.format != BOOTINFO_PIXEL_NONE) {
        add_pin(pins, info->framebuffer.base, info->framebuffer.size, BOOTINFO_PIN_FRAMEBUFFER);
    }
    pin_acpi(info, pins);
    pin_smbios(info, pins);
    pin_esrt(esrt, pins);
}
