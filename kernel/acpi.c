/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See acpi.h. Tables are copied field by field with memcpy: nothing promises alignment.
 */
#include "acpi.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <arch/physmap.h>

#include "acpi_tables.h"
#include "lib/bits.h"
#include "mm/memory_map.h"
#include "mm/mm_init.h"

#define RSDP_SIZE_1   20U
#define RSDP_SIZE_2   36U
#define RSDP_RSDT     16U /* offset of the 32-bit address */
#define RSDP_XSDT     24U /* offset of the 64-bit address */
#define HEADER_SIZE   36U /* of every system description table */
#define HEADER_LENGTH 4U  /* offset */
#define TABLE_MAX     (1U << 20)

#define MADT_ENTRIES      44U /* offset of the first interrupt controller structure */
#define MADT_LOCAL_APIC   0U
#define MADT_LOCAL_X2APIC 9U
#define MADT_FLAGS_APIC   4U /* offset of the flags in a local APIC structure */
#define MADT_FLAGS_X2APIC 8U
#define MADT_FLAG_ENABLED 1U

/* A table whose header was checked: all of it is in the direct map. */
struct table {
    uint64_t phys;
    uint32_t length;
};

static bool is_mapped(uint64_t phys, uint64_t size_bytes)
{
    const struct memory_map map = mm_memory_map();
    uint64_t end;
    if (__builtin_add_overflow(phys, size_bytes, &end) || phys < PAGE_SIZE) {
        return false;
    }
    uint64_t covered = phys;
    for (uint32_t i = 0; i < map.count && covered < end; i++) {
        const struct multiboot2_mmap_entry *const entry = &map.entries[i];
        const bool holds = entry->address <= covered && covered < entry->address + entry->length;
        /* In the kernel's own memory are holes (guards), and never a table. */
        if (holds && memory_map_type_is_mapped(entry->type) && entry->type != MMAP_KERNEL) {
            covered = entry->address + entry->length;
        }
    }
    return covered >= end;
}

static uint64_t read_bytes(uint64_t phys, uint32_t size_bytes)
{
    uint64_t value = 0;
    memcpy(&value, physmap_ptr(phys_addr(phys), size_bytes), size_bytes); /* little-endian */
    return value;
}

static bool open_table(uint64_t phys, struct table *table)
{
    if (!is_mapped(phys, HEADER_SIZE)) {
        return false;
    }
    const uint32_t length = (uint32_t)read_bytes(phys + HEADER_LENGTH, 4);
    if (length < HEADER_SIZE || length > TABLE_MAX || !is_mapped(phys, length)) {
        return false;
    }
    *table = (struct table){ .phys = phys, .length = length };
    return true;
}

static bool has_signature(const struct table *table, const char *signature)
{
    return memcmp(physmap_ptr(phys_addr(table->phys), 4), signature, 4) == 0;
}

/* Looks through the XSDT (8-byte addresses) or RSDT (4-byte ones). */
static bool find_table(const struct table *root, uint32_t address_size, const char *signature,
                       struct table *found)
{
    const uint64_t count = bits_min((root->length - HEADER_SIZE) / address_size, ACPI_TABLES_MAX);
    for (uint64_t i = 0; i < count; i++) {
        struct table table;
        if (open_table(read_bytes(root->phys + HEADER_SIZE + i * address_size, address_size),
                       &table) &&
            has_signature(&table, signature)) {
            *found = table;
            return true;
        }
    }
    return false;
}

static bool structure_is_cpu(const struct table *madt, uint32_t at, uint32_t length)
{
    const uint64_t type = read_bytes(madt->phys + at, 1);
    uint32_t flags_at = 0;
    if (type == MADT_LOCAL_APIC) {
        flags_at = MADT_FLAGS_APIC;
    } else if (type == MADT_LOCAL_X2APIC) {
        flags_at = MADT_FLAGS_X2APIC;
    } else {
        return false;
    }
    return flags_at + 4 <= length &&
           (read_bytes(madt->phys + at + flags_at, 4) & MADT_FLAG_ENABLED) != 0;
}

static uint32_t count_enabled(const struct table *madt)
{
    uint32_t cpus = 0;
    uint32_t at = MADT_ENTRIES;
    while (at + 2 <= madt->length) {
        const uint32_t length = (uint32_t)read_bytes(madt->phys + at + 1, 1);
        if (length < 2 || at + length > madt->length) {
            break;
        }
        cpus += structure_is_cpu(madt, at, length) ? 1 : 0;
        at += length;
    }
    return cpus;
}

/* The first table with @p signature that the root table lists. */
static bool find(const uint8_t *rsdp, uint32_t rsdp_size_bytes, const char *signature,
                 struct table *found)
{
    uint64_t address = 0;
    uint32_t address_size = 0;
    if (rsdp_size_bytes == RSDP_SIZE_2) {
        address_size = 8;
        memcpy(&address, rsdp + RSDP_XSDT, 8);
    }
    if (rsdp_size_bytes == RSDP_SIZE_1 || (rsdp_size_bytes == RSDP_SIZE_2 && address == 0)) {
        address_size = 4;
        memcpy(&address, rsdp + RSDP_RSDT, 4);
    }
    struct table root;
    return address != 0 && open_table(address, &root) &&
           find_table(&root, address_size, signature, found);
}

uint32_t acpi_count_cpus(const uint8_t *rsdp, uint32_t rsdp_size_bytes)
{
    struct table madt;
    return find(rsdp, rsdp_size_bytes, "APIC", &madt) ? count_enabled(&madt) : 0;
}
