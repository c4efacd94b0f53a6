/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's `acpi`, and reset and power-off, on a fake machine with tables in its ACPI memory:
 * which tables are visited, what is written to which port in which order, and that addresses which
 * lead out of memory are said and not followed. A touch of anything else ends the test (fake_ram).
 */
#include "acpi_machine.h"

#include <stdio.h>
#include <string.h>

#include <arch/physmap.h>

#include "acpi_tables.h"
#include "firmware_memory.h"
#include "mm/mm_init.h"
#include "monitor/command.h"
#include "monitor/firmware_commands.h"
#include "tests/fake/fake_console.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_io.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_machine.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define XSDT (FAKE_PC_ACPI + 0x101) /* nothing promises alignment */
#define FADT (FAKE_PC_ACPI + 0x1000)
#define DSDT (FAKE_PC_ACPI + 0x2003)
#define FACS (FAKE_PC_ACPI + 0x3000)
#define SSDT (FAKE_PC_ACPI + 0x4000)

static struct fake_machine machine;

static void put(uint64_t at, uint64_t value, uint32_t size_bytes)
{
    memcpy(physmap_ptr(phys_addr(at), size_bytes), &value, size_bytes); /* little-endian host */
}

static void make_table(uint64_t at, const char *signature, uint32_t length)
{
    fake_ram_fill(at, length, 0);
    memcpy(physmap_ptr(phys_addr(at), 4), signature, 4);
    put(at + 4, length, 4);
}

static void seal(uint64_t at)
{
    uint32_t length;
    memcpy(&length, physmap_ptr(phys_addr(at + 4), 4), 4);
    uint8_t *const bytes = physmap_ptr(phys_addr(at), length);
    uint8_t sum = 0;
    bytes[9] = 0;
    for (uint32_t i = 0; i < length; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    bytes[9] = (uint8_t)(0 - sum);
}

/* ---- ports -------------------------------------------------------------------------------------
 */

static char writes[256]; /* "PORT=VALUE " for each */
static uint8_t pm1[2];

#define MS UINT64_C(3000) /* ticks of the fake TSC: 3 MHz */

static uint64_t acpi_is_on_at; /* on the fake TSC, once it was asked for; 0: never */

static uint8_t read_pm1(void *context, uint16_t offset)
{
    (void)context;
    if (offset == 0 && acpi_is_on_at != 0 && fake_cpu.tsc >= acpi_is_on_at) {
        pm1[0] |= 1;
    }
    return pm1[offset];
}

static void write_pm1(void *context, uint16_t offset, uint8_t value)
{
    (void)context;
    pm1[offset] = value;
    const size_t used = strlen(writes);
    (void)snprintf(writes + used, sizeof(writes) - used, "pm1[%u]=%02x ", offset, value);
}

static uint8_t read_nothing(void *context, uint16_t offset)
{
    (void)context;
    (void)offset;
    return 0xff;
}

static uint64_t acpi_takes_ticks; /* UINT64_MAX: it never comes */

/* The firmware's trap: ACPI is on a while after it was asked for. */
static void write_other(void *context, uint16_t offset, uint8_t value)
{
    (void)offset;
    const size_t used = strlen(writes);
    (void)snprintf(writes + used, sizeof(writes) - used, "%s=%02x ", (const char *)context, value);
    if (strcmp(context, "smi") == 0 && acpi_takes_ticks != UINT64_MAX) {
        acpi_is_on_at = fake_cpu.tsc + acpi_takes_ticks;
    }
}

static char smi_name[] = "smi";
static char reset_name[] = "reset";
static char pci_name[] = "pci";
static const struct fake_io_device devices[] = {
    { 0x604, 2, read_pm1, write_pm1, NULL },
    { 0xb2, 1, read_nothing, write_other, smi_name },
    { 0xcf9, 1, read_nothing, write_other, reset_name },
    { 0xcfd, 1, read_nothing, write_other, pci_name },
};

/* A machine as QEMU's: root, FADT with FACS and DSDT, and an SSDT. */
static void start(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    fake_io_reset();
    for (size_t i = 0; i < ARRAY_COUNT(devices); i++) {
        fake_io_plug(&devices[i]);
    }
    writes[0] = '\0';
    acpi_is_on_at = 0;
    acpi_takes_ticks = 1;
    fake_cpu.tsc_step = MS / 10 - 1; /* with the one that it always goes on */
    mm_bootinfo()->tsc_hz = 1000 * MS;
    pm1[0] = 1;
    pm1[1] = 0x30; /* the type of another state, and bits that must stay */
    pm1[1] |= 0xc0;
    struct bootinfo *const info = mm_bootinfo();
    const uint64_t xsdt = XSDT;
    memset(info->rsdp_copy, 0, sizeof(info->rsdp_copy));
    memcpy(info->rsdp_copy, "RSD PTR ", 8);
    memcpy(info->rsdp_copy + 24, &xsdt, 8);
    info->rsdp = 0xf0010;
    info->rsdp_copy_size = 36;
    make_table(XSDT, "XSDT", 36 + 16);
    put(XSDT + 36, FADT, 8);
    put(XSDT + 44, SSDT, 8);
    make_table(FADT, "FACP", 244);
    put(FADT + 36, FACS, 4);
    put(FADT + 48, 0xb2, 4);
    put(FADT + 52, 0xf1, 1);
    put(FADT + 64, 0x604, 4);
    put(FADT + 112, 1U << 10, 4);
    put(FADT + 116, 1, 1);
    put(FADT + 120, 0xcf9, 8);
    put(FADT + 128, 0x0f, 1);
    put(FADT + 140, DSDT, 8);
    make_table(FACS, "FACS", 64);
    make_table(DSDT, "DSDT", 60);
    memcpy(physmap_ptr(phys_addr(DSDT + 40), 10), "\x08_S5_\x12\x04\x02\x0a\x05", 10);
    make_table(SSDT, "SSDT", 40);
    seal(XSDT);
    seal(FADT);
    seal(DSDT);
    seal(SSDT);
}

static bool answer_has(const char *argument, const char *text)
{
    fake_console_clear();
    monitor_begin_command();
    acpi_command(argument);
    return strstr(fake_console.text, text) != NULL;
}

/* ---- acpi --------------------------------------------------------------------------------------
 */

static void acpi_lists_all_tables_with_their_sums(struct ktest *t)
{
    start(t);
    memcpy(physmap_ptr(phys_addr(SSDT + 10), 6),
           "A\x01"
           "CDEF",
           6);
    KTEST_TRUE(t, answer_has("", "RSDP 0x00000000000f0010     36 rev 0 checksum BAD\n"
                                 "XSDT 0x0000000000f00101     52 rev 0 checksum good"));
    KTEST_TRUE(t, answer_has("", "\nFACP 0x0000000000f01000    244 rev 0 checksum good"));
    KTEST_TRUE(t, answer_has("", "\nFACS 0x0000000000f03000     64 (no checksum)\n"
                                 "DSDT 0x0000000000f02003     60 rev 0 checksum good"));
    KTEST_TRUE(t, answer_has("", "\nSSDT 0x0000000000f04000     40 rev 0 checksum BAD A?CDEF "));
}

static void acpi_dumps_the_tables_of_a_name(struct ktest *t)
{
    start(t);
    KTEST_TRUE(t, answer_has("SSDT", "SSDT 0x0000000000f04000     40"));
    KTEST_TRUE(t, strstr(fake_console.text, "\np:0x0000000000f04000: 53 53 44 54 28 00") != NULL);
    KTEST_TRUE(t, strstr(fake_console.text, "\np:0x0000000000f04020: ") != NULL);
    KTEST_TRUE(t, strstr(fake_console.text, "f04030") == NULL);
    KTEST_TRUE(t, strstr(fake_console.text, "FACP") == NULL);
    KTEST_TRUE(t, answer_has("ABCD", "no such table\n"));
    KTEST_TRUE(t, answer_has("ABC", "usage: acpi"));
    KTEST_TRUE(t, answer_has("ABCDE", "usage: acpi"));
    KTEST_TRUE(t, answer_has("FACP x", "usage: acpi"));
}

static void acpi_says_which_tables_cannot_be_read(struct ktest *t)
{
    static const uint64_t bad[] = { 0x10,    0xa0000,        FAKE_PC_KERNEL, FAKE_PC_END - 20,
                                    SIZE_1T, UINT64_MAX - 3, UINT64_MAX };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        char line[64];
        start(t);
        put(XSDT + 36, bad[i], 8);
        (void)snprintf(line, sizeof(line), "\n???? 0x%016llx cannot be read\nSSDT ",
                       (unsigned long long)bad[i]);
        KTEST_TRUE(t, answer_has("", line));
    }
    start(t);
    put(SSDT + 4, 35, 4); /* shorter than its header; longer than anything */
    KTEST_TRUE(t, answer_has("", "\n???? 0x0000000000f04000 cannot be read\n"));
    put(SSDT + 4, UINT32_MAX, 4);
    KTEST_TRUE(t, answer_has("", "\n???? 0x0000000000f04000 cannot be read\n"));
    mm_bootinfo()->rsdp = 0;
    KTEST_TRUE(t, answer_has("", "this machine has no ACPI\n"));
}

static void acpi_stops_at_ctrl_c(struct ktest *t)
{
    start(t);
    fake_console_clear();
    monitor_begin_command();
    fake_console.typed = "\x03";
    acpi_command("");
    KTEST_TRUE(t, strstr(fake_console.text, "XSDT") != NULL);
    KTEST_TRUE(t, strstr(fake_console.text, "FACP") == NULL);
    monitor_begin_command();
}

/* ---- power -------------------------------------------------------------------------------------
 */

static void reset_writes_the_value_to_the_register(struct ktest *t)
{
    uint16_t port;
    uint32_t value;
    start(t);
    KTEST_STATUS(t, acpi_reset(), K_ETIMEDOUT); /* this machine does not mind */
    KTEST_STRING(t, writes, "reset=0f ");
    start(t);
    put(FADT + 116, 2, 1); /* PCI: device 0x1f, function 0, register 0x41 */
    put(FADT + 120, 0x1f00000041, 8);
    KTEST_STATUS(t, acpi_reset(), K_ETIMEDOUT);
    fake_io_last_outl(&port, &value);
    KTEST_EQ(t, port, 0xcf8);
    KTEST_EQ(t, value, 0x8000f840);
    KTEST_STRING(t, writes, "pci=0f ");
}

static void reset_without_a_register_is_not_supported(struct ktest *t)
{
    static const struct {
        uint8_t space;
        uint64_t address;
        enum kstatus expected;
    } bad[] = {
        { 1, 0, K_ENOTSUP },          { 1, 0x10000, K_EFAULT },
        { 3, 0x70, K_ENOTSUP },       { 2, 0x2000000040, K_EFAULT },
        { 2, 0x80040, K_EFAULT },     { 2, 0x100, K_EFAULT },
        { 0, 0x10, K_EFAULT },        { 0, FAKE_PC_KERNEL, K_EFAULT },
        { 0, 8 * SIZE_1M, K_EFAULT }, { 0, FAKE_PC_ACPI, K_EFAULT },
        { 0, UINT64_MAX, K_EFAULT },
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        start(t);
        put(FADT + 116, bad[i].space, 1);
        put(FADT + 120, bad[i].address, 8);
        KTEST_STATUS(t, acpi_reset(), bad[i].expected);
        KTEST_STRING(t, writes, "");
    }
    start(t);
    put(FADT + 112, 0, 4);
    KTEST_STATUS(t, acpi_reset(), K_ENOTSUP);
    put(XSDT + 36, SSDT, 8);
    KTEST_STATUS(t, acpi_reset(), K_ENOTSUP);
}

static void power_off_sets_type_then_enable(struct ktest *t)
{
    start(t); /* bits other than type and enable stay: 0xc0 and the one that says that ACPI is on */
    KTEST_STATUS(t, acpi_power_off(), K_ETIMEDOUT);
    KTEST_STRING(t, writes, "pm1[0]=01 pm1[1]=d4 pm1[0]=01 pm1[1]=f4 ");
}

static void power_off_turns_acpi_on_first(struct ktest *t)
{
    start(t);
    pm1[0] = 0;
    pm1[1] = 0;
    memcpy(physmap_ptr(phys_addr(DSDT + 49), 2), "\x07\x00", 2);
    KTEST_STATUS(t, acpi_power_off(), K_ETIMEDOUT);
    KTEST_STRING(t, writes, "smi=f1 pm1[0]=01 pm1[1]=1c pm1[0]=01 pm1[1]=3c ");
}

static void power_off_finds_the_package_in_an_ssdt(struct ktest *t)
{
    start(t);
    put(DSDT + 43, '4', 1);
    KTEST_STATUS(t, acpi_power_off(), K_ENOENT);
    KTEST_STRING(t, writes, "");
    make_table(SSDT, "SSDT", 60);
    memcpy(physmap_ptr(phys_addr(SSDT + 40), 10), "\x08_S5_\x12\x04\x01\x0a\x02", 10);
    KTEST_STATUS(t, acpi_power_off(), K_ETIMEDOUT);
    KTEST_STRING(t, writes, "pm1[0]=01 pm1[1]=c8 pm1[0]=01 pm1[1]=e8 ");
    put(FADT + 64, 0, 4);
    KTEST_STATUS(t, acpi_power_off(), K_ENOTSUP);
}

static void power_off_of_a_reduced_machine_has_a_register_of_its_own(struct ktest *t)
{
    start(t);
    put(FADT + 112, 1U << 20, 4);
    KTEST_STATUS(t, acpi_power_off(), K_ENOTSUP);
    put(FADT + 4, 268, 4);
    fake_ram_fill(FADT + 244, 24, 0);
    put(FADT + 244, 1, 1);
    put(FADT + 248, 0xcf9, 8);
    KTEST_STATUS(t, acpi_power_off(), K_ETIMEDOUT);
    KTEST_STRING(t, writes, "reset=34 ");
}

/* A machine takes a moment to go off: what it says too early is wrong. */
static void power_waits_two_seconds_by_the_tsc(struct ktest *t)
{
    start(t);
    uint64_t begin = fake_cpu.tsc;
    KTEST_STATUS(t, acpi_power_off(), K_ETIMEDOUT);
    KTEST_TRUE(t, fake_cpu.tsc - begin >= 2000 * MS && fake_cpu.tsc - begin < 2010 * MS);
    begin = fake_cpu.tsc;
    KTEST_STATUS(t, acpi_reset(), K_ETIMEDOUT);
    KTEST_TRUE(t, fake_cpu.tsc - begin >= 2000 * MS && fake_cpu.tsc - begin < 2010 * MS);
}

static void power_off_waits_three_seconds_for_acpi(struct ktest *t)
{
    start(t);
    pm1[0] = 0;
    pm1[1] = 0;
    acpi_takes_ticks = 2900 * MS;
    KTEST_STATUS(t, acpi_power_off(), K_ETIMEDOUT);
    KTEST_STRING(t, writes, "smi=f1 pm1[0]=01 pm1[1]=14 pm1[0]=01 pm1[1]=34 ");
    start(t);
    pm1[0] = 0;
    pm1[1] = 0;
    acpi_takes_ticks = UINT64_MAX;
    const uint64_t begin = fake_cpu.tsc;
    KTEST_STATUS(t, acpi_power_off(), K_ETIMEDOUT); /* tried all the same */
    KTEST_STRING(t, writes, "smi=f1 pm1[0]=00 pm1[1]=14 pm1[0]=00 pm1[1]=34 ");
    KTEST_TRUE(t, fake_cpu.tsc - begin >= 5000 * MS && fake_cpu.tsc - begin < 5010 * MS);
}

static void power_without_a_clock_ends(struct ktest *t)
{
    start(t);
    mm_bootinfo()->tsc_hz = 0;
    pm1[0] = 0;
    acpi_takes_ticks = UINT64_MAX;
    KTEST_STATUS(t, acpi_power_off(), K_ETIMEDOUT);
}

/* ---- keyboard ----------------------------------------------------------------------------------
 */

/* A FADT that says that there is no 8042: revision 3, IAPC_BOOT_ARCH without its bit. */
static void start_without_8042(struct ktest *t)
{
    start(t);
    put(FADT + 8, 3, 1);
    put(FADT + 109, 0xfffd, 2);
}

static void keyboard_is_excluded_where_no_table_names_one(struct ktest *t)
{
    start_without_8042(t);
    KTEST_TRUE(t, acpi_excludes_keyboard());
    put(FADT + 109, 2, 2);
    KTEST_FALSE(t, acpi_excludes_keyboard());
    start(t); /* a FADT of old, which says nothing */
    KTEST_FALSE(t, acpi_excludes_keyboard());
    mm_bootinfo()->rsdp_copy_size = 0;
    KTEST_FALSE(t, acpi_excludes_keyboard());
}

static void keyboard_in_dsdt_or_ssdt_is_believed_more_than_the_fadt(struct ktest *t)
{
    static const uint8_t id[] = { 0x0c, 0x41, 0xd0, 0x03, 0x03 }; /* EisaId ("PNP0303") */
    start_without_8042(t);
    memcpy(physmap_ptr(phys_addr(DSDT + 50), 5), id, 5);
    KTEST_FALSE(t, acpi_excludes_keyboard());
    start_without_8042(t);
    make_table(SSDT, "SSDT", 60);
    memcpy(physmap_ptr(phys_addr(SSDT + 55), 5), id, 5);
    KTEST_FALSE(t, acpi_excludes_keyboard());
    make_table(SSDT, "OEM1", 60); /* no table with AML */
    memcpy(physmap_ptr(phys_addr(SSDT + 55), 5), id, 5);
    KTEST_TRUE(t, acpi_excludes_keyboard());
    put(XSDT + 44, 0xa0000, 8); /* one that cannot be read */
    KTEST_TRUE(t, acpi_excludes_keyboard());
}

/* Root table in RAM, of @p entries that all name the SSDT but the first, which names the FADT. */
#define LONG_ROOT (FAKE_PC_ACPI + 2 * SIZE_1M)

static void start_with_long_root(struct ktest *t, uint32_t entries)
{
    const uint64_t root = LONG_ROOT;
    start_without_8042(t);
    memcpy(mm_bootinfo()->rsdp_copy + 24, &root, 8);
    make_table(root, "XSDT", 36 + 8 * entries);
    put(root + 36, FADT, 8);
    for (uint32_t i = 1; i < entries; i++) {
        put(root + 36 + 8 * i, SSDT, 8);
    }
}

static bool count_visits(void *context, const struct acpi_table *table)
{
    uint32_t *const visits = context;
    (void)table;
    (*visits)++;
    return true;
}

static void visit_ends_after_as_many_tables_as_the_loader_reads(struct ktest *t)
{
    static const struct {
        uint32_t entries;
        uint32_t visits; /* root, FACS and DSDT are not in the root table */
        bool is_all;
    } roots[] = { { 2, 5, true },
                  { ACPI_TABLES_MAX, ACPI_TABLES_MAX + 3, true },
                  { ACPI_TABLES_MAX + 1, ACPI_TABLES_MAX + 3, false },
                  { 100000, ACPI_TABLES_MAX + 3, false } };
    for (size_t i = 0; i < ARRAY_COUNT(roots); i++) {
        uint32_t visits = 0;
        start_with_long_root(t, roots[i].entries);
        KTEST_EQ(t, acpi_visit_tables(count_visits, &visits), roots[i].is_all);
        KTEST_EQ(t, visits, roots[i].visits);
    }
    KTEST_TRUE(t, answer_has("", "\nmore than 256 tables: the rest is not shown\n"));
    start(t);
    KTEST_FALSE(t, answer_has("", "more than"));
}

static const char no_end[] = "keyboard: there is no end to ACPI's tables";

static void keyboard_in_tables_without_end_is_looked_for(struct ktest *t)
{
    start_with_long_root(t, 100000);
    fake_cpu.tsc_step = 0;
    fake_log_reset();
    KTEST_FALSE(t, acpi_excludes_keyboard());
    KTEST_TRUE(t, fake_log_contains(no_end));
    start_with_long_root(t, ACPI_TABLES_MAX);
    fake_cpu.tsc_step = 0;
    fake_log_reset();
    KTEST_TRUE(t, acpi_excludes_keyboard());
    KTEST_FALSE(t, fake_log_contains(no_end));
}

/* Each table takes a while: one that a hypervisor traps, or memory that is not cached. */
static void keyboard_is_searched_for_half_a_second(struct ktest *t)
{
    start_with_long_root(t, 200);
    fake_cpu.tsc_step = 10 * MS - 1;
    fake_log_reset();
    uint64_t begin = fake_cpu.tsc;
    KTEST_FALSE(t, acpi_excludes_keyboard());
    KTEST_TRUE(t, fake_cpu.tsc - begin >= 500 * MS && fake_cpu.tsc - begin < 530 * MS);
    KTEST_TRUE(t, fake_log_contains(no_end));
    memcpy(physmap_ptr(phys_addr(SSDT), 4), "OEM1", 4); /* tables without AML take time too */
    begin = fake_cpu.tsc;
    KTEST_FALSE(t, acpi_excludes_keyboard());
    KTEST_TRUE(t, fake_cpu.tsc - begin >= 500 * MS && fake_cpu.tsc - begin < 530 * MS);
    start_without_8042(t); /* one that is long */
    put(XSDT + 44, LONG_ROOT, 8);
    make_table(LONG_ROOT, "SSDT", SIZE_1M);
    fake_cpu.tsc_step = 10 * MS - 1;
    begin = fake_cpu.tsc;
    KTEST_FALSE(t, acpi_excludes_keyboard());
    KTEST_TRUE(t, fake_cpu.tsc - begin >= 500 * MS && fake_cpu.tsc - begin < 530 * MS);
    fake_cpu.tsc_step = MS - 1;
    KTEST_TRUE(t, acpi_excludes_keyboard());
    fake_cpu.tsc_step = 10 * MS - 1;
    mm_bootinfo()->tsc_hz = 0;
    KTEST_TRUE(t, acpi_excludes_keyboard());
    make_table(LONG_ROOT, "SSDT", 5 * SIZE_1M);
    for (uint32_t i = 0; i < 4; i++) {
        put(XSDT + 44 + 8 * i, LONG_ROOT, 8);
    }
    put(XSDT + 4, 36 + 5 * 8, 4);
    KTEST_FALSE(t, acpi_excludes_keyboard()); /* 16 MiB are enough */
}

/* One reader for all of it: a FADT is not less believed for its length. */
static void keyboard_is_excluded_by_a_fadt_of_any_length(struct ktest *t)
{
    start_without_8042(t);
    make_table(LONG_ROOT, "FACP", SIZE_1M + 1);
    put(LONG_ROOT + 8, 3, 1);
    put(XSDT + 36, LONG_ROOT, 8);
    KTEST_TRUE(t, acpi_excludes_keyboard());
    put(XSDT + 36, SSDT, 8); /* none at all */
    KTEST_FALSE(t, acpi_excludes_keyboard());
}

/* ---- firmware_memory ---------------------------------------------------------------------------
 */

static void window_over_reserved_memory_is_mapped_and_unmapped(struct ktest *t)
{
    struct firmware_window window;
    start(t);
    const uint64_t before = mmio_pool_free_bytes(mmio_pool());
    KTEST_STATUS(t, firmware_window_open(FAKE_PC_RUNTIME + 0xffe, 4, &window), K_OK);
    KTEST_EQ(t, (uintptr_t)window.bytes & 0xfff, 0xffe);
    KTEST_EQ(t, window.guard.mapped_bytes, 2 * PAGE_SIZE);
    firmware_window_close(&window);
    KTEST_EQ(t, mmio_pool_free_bytes(mmio_pool()), before);
    KTEST_STATUS(t, firmware_window_open(0xf0000, 0x10000, &window), K_OK); /* BIOS memory */
    firmware_window_close(&window);
    KTEST_STATUS(t, firmware_window_open(FAKE_PC_ACPI, 16, &window), K_OK);
    KTEST_TRUE(t, window.guard.pool == NULL); /* there is the direct map */
    firmware_window_close(&window);
}

static void window_over_anything_else_is_refused(struct ktest *t)
{
    static const struct {
        uint64_t phys;
        uint64_t size_bytes;
    } bad[] = {
        { FAKE_PC_ACPI, 0 },
        { FAKE_PC_ACPI, FIRMWARE_WINDOW_MAX + 1 },
        { 0, 16 },
        { PAGE_SIZE - 1, 2 },
        { 0xdffff, 2 },
        { 0xfffff, 2 }, /* runs into what may be read: RAM */
        { FAKE_PC_KERNEL, 16 },
        { FAKE_PC_KERNEL - 1, 2 },
        { FAKE_PC_END, 16 },
        { FAKE_PC_END - 1, 2 },
        { UINT64_MAX - 1, 2 },
        { UINT64_C(1) << 46, 1 },
    };
    struct firmware_window window;
    start(t);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (!KTEST_STATUS(t, firmware_window_open(bad[i].phys, bad[i].size_bytes, &window),
                          K_EFAULT)) {
            ktest_output("    # case %u\n", (unsigned)i);
        }
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(acpi_lists_all_tables_with_their_sums),
    KTEST_CASE(acpi_dumps_the_tables_of_a_name),
    KTEST_CASE(acpi_says_which_tables_cannot_be_read),
    KTEST_CASE(acpi_stops_at_ctrl_c),
    KTEST_CASE(reset_writes_the_value_to_the_register),
    KTEST_CASE(reset_without_a_register_is_not_supported),
    KTEST_CASE(power_off_sets_type_then_enable),
    KTEST_CASE(power_off_turns_acpi_on_first),
    KTEST_CASE(power_off_finds_the_package_in_an_ssdt),
    KTEST_CASE(power_off_of_a_reduced_machine_has_a_register_of_its_own),
    KTEST_CASE(power_waits_two_seconds_by_the_tsc),
    KTEST_CASE(power_off_waits_three_seconds_for_acpi),
    KTEST_CASE(power_without_a_clock_ends),
    KTEST_CASE(keyboard_is_excluded_where_no_table_names_one),
    KTEST_CASE(keyboard_in_dsdt_or_ssdt_is_believed_more_than_the_fadt),
    KTEST_CASE(visit_ends_after_as_many_tables_as_the_loader_reads),
    KTEST_CASE(keyboard_in_tables_without_end_is_looked_for),
    KTEST_CASE(keyboard_is_searched_for_half_a_second),
    KTEST_CASE(keyboard_is_excluded_by_a_fadt_of_any_length),
    KTEST_CASE(window_over_reserved_memory_is_mapped_and_unmapped),
    KTEST_CASE(window_over_anything_else_is_refused),
};
KTEST_SUITE(kernel_acpi_machine, "kernel.acpi_machine", cases);
