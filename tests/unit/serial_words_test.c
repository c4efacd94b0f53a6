/* SPDX-License-Identifier: GPL-2.0-only
 *
 * dev/serial_words and acpi_console: UARTs as the command line and ACPI's tables name them.
 */
#include "dev/serial_words.h"

#include <string.h>

#include "acpi_console.h"
#include "tests/ktest.h"

static enum kstatus earlycon(const char *text, struct serial8250_place *place)
{
    return serial_words_earlycon(text, strlen(text), place);
}

static enum kstatus console(const char *text, struct serial8250_place *place)
{
    return serial_words_console(text, strlen(text), place);
}

static void expect(struct ktest *t, const struct serial8250_place *place, uint64_t base,
                   uint32_t baud, uint32_t stride_and_width)
{
    KTEST_EQ(t, place->base, base);
    KTEST_EQ(t, place->baud, baud);
    KTEST_EQ(t, place->stride_bytes, stride_and_width);
    KTEST_EQ(t, place->width_bytes, stride_and_width);
}

static void serial_words_earlycon_has_linuxs_forms(struct ktest *t)
{
    struct serial8250_place place;
    KTEST_STATUS(t, earlycon("uart8250,io,0x3f8", &place), K_OK);
    KTEST_FALSE(t, place.is_mmio);
    expect(t, &place, 0x3f8, 115200, 1);
    KTEST_STATUS(t, earlycon("uart8250,io,0x2f8,9600n8", &place), K_OK);
    expect(t, &place, 0x2f8, 9600, 1);
    KTEST_STATUS(t, earlycon("uart8250,mmio,0xfe040000", &place), K_OK);
    KTEST_TRUE(t, place.is_mmio);
    expect(t, &place, 0xfe040000, 0, 1);
    KTEST_STATUS(t, earlycon("uart8250,mmio32,0xfe040000,57600", &place), K_OK);
    expect(t, &place, 0xfe040000, 57600, 4);
    KTEST_STATUS(t, earlycon("mmio32,0x80001000", &place), K_OK);
    KTEST_TRUE(t, place.is_mmio);
    expect(t, &place, 0x80001000, 0, 4);
}

static void serial_words_earlycon_refuses_the_rest(struct ktest *t)
{
    static const char *const bad[] = {
        "",
        ",",
        "uart8250",
        "uart8250,",
        "uart8250,io",
        "uart8250,io,",
        "uart8250,io,0x",
        "uart8250,io,zz",
        "uart8250,io,0x3f8,",
        "uart8250,io,0x3f8,x",
        "uart8250,io,0x3f8,0",
        "uart8250,io,0x3f8,115200e7",
        "uart8250,io,0x3f8,115200n8,more",
        "uart8250,io,0xfffc",
        "uart8250,io,0",
        "uart8250,io,0x3f8,115201",
        "uart8250,mmio64,0xfe000000",
        "uart8250,mmio32,0xfe000002",
        "uart8250,mmio,0xfffffffffffffffc",
        "pl011,0x9000000",
        "uart8250,uart8250,io,0x3f8",
        "io32,0x3f8",
        "uart8250,io,0x13f80000000000000000",
    };
    struct serial8250_place place;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        KTEST_STATUS(t, earlycon(bad[i], &place), K_EINVAL);
    }
}

static void serial_words_console_names_the_four_ports(struct ktest *t)
{
    struct serial8250_place place;
    KTEST_STATUS(t, console("ttyS0", &place), K_OK);
    expect(t, &place, 0x3f8, 115200, 1);
    KTEST_STATUS(t, console("ttyS1,115200n8", &place), K_OK);
    expect(t, &place, 0x2f8, 115200, 1);
    KTEST_STATUS(t, console("ttyS2,38400", &place), K_OK);
    expect(t, &place, 0x3e8, 38400, 1);
    KTEST_STATUS(t, console("ttyS3", &place), K_OK);
    expect(t, &place, 0x2e8, 115200, 1);
    KTEST_STATUS(t, console("fb", &place), K_ENOENT);
    KTEST_STATUS(t, console("", &place), K_ENOENT);
    KTEST_STATUS(t, console("tty0", &place), K_ENOENT);
    static const char *const bad[] = { "ttyS",   "ttyS4",      "ttyS00",         "ttySx",
                                       "ttyS0,", "ttyS0,fast", "ttyS0,115200n8r" };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        KTEST_STATUS(t, console(bad[i], &place), K_EINVAL);
    }
}

/* A Generic Address Structure at @p at. */
static void put_address(uint8_t *at, uint8_t space, uint8_t bits, uint8_t access, uint64_t address)
{
    at[0] = space;
    at[1] = bits;
    at[2] = 0;
    at[3] = access;
    memcpy(at + 4, &address, 8); /* little-endian host */
}

static void acpi_spcr_names_ports_and_memory(struct ktest *t)
{
    struct serial8250_place place;
    uint8_t table[80] = { 0 };
    put_address(table + 40, 1, 8, 1, 0x2f8);
    table[58] = 3;
    KTEST_TRUE(t, acpi_spcr_place(table, sizeof(table), &place));
    KTEST_FALSE(t, place.is_mmio);
    expect(t, &place, 0x2f8, 9600, 1);
    table[58] = 200; /* no rate that is known */
    KTEST_TRUE(t, acpi_spcr_place(table, sizeof(table), &place));
    KTEST_EQ(t, place.baud, 0);
    table[58] = 7;
    table[36] = 0x12;
    put_address(table + 40, 0, 32, 3, UINT64_C(0x180000000));
    KTEST_TRUE(t, acpi_spcr_place(table, sizeof(table), &place));
    KTEST_TRUE(t, place.is_mmio);
    expect(t, &place, UINT64_C(0x180000000), 0, 4);
    put_address(table + 40, 0, 32, 1, 0xfe040000);
    KTEST_TRUE(t, acpi_spcr_place(table, sizeof(table), &place));
    KTEST_EQ(t, place.stride_bytes, 4);
    KTEST_EQ(t, place.width_bytes, 1);
    put_address(table + 40, 0, 8, 0, 0xfe040000);
    KTEST_TRUE(t, acpi_spcr_place(table, sizeof(table), &place));
    expect(t, &place, 0xfe040000, 0, 1);
}

static void acpi_spcr_without_a_16550_is_none(struct ktest *t)
{
    struct serial8250_place place;
    uint8_t table[80] = { 0 };
    KTEST_FALSE(t, acpi_spcr_place(table, sizeof(table), &place)); /* redirection is off */
    put_address(table + 40, 1, 8, 1, 0x3f8);
    KTEST_TRUE(t, acpi_spcr_place(table, sizeof(table), &place));
    KTEST_FALSE(t, acpi_spcr_place(table, 79, &place));
    table[36] = 3; /* a PL011 */
    KTEST_FALSE(t, acpi_spcr_place(table, sizeof(table), &place));
    table[36] = 0;
    table[40] = 2; /* PCI configuration space */
    KTEST_FALSE(t, acpi_spcr_place(table, sizeof(table), &place));
    put_address(table + 40, 0, 32, 2, 0xfe040000); /* 16-bit accesses */
    KTEST_FALSE(t, acpi_spcr_place(table, sizeof(table), &place));
    put_address(table + 40, 0, 12, 1, 0xfe040000);
    KTEST_FALSE(t, acpi_spcr_place(table, sizeof(table), &place));
}

/* A device structure with one address behind it. */
static size_t put_device(uint8_t *at, uint16_t type, uint16_t subtype, uint64_t port)
{
    memset(at, 0, 40);
    at[1] = 40;
    at[3] = 1;
    memcpy(at + 12, &type, 2);
    memcpy(at + 14, &subtype, 2);
    at[18] = 24;
    put_address(at + 24, 1, 8, 1, port);
    return 40;
}

static void acpi_dbg2_lists_its_serial_ports(struct ktest *t)
{
    struct serial8250_place place;
    uint8_t table[44 + 3 * 40] = { 0 };
    table[36] = 44;
    size_t end = 44;
    end += put_device(table + end, 0x8003, 0, 0x100); /* Ethernet */
    end += put_device(table + end, 0x8000, 0, 0x3e8);
    end += put_device(table + end, 0x8000, 1, 0x2e8);
    size_t cursor = 0;
    KTEST_TRUE(t, acpi_dbg2_next_place(table, end, &cursor, &place));
    expect(t, &place, 0x3e8, 0, 1);
    KTEST_TRUE(t, acpi_dbg2_next_place(table, end, &cursor, &place));
    expect(t, &place, 0x2e8, 0, 1);
    KTEST_FALSE(t, acpi_dbg2_next_place(table, end, &cursor, &place));
    KTEST_FALSE(t, acpi_dbg2_next_place(table, end, &cursor, &place));
}

static void acpi_dbg2_nonsense_ends_the_list(struct ktest *t)
{
    struct serial8250_place place;
    uint8_t table[44 + 40] = { 0 };
    size_t cursor = 0;
    KTEST_FALSE(t, acpi_dbg2_next_place(table, 43, &cursor, &place));
    static const struct {
        size_t at;
        uint8_t value;
    } bad[] = { { 36, 43 },     { 36, 70 },    { 39, 0x80 },    { 44 + 1, 0 },  { 44 + 1, 21 },
                { 44 + 1, 41 }, { 44 + 3, 0 }, { 44 + 18, 29 }, { 44 + 19, 1 }, { 44 + 24, 9 } };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        table[36] = 44;
        table[39] = 0;
        (void)put_device(table + 44, 0x8000, 0, 0x3f8);
        cursor = 0;
        KTEST_TRUE(t, acpi_dbg2_next_place(table, sizeof(table), &cursor, &place));
        table[bad[i].at] = bad[i].value;
        cursor = 0;
        KTEST_FALSE(t, acpi_dbg2_next_place(table, sizeof(table), &cursor, &place));
    }
}

/* A good address that ends one byte behind its device structure. */
static void acpi_dbg2_address_must_lie_in_its_device(struct ktest *t)
{
    struct serial8250_place place;
    uint8_t table[44 + 41] = { 0 };
    table[36] = 44;
    (void)put_device(table + 44, 0x8000, 0, 0x3f8);
    put_address(table + 44 + 29, 1, 8, 1, 0x3f8);
    table[44 + 18] = 29;
    size_t cursor = 0;
    KTEST_FALSE(t, acpi_dbg2_next_place(table, sizeof(table), &cursor, &place));
    table[44 + 1] = 41; /* now it does */
    cursor = 0;
    KTEST_TRUE(t, acpi_dbg2_next_place(table, sizeof(table), &cursor, &place));
}

static const struct ktest_case cases[] = {
    KTEST_CASE(serial_words_earlycon_has_linuxs_forms),
    KTEST_CASE(serial_words_earlycon_refuses_the_rest),
    KTEST_CASE(serial_words_console_names_the_four_ports),
    KTEST_CASE(acpi_spcr_names_ports_and_memory),
    KTEST_CASE(acpi_spcr_without_a_16550_is_none),
    KTEST_CASE(acpi_dbg2_lists_its_serial_ports),
    KTEST_CASE(acpi_dbg2_nonsense_ends_the_list),
    KTEST_CASE(acpi_dbg2_address_must_lie_in_its_device),
};
KTEST_SUITE(dev_serial_words, "dev.serial_words", cases);
