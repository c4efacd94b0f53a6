/* SPDX-License-Identifier: GPL-2.0-only
 *
 * firmware_tables.c: the ACPI root pointer's checks, and which pages get a pin. Tables lie in fake
 * RAM; what the map does not call memory may not be read (the fake RAM aborts on it).
 *
 *    0  free  640K    1M  free memory (conventional)  4M  ACPI reclaim  5M
 */
#include "firmware_tables.h"

#include <string.h>

#include <arch/physmap.h>

#include "tests/fake/fake_efi_map.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define MIB  UINT64_C(0x100000)
#define FREE (2 * MIB)
#define ACPI (4 * MIB)

struct fixture {
    struct fake_efi_map firmware;
    struct bootinfo info;
    struct firmware_pins pins;
};

static const struct firmware_tables none;

static void fixture_init(struct fixture *f)
{
    fake_ram_reset();
    fake_ram_add(0, 5 * MIB);
    *f = (struct fixture){ .info = { .flags = 0 } };
    fake_efi_map_init(&f->firmware, 48);
    fake_efi_map_add(&f->firmware, EFI_MAP_CONVENTIONAL, 0, 160, EFI_MAP_ATTRIBUTE_WB);
    fake_efi_map_add(&f->firmware, EFI_MAP_CONVENTIONAL, MIB, 768, EFI_MAP_ATTRIBUTE_WB);
    fake_efi_map_add(&f->firmware, EFI_MAP_ACPI_RECLAIM, ACPI, 256, EFI_MAP_ATTRIBUTE_WB);
    fake_efi_map_add(&f->firmware, EFI_MAP_MMIO, 3 * SIZE_1G, 256, EFI_MAP_ATTRIBUTE_UC);
    f->pins.map = &f->firmware.map;
}

static void fixture_free(struct fixture *f)
{
    fake_efi_map_free(&f->firmware);
}

static void poke(uint64_t phys, uint64_t value, unsigned size_bytes)
{
    memcpy(physmap_ptr(phys_addr(phys), size_bytes), &value, size_bytes); /* little-endian host */
}

static void poke_text(uint64_t phys, const char *text)
{
    memcpy(physmap_ptr(phys_addr(phys), strlen(text)), text, strlen(text));
}

/* Makes the bytes [phys, phys + size) add up to 0 by the byte at @p at. */
static void fix_sum(uint64_t phys, uint64_t size_bytes, uint64_t at)
{
    uint8_t *const bytes = physmap_ptr(phys_addr(phys), size_bytes);
    bytes[at] = 0;
    uint8_t sum = 0;
    for (uint64_t i = 0; i < size_bytes; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    bytes[at] = (uint8_t)(0 - sum);
}

static void make_rsdp(uint64_t phys, unsigned revision, uint64_t root, uint32_t length)
{
    poke_text(phys, "RSD PTR ");
    poke(phys + 15, revision, 1);
    poke(phys + 16, revision < 2 ? root : 0, 4);
    if (revision >= 2) {
        poke(phys + 20, length, 4);
        poke(phys + 24, root, 8);
    }
    fix_sum(phys, 20, 8);
    if (revision >= 2) {
        fix_sum(phys, length, 32);
    }
}

static void make_table(uint64_t phys, const char *signature, uint32_t length)
{
    poke_text(phys, signature);
    poke(phys + 4, length, 4);
}

static void expect_pin(struct ktest *t, const struct fixture *f, uint32_t index, uint64_t base,
                       uint64_t pages, uint32_t kind)
{
    if (!KTEST_TRUE(t, index < f->pins.count)) {
        return;
    }
    KTEST_EQ(t, f->pins.pins[index].base, base);
    KTEST_EQ(t, f->pins.pins[index].pages, pages);
    KTEST_EQ(t, f->pins.pins[index].kind, kind);
}

static void rsdp_good_ones_are_copied(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    make_rsdp(ACPI + 0x14, 2, ACPI + 0x1000, 36);
    KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI + 0x14, &f.info), K_OK);
    KTEST_EQ(t, f.info.rsdp, ACPI + 0x14);
    KTEST_EQ(t, f.info.rsdp_copy_size, 36);
    KTEST_EQ(t, memcmp(f.info.rsdp_copy, "RSD PTR ", 8), 0);

    make_rsdp(ACPI + 0x2000, 0, ACPI + 0x1000, 0);
    KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI + 0x2000, &f.info), K_OK);
    KTEST_EQ(t, f.info.rsdp_copy_size, 20);

    make_rsdp(ACPI + 0x3000, 2, ACPI + 0x1000, 48); /* longer than today's: sum over all of it */
    KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI + 0x3000, &f.info), K_OK);
    KTEST_EQ(t, f.info.rsdp_copy_size, 36);
    fixture_free(&f);
}

/* Any single changed byte of the 36 is seen, and nothing is written. */
static void rsdp_broken_ones_are_refused(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    for (uint64_t i = 0; i < 36; i++) {
        make_rsdp(ACPI, 2, ACPI + 0x1000, 36);
        uint8_t *const byte = physmap_ptr(phys_addr(ACPI + i), 1);
        *byte ^= 0x10;
        KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f.info), K_EILSEQ);
        *byte ^= 0x10;
    }
    make_rsdp(ACPI, 2, ACPI + 0x1000, 36);
    poke_text(ACPI, "RSD PTR!"); /* right sums, wrong name */
    fix_sum(ACPI, 20, 8);
    fix_sum(ACPI, 36, 32);
    KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f.info), K_EILSEQ);
    make_rsdp(ACPI, 2, ACPI + 0x1000, 35);
    KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f.info), K_EILSEQ);
    KTEST_EQ(t, f.info.rsdp, 0);
    fixture_free(&f);
}

/* A root pointer with both addresses. */
static void make_full_rsdp(uint64_t phys, uint32_t rsdt, uint64_t xsdt)
{
    make_rsdp(phys, 2, xsdt, 36);
    poke(phys + 16, rsdt, 4);
    fix_sum(phys, 20, 8);
    fix_sum(phys, 36, 32);
}

/* A root table of @p bytes at @p phys whose entries, @p entry_bytes each, are all @p entry. */
static void make_root(uint64_t phys, const char *signature, uint32_t bytes, unsigned entry_bytes,
                      uint64_t entry)
{
    make_table(phys, signature, bytes);
    for (uint64_t at = 36; at + entry_bytes <= bytes; at += entry_bytes) {
        poke(phys + at, entry, entry_bytes);
    }
}

#define XSDT_AT  (ACPI + 0x1000)
#define RSDT_AT  (ACPI + 0x3000)
#define TABLE_AT (ACPI + 0x5000)

/* Any byte of the second part; without an RSDT nothing is left. */
static void rsdp_with_a_broken_second_part_is_cut(struct ktest *t)
{
    for (uint64_t i = 20; i < 36; i++) {
        for (uint32_t rsdt_bytes = 36; rsdt_bytes <= 40; rsdt_bytes += 4) {
            struct fixture f;
            fixture_init(&f);
            make_full_rsdp(ACPI, RSDT_AT, XSDT_AT);
            make_table(TABLE_AT, "APIC", 100);
            make_root(RSDT_AT, "RSDT", rsdt_bytes, 4, TABLE_AT);
            *(uint8_t *)physmap_ptr(phys_addr(ACPI + i), 1) ^= 0x10;
            KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f.info), K_OK);
            KTEST_EQ(t, f.info.rsdp_copy_size, 20);
            const bool serves = rsdt_bytes == 40;
            KTEST_EQ(t, firmware_tables_settle_root(&f.info, &f.firmware.map),
                     serves ? FIRMWARE_TABLES_ROOT_RSDT_SERVES : FIRMWARE_TABLES_ROOT_BROKEN);
            KTEST_EQ(t, f.info.rsdp, serves ? ACPI : 0);
            KTEST_EQ(t, f.info.rsdp_copy_size, serves ? 20 : 0);
            fixture_free(&f);
        }
    }
}

struct roots {
    uint64_t xsdt;
    uint32_t xsdt_bytes; /* 0: nothing is there */
    uint64_t xsdt_entry;
    uint32_t rsdt_bytes;
    uint64_t rsdt_entry;
};

/* @return whether the RSDT serves */
static bool falls_back(struct ktest *t, struct roots roots)
{
    struct fixture f;
    fixture_init(&f);
    make_full_rsdp(ACPI, roots.rsdt_bytes != 0 ? RSDT_AT : 0, roots.xsdt);
    make_table(TABLE_AT, "APIC", 100);
    make_root(RSDT_AT, "RSDT", roots.rsdt_bytes, 4, roots.rsdt_entry);
    if (roots.xsdt_bytes != 0) {
        make_root(roots.xsdt, "XSDT", roots.xsdt_bytes, 8, roots.xsdt_entry);
    }
    KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f.info), K_OK);
    KTEST_EQ(t, f.info.rsdp_copy_size, 36);
    const enum firmware_tables_root root = firmware_tables_settle_root(&f.info, &f.firmware.map);
    const bool fell_back = root == FIRMWARE_TABLES_ROOT_RSDT_SERVES;
    KTEST_TRUE(t, fell_back || root == FIRMWARE_TABLES_ROOT_AS_SAID);
    KTEST_EQ(t, f.info.rsdp, ACPI);
    KTEST_EQ(t, f.info.rsdp_copy_size, fell_back ? 20 : 36);
    fixture_free(&f);
    return fell_back;
}

static void rsdt_serves_where_the_xsdt_does_not(struct ktest *t)
{
    const uint64_t mmio = 3 * SIZE_1G;
    const struct roots good = { XSDT_AT, 36 + 16, TABLE_AT, 36 + 8, TABLE_AT };
    struct roots roots = good;
    KTEST_FALSE(t, falls_back(t, roots));
    roots.xsdt_entry = 0; /* names nothing */
    KTEST_TRUE(t, falls_back(t, roots));
    roots.xsdt_entry = mmio; /* nothing that can be read */
    KTEST_TRUE(t, falls_back(t, roots));
    roots.rsdt_entry = 0; /* no better */
    KTEST_FALSE(t, falls_back(t, roots));
    roots = good;
    roots.xsdt_bytes = 36 + 7; /* no whole entry */
    KTEST_TRUE(t, falls_back(t, roots));
    roots.xsdt_bytes = 35;
    KTEST_TRUE(t, falls_back(t, roots));
    roots.rsdt_bytes = 36 + 3;
    KTEST_FALSE(t, falls_back(t, roots));
    roots = good;
    roots.xsdt_bytes = 0;
    roots.xsdt = mmio;
    KTEST_TRUE(t, falls_back(t, roots));
    roots.xsdt = UINT64_MAX - 4;
    KTEST_TRUE(t, falls_back(t, roots));
    roots.xsdt = 0; /* none was promised: whoever looks takes the RSDT */
    KTEST_FALSE(t, falls_back(t, roots));
    roots.xsdt = mmio;
    roots.rsdt_bytes = 0;
    KTEST_FALSE(t, falls_back(t, roots));
}

static void rsdp_of_acpi_1_is_left_alone(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    KTEST_EQ(t, firmware_tables_settle_root(&f.info, &f.firmware.map),
             FIRMWARE_TABLES_ROOT_AS_SAID); /* no ACPI */
    make_rsdp(ACPI, 0, XSDT_AT, 0);
    KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f.info), K_OK);
    KTEST_EQ(t, firmware_tables_settle_root(&f.info, &f.firmware.map),
             FIRMWARE_TABLES_ROOT_AS_SAID);
    KTEST_EQ(t, f.info.rsdp, ACPI);
    fixture_free(&f);
}

static void pins_tables_in_acpi_memory_need_none(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    make_rsdp(ACPI, 2, ACPI + 0x1000, 36);
    make_table(ACPI + 0x1000, "XSDT", 36 + 8);
    poke(ACPI + 0x1000 + 36, ACPI + 0x2000, 8);
    make_table(ACPI + 0x2000, "APIC", 100);
    KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f.info), K_OK);
    firmware_tables_pin(&f.info, &none, &f.pins);
    KTEST_EQ(t, f.pins.count, 0);
    fixture_free(&f);
}

static void pins_tables_in_free_memory_get_one_each(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    make_rsdp(FREE, 2, FREE + 0x1000, 36);
    make_table(FREE + 0x1000, "XSDT", 36 + 16);
    poke(FREE + 0x1000 + 36, FREE + 0x2ff0, 8); /* reaches into the next page */
    poke(FREE + 0x1000 + 44, FREE + 0x5000, 8);
    make_table(FREE + 0x2ff0, "APIC", 100);
    make_table(FREE + 0x5000, "FACP", 148);
    poke(FREE + 0x5000 + 140, FREE + 0x7000, 8);
    make_table(FREE + 0x7000, "DSDT", 0x1800);
    KTEST_STATUS(t, firmware_tables_copy_rsdp(FREE, &f.info), K_OK);
    firmware_tables_pin(&f.info, &none, &f.pins);
    KTEST_EQ(t, f.pins.count, 5);
    expect_pin(t, &f, 0, FREE, 1, BOOTINFO_PIN_ACPI);
    expect_pin(t, &f, 1, FREE + 0x1000, 1, BOOTINFO_PIN_ACPI);
    expect_pin(t, &f, 2, FREE + 0x2000, 2, BOOTINFO_PIN_ACPI);
    expect_pin(t, &f, 3, FREE + 0x5000, 1, BOOTINFO_PIN_ACPI);
    expect_pin(t, &f, 4, FREE + 0x7000, 2, BOOTINFO_PIN_ACPI);
    fixture_free(&f);
}

static void pins_old_rsdt_is_followed_too(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    make_rsdp(ACPI, 0, ACPI + 0x1000, 0);
    make_table(ACPI + 0x1000, "RSDT", 36 + 4);
    poke(ACPI + 0x1000 + 36, FREE, 4);
    make_table(FREE, "FACP", 116);
    poke(FREE + 40, FREE + 0x3000, 4);
    make_table(FREE + 0x3000, "DSDT", 64);
    KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f.info), K_OK);
    firmware_tables_pin(&f.info, &none, &f.pins);
    KTEST_EQ(t, f.pins.count, 2);
    expect_pin(t, &f, 0, FREE, 1, BOOTINFO_PIN_ACPI);
    expect_pin(t, &f, 1, FREE + 0x3000, 1, BOOTINFO_PIN_ACPI);
    fixture_free(&f);
}

/* Addresses that are no memory, lengths that make no sense: passed over, never read. */
static void pins_nonsense_is_passed_over(struct ktest *t)
{
    static const uint64_t addresses[] = { 0,           UINT64_MAX,  UINT64_MAX - 20,
                                          3 * SIZE_1G, 5 * MIB - 8, 16 * SIZE_1G };
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_COUNT(addresses); i++) {
        make_rsdp(ACPI, 2, addresses[i], 36);
        KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f.info), K_OK);
        f.info.smbios = addresses[i];
        f.info.smbios3 = addresses[i];
        const struct firmware_tables tables = { addresses[i], addresses[i], addresses[i] };
        firmware_tables_pin(&f.info, &tables, &f.pins);
        KTEST_EQ(t, f.pins.count, 0);
    }
    f.info.smbios = 0;
    f.info.smbios3 = 0;
    static const uint32_t lengths[] = { 0, 35, 0x300000, UINT32_MAX };
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        make_rsdp(ACPI, 2, FREE, 36);
        make_table(FREE, "XSDT", lengths[i]);
        KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f.info), K_OK);
        firmware_tables_pin(&f.info, &none, &f.pins);
        KTEST_EQ(t, f.pins.count, 0);
    }
    fixture_free(&f);
}

static void pins_tables_of_one_page_share_it(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    make_rsdp(FREE, 2, FREE + 0x100, 36);
    make_table(FREE + 0x100, "XSDT", 36 + 8);
    poke(FREE + 0x100 + 36, FREE + 0x200, 8);
    make_table(FREE + 0x200, "APIC", 64);
    KTEST_STATUS(t, firmware_tables_copy_rsdp(FREE, &f.info), K_OK);
    firmware_tables_pin(&f.info, &none, &f.pins);
    KTEST_EQ(t, f.pins.count, 1);
    expect_pin(t, &f, 0, FREE, 1, BOOTINFO_PIN_ACPI);
    fixture_free(&f);
}

/* Address 0 means "none", also where there is RAM that looks like a table. */
static void pins_table_at_zero_is_none(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    make_table(0, "FACP", 148);
    make_rsdp(ACPI, 2, ACPI + 0x1000, 36);
    make_table(ACPI + 0x1000, "XSDT", 36 + 8);
    poke(ACPI + 0x1000 + 36, 0, 8);
    KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f.info), K_OK);
    firmware_tables_pin(&f.info, &none, &f.pins);
    KTEST_EQ(t, f.pins.count, 0);
    fixture_free(&f);
}

static void pins_smbios_and_esrt_in_free_memory(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    f.info.smbios = FREE;
    poke_text(FREE, "_SM_");
    poke(FREE + 22, 0x1001, 2);
    poke(FREE + 24, FREE + 0x1000, 4);
    f.info.smbios3 = FREE + 0x4000;
    poke_text(FREE + 0x4000, "_SM3_");
    poke(FREE + 0x4000 + 12, 16, 4);
    poke(FREE + 0x4000 + 16, FREE + 0x5000, 8);
    const struct firmware_tables tables = { .esrt = FREE + 0x8000 };
    poke(FREE + 0x8000, 103, 4); /* 16 + 103 * 40 bytes: two pages */
    firmware_tables_pin(&f.info, &tables, &f.pins);
    KTEST_EQ(t, f.pins.count, 5);
    expect_pin(t, &f, 0, FREE, 1, BOOTINFO_PIN_RESERVED);
    expect_pin(t, &f, 1, FREE + 0x1000, 2, BOOTINFO_PIN_RESERVED);
    expect_pin(t, &f, 2, FREE + 0x4000, 1, BOOTINFO_PIN_RESERVED);
    expect_pin(t, &f, 3, FREE + 0x5000, 1, BOOTINFO_PIN_RESERVED);
    expect_pin(t, &f, 4, FREE + 0x8000, 2, BOOTINFO_PIN_RESERVED);
    fixture_free(&f);
}

/* An XSDT in ACPI memory with one table of @p length bytes at @p ACPI + 0x2000. */
#define TABLE (ACPI + 0x2000)

static void make_one_table(struct ktest *t, struct fixture *f, const char *signature,
                           uint32_t length)
{
    fixture_init(f);
    make_rsdp(ACPI, 2, ACPI + 0x1000, 36);
    make_table(ACPI + 0x1000, "XSDT", 36 + 8);
    poke(ACPI + 0x1000 + 36, TABLE, 8);
    make_table(TABLE, signature, length);
    KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f->info), K_OK);
}

/* The one pin, of what the table points at in free memory; none where @p pages is 0. */
static void expect_one(struct ktest *t, struct fixture *f, uint64_t pages, uint32_t kind)
{
    firmware_tables_pin(&f->info, &none, &f->pins);
    KTEST_EQ(t, f->pins.count, pages == 0 ? 0 : 1);
    if (pages != 0) {
        expect_pin(t, f, 0, FREE, pages, kind);
    }
    fixture_free(f);
}

static void pins_facs_by_either_address(struct ktest *t)
{
    static const struct {
        uint64_t at;
        unsigned size_bytes;
        uint64_t pages;
    } rows[] = { { 36, 4, 1 }, { 132, 8, 1 }, { 140, 8, 1 }, { 40, 4, 1 }, { 44, 4, 0 } };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct fixture f;
        make_one_table(t, &f, "FACP", 244);
        poke(TABLE + rows[i].at, FREE, rows[i].size_bytes);
        make_table(FREE, "FACS", 64);
        expect_one(t, &f, rows[i].pages, BOOTINFO_PIN_ACPI);
    }
}

static void pins_boot_logo_as_long_as_its_header_says(struct ktest *t)
{
    static const struct {
        const char *magic;
        uint32_t table_bytes;
        uint32_t image_bytes;
        uint64_t pages;
    } rows[] = { { "BM", 56, 0x2001, 3 },
                 { "BN", 56, 0x2001, 0 },   /* not a bitmap */
                 { "BM", 47, 0x2001, 0 },   /* the table ends inside the address */
                 { "BM", 56, 0x300000, 0 }, /* passes the memory it lies in */
                 { "BM", 56, 0, 0 } };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct fixture f;
        make_one_table(t, &f, "BGRT", rows[i].table_bytes);
        poke(TABLE + 40, FREE, 8);
        poke_text(FREE, rows[i].magic);
        poke(FREE + 2, rows[i].image_bytes, 4);
        expect_one(t, &f, rows[i].pages, BOOTINFO_PIN_RESERVED);
    }
}

static void pins_event_log_of_the_tpm(struct ktest *t)
{
    struct fixture f;
    make_one_table(t, &f, "TPM2", 76);
    poke(TABLE + 64, 0x10000, 4);
    poke(TABLE + 68, FREE, 8);
    expect_one(t, &f, 16, BOOTINFO_PIN_RESERVED);
    make_one_table(t, &f, "TPM2", 64); /* of a revision without a log */
    poke(TABLE + 64, 0x10000, 4);
    poke(TABLE + 68, FREE, 8);
    expect_one(t, &f, 0, BOOTINFO_PIN_RESERVED);
    make_one_table(t, &f, "TCPA", 50);
    poke(TABLE + 38, 0x2000, 4);
    poke(TABLE + 42, FREE, 8);
    expect_one(t, &f, 2, BOOTINFO_PIN_RESERVED);
    make_one_table(t, &f, "TCPA", 100);
    poke(TABLE + 36, 1, 2); /* a server */
    poke(TABLE + 40, 0x3000, 8);
    poke(TABLE + 48, FREE, 8);
    expect_one(t, &f, 3, BOOTINFO_PIN_RESERVED);
}

static void pins_memory_attributes_table(struct ktest *t)
{
    const struct firmware_tables tables = { .memory_attributes = FREE };
    struct fixture f;
    fixture_init(&f);
    poke(FREE, 1, 4);
    poke(FREE + 4, 100, 4); /* entries of 48 bytes: 4,816 bytes with the header */
    poke(FREE + 8, 48, 4);
    firmware_tables_pin(&f.info, &tables, &f.pins);
    KTEST_EQ(t, f.pins.count, 1);
    expect_pin(t, &f, 0, FREE, 2, BOOTINFO_PIN_RESERVED);
    poke(FREE + 4, UINT32_MAX, 4);
    poke(FREE + 8, UINT32_MAX, 4);
    firmware_tables_pin(&f.info, &tables, &f.pins);
    KTEST_EQ(t, f.pins.count, 0);
    fixture_free(&f);
}

/* A TCG_PCR_EVENT2 with a SHA-1 and a SHA-256 digest. @return the address behind it */
static uint64_t put_event(uint64_t at, uint32_t event_bytes)
{
    poke(at, 9, 4);
    poke(at + 4, 0x0d, 4);
    poke(at + 8, 2, 4);
    poke(at + 12, 0x04, 2);
    poke(at + 34, 0x0b, 2);
    poke(at + 68, event_bytes, 4);
    return at + 72 + event_bytes;
}

static void pins_final_events_as_far_as_they_make_sense(struct ktest *t)
{
    const struct firmware_tables tables = { .tpm_final_events = FREE };
    struct fixture f;
    fixture_init(&f);
    poke(FREE, 1, 8);
    poke(FREE + 8, 3, 8);
    const uint64_t second = put_event(FREE + 16, 0x1000);
    const uint64_t third = put_event(second, 0x1000);
    const uint64_t end = put_event(third, 0x1000);
    KTEST_EQ(t, end, FREE + 16 + 3 * 0x1048);
    firmware_tables_pin(&f.info, &tables, &f.pins);
    KTEST_EQ(t, f.pins.count, 1);
    expect_pin(t, &f, 0, FREE, 4, BOOTINFO_PIN_RESERVED);
    poke(third + 12, 0x99, 2); /* a digest of unknown size: two events are left */
    firmware_tables_pin(&f.info, &tables, &f.pins);
    expect_pin(t, &f, 0, FREE, 3, BOOTINFO_PIN_RESERVED);
    poke(second + 68, UINT32_MAX, 4); /* an event that passes the memory it lies in */
    firmware_tables_pin(&f.info, &tables, &f.pins);
    expect_pin(t, &f, 0, FREE, 2, BOOTINFO_PIN_RESERVED);
    poke(FREE + 8, 0, 8); /* no event: the header alone */
    firmware_tables_pin(&f.info, &tables, &f.pins);
    expect_pin(t, &f, 0, FREE, 1, BOOTINFO_PIN_RESERVED);
    fixture_free(&f);
}

static void pins_events_with_digests_of_every_size(struct ktest *t)
{
    static const struct {
        uint16_t algorithm;
        uint32_t bytes;
    } rows[] = { { 4, 20 }, { 0xb, 32 }, { 0xc, 48 }, { 0xd, 64 }, { 0x12, 32 } };
    const struct firmware_tables tables = { .tpm_final_events = FREE + 0xf00 };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct fixture f;
        fixture_init(&f);
        const uint64_t event = FREE + 0xf00 + 16;
        poke(FREE + 0xf00 + 8, 1, 8);
        poke(event + 8, 1, 4);
        poke(event + 12, rows[i].algorithm, 2);
        /* The event ends with the page, or passes it by one byte. */
        const uint32_t rest = 0x100 - 16 - 12 - 2 - rows[i].bytes - 4;
        for (uint32_t more = 0; more < 2; more++) {
            poke(event + 14 + rows[i].bytes, rest + more, 4);
            firmware_tables_pin(&f.info, &tables, &f.pins);
            KTEST_EQ(t, f.pins.count, 1);
            expect_pin(t, &f, 0, FREE, 1 + more, BOOTINFO_PIN_RESERVED);
        }
        fixture_free(&f);
    }
}

/* Events at the end of memory: cut inside the head, a digest, before the size. */
static void pins_events_that_are_cut_off_are_left_out(struct ktest *t)
{
    static const uint64_t left[] = { 16, 16 + 11, 16 + 12 + 1, 16 + 12 + 22 + 3 };
    for (size_t i = 0; i < ARRAY_COUNT(left); i++) {
        struct fixture f;
        fixture_init(&f);
        const uint64_t at = ACPI - left[i]; /* free memory ends there */
        fake_efi_map_free(&f.firmware);
        fake_efi_map_init(&f.firmware, 48);
        fake_efi_map_add(&f.firmware, EFI_MAP_CONVENTIONAL, MIB, 768, EFI_MAP_ATTRIBUTE_WB);
        f.pins.map = &f.firmware.map;
        uint8_t bytes[64] = { 0 };
        bytes[8] = 1;
        bytes[16 + 8] = 1;
        bytes[16 + 12] = 4;
        memcpy(physmap_ptr(phys_addr(at), left[i]), bytes, left[i]);
        const struct firmware_tables tables = { .tpm_final_events = at };
        firmware_tables_pin(&f.info, &tables, &f.pins);
        KTEST_EQ(t, f.pins.count, 1);
        expect_pin(t, &f, 0, ACPI - PAGE_SIZE, 1, BOOTINFO_PIN_RESERVED);
        fixture_free(&f);
    }
}

static void pins_under_descriptors_that_wrap_are_none(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    fake_efi_map_add(&f.firmware, EFI_MAP_CONVENTIONAL, 8 * MIB, UINT64_MAX, EFI_MAP_ATTRIBUTE_WB);
    fake_efi_map_add(&f.firmware, EFI_MAP_CONVENTIONAL, UINT64_MAX - 8191, 3, EFI_MAP_ATTRIBUTE_WB);
    f.info.smbios = 8 * MIB;
    f.info.smbios3 = ACPI;
    poke_text(ACPI, "_SM3_");
    poke(ACPI + 12, 0x2000, 4);
    poke(ACPI + 16, UINT64_MAX - 0x1000, 8); /* the structures wrap */
    firmware_tables_pin(&f.info, &none, &f.pins);
    KTEST_EQ(t, f.pins.count, 0);
    poke(ACPI + 12, 0x10, 4);
    poke(ACPI + 16, UINT64_MAX - 0x100, 8); /* their pages end beyond 2^64 */
    firmware_tables_pin(&f.info, &none, &f.pins);
    KTEST_EQ(t, f.pins.count, 0);
    f.info.smbios = ACPI; /* neither has the other's anchor */
    f.info.smbios3 = FREE;
    firmware_tables_pin(&f.info, &none, &f.pins);
    KTEST_EQ(t, f.pins.count, 0);
    fixture_free(&f);
}

static void pins_framebuffer_always_has_one(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    f.info.framebuffer.format = BOOTINFO_PIXEL_BGR;
    f.info.framebuffer.base = 3 * SIZE_1G;
    f.info.framebuffer.size = 0x1001;
    firmware_tables_pin(&f.info, &none, &f.pins);
    KTEST_EQ(t, f.pins.count, 1);
    expect_pin(t, &f, 0, 3 * SIZE_1G, 2, BOOTINFO_PIN_FRAMEBUFFER);
    f.info.framebuffer.format = BOOTINFO_PIXEL_NONE;
    firmware_tables_pin(&f.info, &none, &f.pins);
    KTEST_EQ(t, f.pins.count, 0);
    fixture_free(&f);
}

static void pins_more_than_fit_are_counted(struct ktest *t)
{
    struct fixture f;
    fixture_init(&f);
    const uint32_t tables = FIRMWARE_PINS_MAX + 6;
    make_rsdp(ACPI, 2, ACPI + 0x1000, 36);
    make_table(ACPI + 0x1000, "XSDT", 36 + 8 * tables);
    for (uint32_t i = 0; i < tables; i++) {
        poke(ACPI + 0x1000 + 36 + 8 * i, FREE + 0x1000 * i, 8);
        make_table(FREE + 0x1000 * i, "SSDT", 64);
    }
    KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f.info), K_OK);
    firmware_tables_pin(&f.info, &none, &f.pins);
    KTEST_EQ(t, f.pins.count, FIRMWARE_PINS_MAX);
    KTEST_EQ(t, f.pins.dropped, 6);
    fixture_free(&f);
}

/* ---- lists --------------------------------------------------------------------------------------
 */

struct found {
    uint64_t tables[4];
    uint32_t count;
};

static void note_table(void *context, uint64_t table, uint64_t table_bytes)
{
    struct found *const found = context;
    (void)physmap_ptr(phys_addr(table), table_bytes); /* all of it is RAM, or the fake aborts */
    if (found->count < ARRAY_COUNT(found->tables)) {
        found->tables[found->count] = table;
    }
    found->count++;
}

static void list_has_the_root_and_what_it_names(struct ktest *t)
{
    struct fixture f;
    struct found found = { .count = 0 };
    fixture_init(&f);
    firmware_tables_list_acpi(&f.info, f.pins.map, note_table, &found);
    KTEST_EQ(t, found.count, 0); /* no root pointer */
    make_rsdp(ACPI, 2, ACPI + 0x1000, 36);
    make_table(ACPI + 0x1000, "XSDT", 36 + 16);
    poke(ACPI + 0x1000 + 36, ACPI + 0x2000, 8);
    poke(ACPI + 0x1000 + 44, UINT64_C(1) << 40, 8); /* no memory */
    make_table(ACPI + 0x2000, "APIC", 100);
    KTEST_STATUS(t, firmware_tables_copy_rsdp(ACPI, &f.info), K_OK);
    firmware_tables_list_acpi(&f.info, f.pins.map, note_table, &found);
    KTEST_EQ(t, found.count, 2);
    KTEST_EQ(t, found.tables[0], ACPI + 0x1000);
    KTEST_EQ(t, found.tables[1], ACPI + 0x2000);
    fixture_free(&f);
}

static void smbios_table_is_found_by_either_entry(struct ktest *t)
{
    struct fixture f;
    uint64_t table = 0;
    uint64_t table_bytes = 0;
    fixture_init(&f);
    KTEST_TRUE(t, !firmware_tables_find_smbios(&f.info, f.pins.map, &table, &table_bytes));
    f.info.smbios = FREE;
    poke_text(FREE, "_SM_");
    poke(FREE + 22, 0x123, 2);
    poke(FREE + 24, ACPI, 4);
    KTEST_TRUE(t, firmware_tables_find_smbios(&f.info, f.pins.map, &table, &table_bytes));
    KTEST_EQ(t, table, ACPI);
    KTEST_EQ(t, table_bytes, 0x123);
    f.info.smbios3 = FREE + 0x100;
    poke_text(FREE + 0x100, "_SM3_");
    poke(FREE + 0x100 + 12, 0x456, 4);
    poke(FREE + 0x100 + 16, ACPI + 0x800, 8);
    KTEST_TRUE(t, firmware_tables_find_smbios(&f.info, f.pins.map, &table, &table_bytes));
    KTEST_EQ(t, table, ACPI + 0x800);
    KTEST_EQ(t, table_bytes, 0x456);
    poke(FREE + 0x100 + 16, UINT64_C(1) << 40, 8); /* no memory */
    KTEST_TRUE(t, !firmware_tables_find_smbios(&f.info, f.pins.map, &table, &table_bytes));
    fixture_free(&f);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(list_has_the_root_and_what_it_names),
    KTEST_CASE(smbios_table_is_found_by_either_entry),
    KTEST_CASE(rsdp_good_ones_are_copied),
    KTEST_CASE(rsdp_broken_ones_are_refused),
    KTEST_CASE(rsdp_with_a_broken_second_part_is_cut),
    KTEST_CASE(rsdt_serves_where_the_xsdt_does_not),
    KTEST_CASE(rsdp_of_acpi_1_is_left_alone),
    KTEST_CASE(pins_tables_in_acpi_memory_need_none),
    KTEST_CASE(pins_tables_in_free_memory_get_one_each),
    KTEST_CASE(pins_old_rsdt_is_followed_too),
    KTEST_CASE(pins_nonsense_is_passed_over),
    KTEST_CASE(pins_tables_of_one_page_share_it),
    KTEST_CASE(pins_table_at_zero_is_none),
    KTEST_CASE(pins_smbios_and_esrt_in_free_memory),
    KTEST_CASE(pins_facs_by_either_address),
    KTEST_CASE(pins_boot_logo_as_long_as_its_header_says),
    KTEST_CASE(pins_event_log_of_the_tpm),
    KTEST_CASE(pins_memory_attributes_table),
    KTEST_CASE(pins_final_events_as_far_as_they_make_sense),
    KTEST_CASE(pins_events_with_digests_of_every_size),
    KTEST_CASE(pins_events_that_are_cut_off_are_left_out),
    KTEST_CASE(pins_under_descriptors_that_wrap_are_none),
    KTEST_CASE(pins_framebuffer_always_has_one),
    KTEST_CASE(pins_more_than_fit_are_counted),
};
KTEST_SUITE(loader_firmware_tables, "loader.firmware_tables", cases);
