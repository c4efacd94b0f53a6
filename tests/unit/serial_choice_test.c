/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/serial_choice and loader/pci_serial: the order of the search, what is refused, a fake PCI
 * bus, tables that lie.
 */
#include "serial_choice.h"

#include <string.h>

#include <arch/io.h>
#include <arch/physmap.h>

#include "mm/addr.h"
#include "pci_serial.h"
#include "tests/fake/fake_efi_map.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_ram.h"
#include "tests/fake/fake_uart.h"
#include "tests/ktest.h"

#define ACPI UINT64_C(0x400000)
#define MMIO UINT64_C(0xfe040000)

static struct {
    struct fake_efi_map firmware;
    struct efi_map map;
    struct bootinfo info;
    struct fake_uart com1;
    struct fake_uart com2;
    struct fake_uart other;
    struct serial8250 serial;
    struct serial_choice choice;
    bool locked_down;
} f;

static void poke(uint64_t phys, uint64_t value, unsigned size_bytes)
{
    memcpy(physmap_ptr(phys_addr(phys), size_bytes), &value, size_bytes); /* little-endian host */
}

static void put_table(uint64_t phys, const char *signature, uint32_t length)
{
    memset(physmap_ptr(phys_addr(phys), length), 0, length);
    memcpy(physmap_ptr(phys_addr(phys), 4), signature, 4);
    poke(phys + 4, length, 4);
}

/* RSDP -> XSDT -> two tables at ACPI + 0x1000, 0x2000; no UART yet. */
static void start(void)
{
    fake_ram_reset();
    fake_ram_add(ACPI, SIZE_1M);
    fake_io_reset();
    fake_log_reset();
    memset(&f, 0, sizeof(f));
    fake_efi_map_init(&f.firmware, 48);
    fake_efi_map_add(&f.firmware, EFI_MAP_CONVENTIONAL, SIZE_1M, 768, EFI_MAP_ATTRIBUTE_WB);
    fake_efi_map_add(&f.firmware, EFI_MAP_ACPI_RECLAIM, ACPI, 256, EFI_MAP_ATTRIBUTE_WB);
    fake_efi_map_add(&f.firmware, EFI_MAP_MMIO, 0xfe000000, 256, EFI_MAP_ATTRIBUTE_UC);
    f.map = f.firmware.map;
    f.info.phys_bits = 40;
    f.info.rsdp_copy_size = 36;
    const uint64_t xsdt = ACPI;
    memcpy(f.info.rsdp_copy + 24, &xsdt, 8);
    put_table(ACPI, "XSDT", 36 + 16);
    poke(ACPI + 36, ACPI + 0x1000, 8);
    poke(ACPI + 44, ACPI + 0x2000, 8);
    put_table(ACPI + 0x1000, "FACP", 100);
    put_table(ACPI + 0x2000, "MCFG", 60);
}

static void put_spcr(uint8_t space, uint64_t address)
{
    put_table(ACPI + 0x1000, "SPCR", 80);
    poke(ACPI + 0x1000 + 40, space | 8U << 8 | 1U << 24, 4);
    poke(ACPI + 0x1000 + 44, address, 8);
}

static void put_dbg2(uint64_t port)
{
    put_table(ACPI + 0x2000, "DBG2", 84);
    poke(ACPI + 0x2000 + 36, 44, 4);
    const uint64_t device = ACPI + 0x2000 + 44;
    poke(device + 1, 40, 2);
    poke(device + 3, 1, 1);
    poke(device + 12, 0x8000, 2);
    poke(device + 18, 24, 2);
    poke(device + 24, 1 | 8U << 8 | 1U << 24, 4);
    poke(device + 28, port, 8);
}

static bool find(const char *command_line)
{
    const struct serial_choice_input input = {
        .info = &f.info,
        .command_line = command_line,
        .map = &f.map,
        .locked_down = f.locked_down,
    };
    const bool found = serial_choice_find(&input, &f.serial, &f.choice);
    return found;
}

static void expect(struct ktest *t, const char *command_line, enum bootinfo_serial_source source,
                   uint64_t base)
{
    KTEST_TRUE(t, find(command_line));
    KTEST_EQ(t, f.choice.source, source);
    KTEST_EQ(t, f.choice.place.base, base);
    KTEST_EQ(t, f.serial.place.base, base);
    KTEST_TRUE(t, f.serial.present);
}

static void finish(void)
{
    fake_efi_map_free(&f.firmware);
    fake_io_reset();
}

static void serial_choice_goes_by_the_order(struct ktest *t)
{
    start();
    put_spcr(1, SERIAL8250_COM2);
    put_dbg2(0x3e8);
    fake_uart_plug(&f.com1, SERIAL8250_COM1);
    fake_uart_plug(&f.other, 0x3e8);
    const char *const words = "console=ttyS0 earlycon=uart8250,io,0x3f8";
    expect(t, words, BOOTINFO_SERIAL_DBG2, 0x3e8); /* SPCR's does not answer */
    fake_uart_plug(&f.com2, SERIAL8250_COM2);
    expect(t, words, BOOTINFO_SERIAL_SPCR, SERIAL8250_COM2);
    expect(t, "console=ttyS0 earlycon=uart8250,io,0x3e8 acpi=nospcr", BOOTINFO_SERIAL_EARLYCON,
           0x3e8);
    expect(t, "acpi=nospcr console=fb console=ttyS3 console=ttyS1,9600", BOOTINFO_SERIAL_CONSOLE,
           SERIAL8250_COM2);
    KTEST_EQ(t, f.choice.place.baud, 9600);
    expect(t, "acpi=nospcr", BOOTINFO_SERIAL_PROBED, SERIAL8250_COM1);
    finish();
}

static void serial_choice_probes_the_com_ports_in_order(struct ktest *t)
{
    start();
    KTEST_FALSE(t, find(""));
    KTEST_EQ(t, f.choice.source, BOOTINFO_SERIAL_NONE);
    fake_uart_plug(&f.other, SERIAL8250_COM4);
    expect(t, "", BOOTINFO_SERIAL_PROBED, SERIAL8250_COM4);
    fake_uart_plug(&f.com2, SERIAL8250_COM2);
    expect(t, "console=ttyS0 earlycon=junk", BOOTINFO_SERIAL_PROBED, SERIAL8250_COM2);
    KTEST_TRUE(t, fake_log_contains("earlycon=junk names no serial port and is ignored"));
    finish();
}

static void serial_choice_takes_registers_in_memory(struct ktest *t)
{
    start();
    fake_uart_plug(&f.com1, SERIAL8250_COM1);
    fake_uart_plug_mmio(&f.other, MMIO, 4, 4);
    expect(t, "earlycon=mmio32,0xfe040000", BOOTINFO_SERIAL_EARLYCON, MMIO);
    KTEST_TRUE(t, f.choice.place.is_mmio);
    finish();
}

/* Nothing at all is touched there: the fake RAM would end the test. */
static void serial_choice_refuses_memory_that_is_ram(struct ktest *t)
{
    start();
    fake_uart_plug(&f.com1, SERIAL8250_COM1);
    expect(t, "earlycon=mmio32,0x100000", BOOTINFO_SERIAL_PROBED, SERIAL8250_COM1);
    KTEST_TRUE(t, fake_log_contains("refused: there is RAM"));
    expect(t, "earlycon=mmio,0xffffc", BOOTINFO_SERIAL_PROBED, SERIAL8250_COM1); /* runs into it */
    put_spcr(0, ACPI + 0x5000); /* ACPI says so: it is RAM all the same */
    expect(t, "", BOOTINFO_SERIAL_PROBED, SERIAL8250_COM1);
    fake_log_reset();
    expect(t, "earlycon=mmio,0x10000000000", BOOTINFO_SERIAL_PROBED, SERIAL8250_COM1);
    KTEST_TRUE(t, fake_log_contains("the CPU has no such address"));
    finish();
}

static void serial_choice_under_lock_down_takes_only_what_acpi_names(struct ktest *t)
{
    start();
    f.locked_down = true;
    fake_uart_plug(&f.com1, SERIAL8250_COM1);
    fake_uart_plug_mmio(&f.other, MMIO, 1, 1);
    const char *const words = "acpi=nospcr earlycon=mmio,0xfe040000";
    expect(t, words, BOOTINFO_SERIAL_PROBED, SERIAL8250_COM1);
    KTEST_TRUE(t, fake_log_contains("ACPI does not name it, and Secure Boot or lockdown is on"));
    put_spcr(0, MMIO);
    expect(t, words, BOOTINFO_SERIAL_EARLYCON, MMIO);
    expect(t, "", BOOTINFO_SERIAL_SPCR, MMIO);
    finish();
}

static void serial_choice_reads_no_table_outside_of_memory(struct ktest *t)
{
    static const uint64_t bad[] = { 8,       0xa0000,       ACPI + SIZE_1M - 20, ACPI + SIZE_1M,
                                    SIZE_1T, UINT64_MAX - 8 };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        start();
        fake_uart_plug(&f.com1, SERIAL8250_COM1);
        poke(ACPI + 36, bad[i], 8);
        expect(t, "", BOOTINFO_SERIAL_PROBED, SERIAL8250_COM1);
        memcpy(f.info.rsdp_copy + 24, &bad[i], 8);
        expect(t, "", BOOTINFO_SERIAL_PROBED, SERIAL8250_COM1);
        finish();
    }
    start();
    fake_uart_plug(&f.com1, SERIAL8250_COM1);
    fake_uart_plug(&f.com2, SERIAL8250_COM2);
    put_spcr(1, SERIAL8250_COM2);
    poke(ACPI + 0x1000 + 4, SIZE_1M, 4); /* longer than memory */
    expect(t, "", BOOTINFO_SERIAL_PROBED, SERIAL8250_COM1);
    poke(ACPI + 0x1000 + 4, 79, 4); /* cut */
    expect(t, "", BOOTINFO_SERIAL_PROBED, SERIAL8250_COM1);
    f.info.rsdp_copy_size = 0;
    expect(t, "", BOOTINFO_SERIAL_PROBED, SERIAL8250_COM1);
    finish();
}

/* ---- PCI ---------------------------------------------------------------------------------------
 */

/* One function on the fake bus: 64 bytes of configuration space. */
static struct {
    uint32_t number;
    uint32_t registers[16];
    uint32_t header; /* of function 0 of that device */
} pci;

static uint32_t read_pci(uint16_t port)
{
    uint16_t address_port;
    uint32_t address;
    fake_io_last_outl(&address_port, &address);
    if (port != 0xcfc || address_port != 0xcf8 || (address & 0x80000000U) == 0) {
        return UINT32_MAX;
    }
    const uint32_t number = (address >> 8) & 0xffffU;
    const uint32_t index = (address & 0xfcU) / 4;
    if (number == pci.number) {
        return index < 16 ? pci.registers[index] : 0;
    }
    if (number == (pci.number & ~7U)) { /* something else is function 0 */
        return index == 0 ? 0x12348086 : index == 3 ? pci.header : 0;
    }
    return UINT32_MAX;
}

static void plug_pci(uint32_t number, uint32_t bar0, uint32_t bar1)
{
    memset(&pci, 0, sizeof(pci));
    pci.number = number;
    pci.header = 0x00800000;
    pci.registers[0] = 0x00021b36;
    pci.registers[1] = 0x00100000;
    pci.registers[2] = 0x07000201; /* class 07/00, interface 2 */
    pci.registers[4] = bar0;
    pci.registers[5] = bar1;
    fake_io_answer_inl(read_pci);
}

static void pci_serial_finds_io_and_memory(struct ktest *t)
{
    struct pci_serial found;
    uint16_t port;
    uint32_t value;
    start();
    plug_pci(3 * 256 + 5 * 8 + 2, 0x6061, 0);
    KTEST_TRUE(t, pci_serial_find(0, &found));
    KTEST_EQ(t, found.number, 3 * 256 + 5 * 8 + 2);
    KTEST_EQ(t, found.place.base, 0x6060);
    KTEST_FALSE(t, found.place.is_mmio);
    fake_io_last_outl(&port, &value); /* I/O space was off */
    KTEST_EQ(t, port, 0xcfc);
    KTEST_EQ(t, value, 1);
    KTEST_FALSE(t, pci_serial_find(found.number + 1, &found));
    pci.registers[1] = 0x00100003;
    KTEST_TRUE(t, pci_serial_find(0, &found));
    fake_io_last_outl(&port, &value);
    KTEST_EQ(t, port, 0xcf8);   /* nothing was written */
    plug_pci(8, 0xfe040004, 1); /* 64 bits */
    KTEST_TRUE(t, pci_serial_find(0, &found));
    KTEST_EQ(t, found.place.base, UINT64_C(0x1fe040000));
    KTEST_TRUE(t, found.place.is_mmio);
    plug_pci(8, 0xfe040000, 1); /* 32 bits: the next one is another */
    KTEST_TRUE(t, pci_serial_find(0, &found));
    KTEST_EQ(t, found.place.base, 0xfe040000);
    finish();
}

static void pci_serial_passes_over_the_rest(struct ktest *t)
{
    struct pci_serial found;
    start();
    KTEST_FALSE(t, pci_serial_find(0, &found)); /* an empty bus */
    plug_pci(8, 1, 0);                          /* no address */
    KTEST_FALSE(t, pci_serial_find(0, &found));
    plug_pci(8, 0x6061, 0);
    pci.registers[2] = 0x07010201; /* a parallel port */
    KTEST_FALSE(t, pci_serial_find(0, &found));
    plug_pci(8, 0x6061, 0);
    pci.registers[2] = 0x07008001; /* an interface of its own */
    KTEST_FALSE(t, pci_serial_find(0, &found));
    plug_pci(8, 0x6061, 0);
    pci.registers[3] = 0x00010000; /* a bridge */
    KTEST_FALSE(t, pci_serial_find(0, &found));
    plug_pci(9, 0x6061, 0);
    pci.header = 0; /* function 0 says that there are no others */
    KTEST_FALSE(t, pci_serial_find(0, &found));
    finish();
}

static void serial_choice_takes_pci_last(struct ktest *t)
{
    start();
    plug_pci(2 * 8, 0x6061, 0);
    fake_uart_plug(&f.other, 0x6060);
    expect(t, "", BOOTINFO_SERIAL_PCI, 0x6060);
    KTEST_EQ(t, f.choice.pci_number, 16);
    fake_uart_plug(&f.com2, SERIAL8250_COM2);
    expect(t, "", BOOTINFO_SERIAL_PROBED, SERIAL8250_COM2);
    finish();
}

static const struct ktest_case cases[] = {
    KTEST_CASE(serial_choice_goes_by_the_order),
    KTEST_CASE(serial_choice_probes_the_com_ports_in_order),
    KTEST_CASE(serial_choice_takes_registers_in_memory),
    KTEST_CASE(serial_choice_refuses_memory_that_is_ram),
    KTEST_CASE(serial_choice_under_lock_down_takes_only_what_acpi_names),
    KTEST_CASE(serial_choice_reads_no_table_outside_of_memory),
    KTEST_CASE(pci_serial_finds_io_and_memory),
    KTEST_CASE(pci_serial_passes_over_the_rest),
    KTEST_CASE(serial_choice_takes_pci_last),
};
KTEST_SUITE(loader_serial_choice, "loader.serial_choice", cases);
