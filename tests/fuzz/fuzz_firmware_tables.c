/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for firmware_tables and smbios_machine: the input is where the tables are, and
 * the memory that they lie in. The fake RAM aborts on a read of what the map does not call memory.
 * Aborts also where a pin is not whole pages, is there twice, or touches nothing that is free.
 *
 *     1 MiB   free   +16 KiB   ACPI   +32 KiB   reserved   +48 KiB   nothing
 */
#include <string.h>

#include <arch/physmap.h>

#include "firmware_tables.h"
#include "mm/addr.h"
#include "smbios_machine.h"
#include "tests/fake/fake_efi_map.h"
#include "tests/fake/fake_ram.h"
#include "tests/fuzz/fuzz.h"

#define BASE        SIZE_1M
#define PART_PAGES  UINT64_C(4)
#define PART_BYTES  (PART_PAGES * PAGE_SIZE)
#define TOTAL_BYTES (3 * PART_BYTES)
#define RSDP_BYTES  36U

/* Offsets from BASE; UINT16_MAX: none. */
struct preamble {
    uint16_t rsdp;
    uint16_t smbios;
    uint16_t smbios3;
    uint16_t esrt;
    uint16_t memory_attributes;
    uint16_t tpm_final_events;
};

static uint64_t place(uint16_t offset)
{
    return offset == UINT16_MAX ? 0 : BASE + offset;
}

/* Makes [at, at + size_bytes) add up to 0, by the byte at @p at + @p fix. */
static void fix_sum(uint64_t at, uint64_t size_bytes, uint64_t fix)
{
    uint8_t *const bytes = physmap_ptr(phys_addr(at), size_bytes);
    uint8_t sum = 0;
    for (uint64_t i = 0; i < size_bytes; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    bytes[fix] = (uint8_t)(bytes[fix] - sum);
}

/* The sums of a root pointer are no obstacle: they are made right, but at an odd address the second
 * one is not. */
static void take_rsdp(uint16_t offset, const struct efi_map *map, struct bootinfo *info)
{
    if (offset > TOTAL_BYTES - RSDP_BYTES) {
        return;
    }
    const uint64_t at = BASE + offset;
    fix_sum(at, 20, 8);
    fix_sum(at, RSDP_BYTES - offset % 2, 32);
    if (firmware_tables_copy_rsdp(at, info) == K_OK) {
        FUZZ_REQUIRE(info->rsdp == at && info->rsdp_copy_size <= RSDP_BYTES);
    } else {
        FUZZ_REQUIRE(info->rsdp == 0);
    }
    const uint32_t copied = info->rsdp_copy_size;
    switch (firmware_tables_settle_root(info, map)) {
    case FIRMWARE_TABLES_ROOT_AS_SAID:
        FUZZ_REQUIRE(info->rsdp_copy_size == copied);
        break;
    case FIRMWARE_TABLES_ROOT_RSDT_SERVES:
        FUZZ_REQUIRE(info->rsdp == at && info->rsdp_copy_size == 20);
        break;
    case FIRMWARE_TABLES_ROOT_BROKEN:
        FUZZ_REQUIRE(info->rsdp == 0 && copied == 20);
        break;
    }
}

static void check_pins(const struct firmware_pins *pins)
{
    FUZZ_REQUIRE(pins->count <= FIRMWARE_PINS_MAX);
    FUZZ_REQUIRE(pins->dropped == 0 || pins->count == FIRMWARE_PINS_MAX);
    for (uint32_t i = 0; i < pins->count; i++) {
        const struct bootinfo_pin *const pin = &pins->pins[i];
        FUZZ_REQUIRE(pin->base % PAGE_SIZE == 0 && pin->pages > 0);
        FUZZ_REQUIRE(pin->base < BASE + PART_BYTES);
        FUZZ_REQUIRE(pin->base + pin->pages * PAGE_SIZE > BASE);
        for (uint32_t j = 0; j < i; j++) {
            const struct bootinfo_pin *const other = &pins->pins[j];
            FUZZ_REQUIRE(other->base != pin->base || other->kind != pin->kind ||
                         other->pages < pin->pages);
        }
    }
}

/* What is listed can be read. */
static void touch(void *context, uint64_t table, uint64_t table_bytes)
{
    (void)context;
    (void)physmap_ptr(phys_addr(table), table_bytes);
}

/* The strings of SMBIOS are read without a map: the input, in memory of its own size. */
static void read_machine(const uint8_t *data, size_t size_bytes)
{
    struct smbios_machine machine;
    smbios_machine_read(data, size_bytes, &machine);
    FUZZ_REQUIRE(strlen(machine.product) < SMBIOS_TEXT_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct preamble preamble;
    read_machine(data, size_bytes);
    if (size_bytes < sizeof(preamble) || size_bytes - sizeof(preamble) > TOTAL_BYTES) {
        return 0;
    }
    memcpy(&preamble, data, sizeof(preamble));
    fake_ram_reset();
    fake_ram_add(BASE, TOTAL_BYTES);
    memcpy(physmap_ptr(phys_addr(BASE), TOTAL_BYTES), data + sizeof(preamble),
           size_bytes - sizeof(preamble));
    struct fake_efi_map firmware;
    fake_efi_map_init(&firmware, 48);
    fake_efi_map_add(&firmware, EFI_MAP_CONVENTIONAL, BASE, PART_PAGES, EFI_MAP_ATTRIBUTE_WB);
    fake_efi_map_add(&firmware, EFI_MAP_ACPI_RECLAIM, BASE + PART_BYTES, PART_PAGES,
                     EFI_MAP_ATTRIBUTE_WB);
    fake_efi_map_add(&firmware, EFI_MAP_RESERVED, BASE + 2 * PART_BYTES, PART_PAGES, 0);
    struct bootinfo info = { .smbios = place(preamble.smbios), .smbios3 = place(preamble.smbios3) };
    take_rsdp(preamble.rsdp, &firmware.map, &info);
    const struct firmware_tables tables = {
        .esrt = place(preamble.esrt),
        .memory_attributes = place(preamble.memory_attributes),
        .tpm_final_events = place(preamble.tpm_final_events),
    };
    struct firmware_pins pins = { .map = &firmware.map };
    firmware_tables_pin(&info, &tables, &pins);
    check_pins(&pins);
    firmware_tables_list_acpi(&info, &firmware.map, touch, NULL);
    uint64_t table;
    uint64_t table_bytes;
    if (firmware_tables_find_smbios(&info, &firmware.map, &table, &table_bytes)) {
        struct smbios_machine machine;
        smbios_machine_read(physmap_ptr(phys_addr(table), table_bytes), table_bytes, &machine);
    }
    fake_efi_map_free(&firmware);
    return 0;
}
