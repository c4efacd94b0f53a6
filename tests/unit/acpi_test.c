/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Counting CPUs in firmware tables (ACPI 6.5, 5.2.5 - 5.2.12): good ones, and every way in which an
 * address or a length can lead out of the memory that is mapped. A touch of anything else ends the
 * test (fake_ram).
 */
#include "acpi.h"

#include <string.h>

#include <arch/physmap.h>

#include "acpi_tables.h"
#include "tests/fake/fake_machine.h"
#include "tests/fake/fake_ram.h"
#include "tests/ktest.h"

#define ROOT     (FAKE_PC_ACPI + 0x101) /* nothing promises alignment */
#define OTHER    (FAKE_PC_ACPI + 0x1000)
#define MADT     (FAKE_PC_ACPI + 0x2003)
#define ACPI_END FAKE_PC_NVS
#define NVS_END  FAKE_PC_RUNTIME

static struct fake_machine machine;
static uint8_t rsdp[36];

static void write_number(uint64_t at, uint64_t value, uint32_t size_bytes)
{
    memcpy(physmap_ptr(phys_addr(at), size_bytes), &value, size_bytes); /* little-endian host */
}

static void write_header(uint64_t at, const char *signature, uint32_t length)
{
    memcpy(physmap_ptr(phys_addr(at), 4), signature, 4);
    write_number(at + 4, length, 4);
}

static void set_roots(uint32_t rsdt, uint64_t xsdt)
{
    memcpy(rsdp + 16, &rsdt, sizeof(rsdt));
    memcpy(rsdp + 24, &xsdt, sizeof(xsdt));
}

/* An XSDT with two tables, the second one the MADT. */
static void start(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    memset(rsdp, 0, sizeof(rsdp));
    set_roots(0, ROOT);
    write_header(ROOT, "XSDT", 36 + 16);
    write_number(ROOT + 36, OTHER, 8);
    write_number(ROOT + 44, MADT, 8);
    write_header(OTHER, "FACP", 100);
    write_header(MADT, "APIC", 44);
}

/* Appends an interrupt controller structure to the MADT. */
static void add_structure(uint8_t type, uint8_t length, uint32_t flags_at, uint32_t flags)
{
    uint32_t end;
    memcpy(&end, physmap_ptr(phys_addr(MADT + 4), 4), 4);
    fake_ram_fill(MADT + end, length, 0xff); /* junk that would count as enabled */
    write_number(MADT + end, type, 1);
    write_number(MADT + end + 1, length, 1);
    if (flags_at != 0) {
        write_number(MADT + end + flags_at, flags, 4);
    }
    write_number(MADT + 4, end + length, 4);
}

static void add_apic(uint32_t flags)
{
    add_structure(0, 8, 4, flags);
}

static uint32_t count(void)
{
    return acpi_count_cpus(rsdp, sizeof(rsdp));
}

static void acpi_counts_enabled_apics_of_both_kinds(struct ktest *t)
{
    start(t);
    KTEST_EQ(t, count(), 0);
    add_apic(1);
    add_structure(1, 12, 0, 0); /* an I/O APIC */
    add_apic(0);                /* disabled */
    add_apic(2);                /* disabled, could be brought online */
    add_apic(3);
    add_structure(9, 16, 8, 1); /* an x2APIC */
    add_structure(9, 16, 8, 0);
    KTEST_EQ(t, count(), 3);
}

static void acpi_1_goes_through_the_rsdt(struct ktest *t)
{
    start(t);
    add_apic(1);
    set_roots(ROOT, 0);
    write_header(ROOT, "RSDT", 36 + 8);
    write_number(ROOT + 36, OTHER, 4);
    write_number(ROOT + 40, MADT, 4);
    KTEST_EQ(t, acpi_count_cpus(rsdp, 20), 1);
    KTEST_EQ(t, count(), 1); /* no XSDT address: the RSDT will do */
}

static void acpi_without_a_root_pointer_is_none(struct ktest *t)
{
    start(t);
    add_apic(1);
    KTEST_EQ(t, acpi_count_cpus(rsdp, 0), 0);
    KTEST_EQ(t, acpi_count_cpus(rsdp, 35), 0);
    set_roots(0, 0);
    KTEST_EQ(t, count(), 0);
    KTEST_EQ(t, acpi_count_cpus(rsdp, 20), 0);
}

static void acpi_root_outside_of_memory_is_none(struct ktest *t)
{
    static const uint64_t bad[] = {
        8,                                                       /* page 0 */
        0xa0000,                                                 /* no memory at all */
        NVS_END - 20,                                            /* ends in runtime services */
        NVS_END + 64,                                            /* in them */
        FAKE_PC_END - 10,                                        /* passes the end of memory */
        FAKE_PC_KERNEL + FAKE_KERNEL_PAGES * PAGE_SIZE,          /* the stack's guard frame */
        FAKE_PC_KERNEL + FAKE_KERNEL_IST_GUARD * PAGE_SIZE - 20, /* runs into another */
        SIZE_1T,
        UINT64_MAX - 8,
        UINT64_MAX,
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        start(t);
        add_apic(1);
        if (fake_ram_contains(bad[i], 52)) { /* a good table, but where none may be */
            memcpy(physmap_ptr(phys_addr(bad[i]), 52), physmap_ptr(phys_addr(ROOT), 52), 52);
        }
        set_roots(0, bad[i]);
        KTEST_EQ(t, count(), 0);
    }
}

static void acpi_tables_may_span_entries(struct ktest *t)
{
    const uint64_t madt = ACPI_END - 50; /* from ACPI memory into NVS */
    start(t);
    write_number(ROOT + 44, madt, 8);
    write_header(madt, "APIC", 44 + 16);
    for (uint64_t at = madt + 44; at < madt + 60; at += 8) {
        write_number(at, 0x0800, 2);
        write_number(at + 4, 1, 4);
    }
    KTEST_EQ(t, count(), 2);
}

static void acpi_table_with_a_bad_length_is_skipped(struct ktest *t)
{
    static const uint32_t bad[] = { 0, 35, (1U << 20) + 1, UINT32_MAX };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        start(t);
        add_apic(1);
        KTEST_EQ(t, count(), 1);
        write_number(OTHER + 4, bad[i], 4); /* another one: it is passed over */
        KTEST_EQ(t, count(), 1);
        write_number(MADT + 4, bad[i], 4);
        KTEST_EQ(t, count(), 0);
    }
    start(t);
    add_apic(1);
    write_number(MADT + 4, NVS_END - MADT + 1, 4); /* passes mapped memory by a byte */
    KTEST_EQ(t, count(), 0);
    write_number(ROOT + 4, UINT32_MAX, 4);
    KTEST_EQ(t, count(), 0);
}

static void acpi_root_shorter_than_an_address_finds_nothing(struct ktest *t)
{
    start(t);
    add_apic(1);
    write_number(ROOT + 4, 36 + 8, 4); /* the MADT is the second */
    KTEST_EQ(t, count(), 0);
    write_number(ROOT + 4, 36 + 15, 4); /* its address is cut */
    KTEST_EQ(t, count(), 0);
}

static void acpi_structure_with_a_bad_length_ends_the_count(struct ktest *t)
{
    static const uint8_t bad[] = { 0, 1, 200 }; /* would loop, and would pass the end */
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        start(t);
        add_apic(1);
        add_apic(1);
        add_apic(1);
        write_number(MADT + 44 + 8 + 1, bad[i], 1);
        write_number(MADT + 44 + 8 + 2, 7, 1); /* one byte on, it would lead to the third */
        KTEST_EQ(t, count(), 1);
    }
    start(t);
    add_apic(1);
    add_structure(0, 7, 0, 0); /* too short for its flags */
    add_apic(1);
    KTEST_EQ(t, count(), 2);
}

static void acpi_madt_behind_too_many_tables_is_none(struct ktest *t)
{
    const uint64_t root = ACPI_END - 2 * PAGE_SIZE;
    start(t);
    add_apic(1);
    set_roots(0, root);
    write_header(root, "XSDT", 36 + 8 * (ACPI_TABLES_MAX + 1));
    for (uint32_t i = 0; i < ACPI_TABLES_MAX; i++) {
        write_number(root + 36 + 8 * i, OTHER, 8);
    }
    write_number(root + 36 + 8 * ACPI_TABLES_MAX, MADT, 8);
    KTEST_EQ(t, count(), 0);
    write_number(root + 36 + 8 * (ACPI_TABLES_MAX - 1), MADT, 8);
    KTEST_EQ(t, count(), 1);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(acpi_counts_enabled_apics_of_both_kinds),
    KTEST_CASE(acpi_1_goes_through_the_rsdt),
    KTEST_CASE(acpi_without_a_root_pointer_is_none),
    KTEST_CASE(acpi_root_outside_of_memory_is_none),
    KTEST_CASE(acpi_tables_may_span_entries),
    KTEST_CASE(acpi_table_with_a_bad_length_is_skipped),
    KTEST_CASE(acpi_madt_behind_too_many_tables_is_none),
    KTEST_CASE(acpi_root_shorter_than_an_address_finds_nothing),
    KTEST_CASE(acpi_structure_with_a_bad_length_ends_the_count),
};
KTEST_SUITE(kernel_acpi, "kernel.acpi", cases);
