/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See acpi_machine.h. ACPI 6.5: 5.2.5 to 5.2.11 (tables), 4.8.3.2 "PM1 Control Registers", 4.8.3.6
 * "Reset Register", 4.8.3.7 "Sleep Control and Status Registers", 16.1 "Sleeping States".
 */
#include "acpi_machine.h"

#include <stddef.h>

#include <arch/cpu.h>
#include <arch/io.h>

#include "acpi_tables.h"
#include "dev/pci_config.h"
#include "firmware_memory.h"
#include "lib/bits.h"
#include "lib/deadline.h"
#include "lib/little_endian.h"
#include "mm/mm_init.h"
#include "printk.h"

#define RSDP_RSDT     16U
#define RSDP_XSDT     24U
#define RSDP_BYTES_2  36U
#define TABLE_LENGTH  4U
#define FACS_BYTES    8U /* signature and length: it has no more of a header */
#define PM1_SCI_EN    0x0001U
#define PM1_SLEEP     0x2000U /* SLP_EN */
#define PM1_TYPE_AT   10U     /* SLP_TYP: three bits */
#define SLEEP_TYPE_AT 2U      /* of the sleep control register */
#define SLEEP_ENABLE  0x20U

/* A machine takes a moment to go off, and its firmware to hand ACPI over (Linux: 3 s). Where no
 * clock is known: as many looks. */
#define OFF_MS       2000U
#define OFF_LOOKS    10000000U
#define ENABLE_MS    3000U
#define ENABLE_READS 3000000U

/* How long tables are searched for a keyboard; some megabytes take a few milliseconds. Where no
 * clock is known: 16 MiB, so many bytes between two looks. */
#define SEARCH_MS    500U
#define SEARCH_LOOKS 4096U
#define SEARCH_BYTES 4096U

/* ---- tables ------------------------------------------------------------------------------------
 */

struct acpi_visit {
    acpi_visitor *call;
    void *context;
};

/* Opens the table at `phys` with all its bytes. @return whether it can be read */
static bool open_table(uint64_t phys, uint64_t header_bytes, struct firmware_window *window,
                       struct acpi_table *table)
{
    *table = (struct acpi_table){ .phys = phys };
    if (firmware_window_open(phys, header_bytes, window) != K_OK) {
        return false;
    }
    const uint64_t length = acpi_number(window->bytes, header_bytes, TABLE_LENGTH, 4);
    firmware_window_close(window);
    if (length < header_bytes || firmware_window_open(phys, length, window) != K_OK) {
        return false;
    }
    table->bytes = window->bytes;
    table->length = length;
    return true;
}

/* Shows a table; what it says of others, where it is the FADT, through `fadt` (may be NULL). */
static bool visit_one(uint64_t phys, uint64_t header_bytes, const struct acpi_visit *visit,
                      struct acpi_fadt *fadt)
{
    struct firmware_window window;
    struct acpi_table table;
    if (!open_table(phys, header_bytes, &window, &table)) {
        return visit->call(visit->context, &table);
    }
    const bool goes_on = visit->call(visit->context, &table);
    if (fadt != NULL && acpi_is(table.bytes, "FACP")) {
        acpi_fadt_read(table.bytes, table.length, fadt);
    }
    firmware_window_close(&window);
    return goes_on;
}

static bool visit_with_others(uint64_t phys, const struct acpi_visit *visit)
{
    struct acpi_fadt fadt = { .dsdt = 0 };
    return visit_one(phys, ACPI_HEADER_BYTES, visit, &fadt) &&
           (fadt.facs == 0 || visit_one(fadt.facs, FACS_BYTES, visit, NULL)) &&
           (fadt.dsdt == 0 || visit_one(fadt.dsdt, ACPI_HEADER_BYTES, visit, NULL));
}

/* How many addresses of `entry_bytes` the root table holds. */
static uint64_t count_entries(uint64_t root, unsigned entry_bytes)
{
    struct firmware_window window;
    struct acpi_table table;
    if (!open_table(root, ACPI_HEADER_BYTES, &window, &table)) {
        return 0;
    }
    firmware_window_close(&window);
    return (table.length - ACPI_HEADER_BYTES) / entry_bytes;
}

/* Address number `index` in the root table; 0 where it cannot be read any more. A window of its own
 * for each: what is visited may need the address space. */
static uint64_t read_entry(uint64_t root, unsigned entry_bytes, uint64_t index)
{
    struct firmware_window window;
    const uint64_t at = root + ACPI_HEADER_BYTES + index * entry_bytes;
    if (firmware_window_open(at, entry_bytes, &window) != K_OK) {
        return 0;
    }
    const uint64_t phys = little_endian(window.bytes, entry_bytes);
    firmware_window_close(&window);
    return phys;
}

bool acpi_visit_tables(acpi_visitor *visitor, void *context)
{
    const struct acpi_visit visit = { visitor, context };
    const struct bootinfo *const info = mm_bootinfo();
    const bool has_wide = info->rsdp_copy_size >= RSDP_BYTES_2;
    const uint64_t xsdt = has_wide ? acpi_number(info->rsdp_copy, RSDP_BYTES_2, RSDP_XSDT, 8) : 0;
    const uint64_t root =
        xsdt != 0 ? xsdt : acpi_number(info->rsdp_copy, info->rsdp_copy_size, RSDP_RSDT, 4);
    if (root == 0) {
        return true;
    }
    if (!visit_one(root, ACPI_HEADER_BYTES, &visit, NULL)) {
        return false;
    }
    const unsigned entry_bytes = xsdt != 0 ? 8 : 4;
    const uint64_t entries = count_entries(root, entry_bytes);
    for (uint64_t i = 0; i < bits_min(entries, ACPI_TABLES_MAX); i++) {
        if (!visit_with_others(read_entry(root, entry_bytes, i), &visit)) {
            return false;
        }
    }
    return entries <= ACPI_TABLES_MAX;
}

static bool has_aml(const struct acpi_table *table)
{
    return table->bytes != NULL && (acpi_is(table->bytes, "DSDT") || acpi_is(table->bytes, "SSDT"));
}

/* ---- keyboard ----------------------------------------------------------------------------------
 */

struct keyboard_search {
    struct deadline deadline;
    bool is_denied;   /* the FADT denies its controller */
    bool is_expected; /* the FADT does not, or a table names one */
};

/* Ends the visit where there is one to look for, and where the time is over. */
static bool find_keyboard(void *context, const struct acpi_table *table)
{
    struct keyboard_search *const search = context;
    if (table->bytes != NULL && acpi_is(table->bytes, "FACP")) {
        struct acpi_fadt fadt;
        acpi_fadt_read(table->bytes, table->length, &fadt);
        search->is_denied = fadt.denies_8042;
        search->is_expected = !fadt.denies_8042;
    }
    const uint64_t aml_end = has_aml(table) ? table->length : 0;
    for (uint64_t at = 0; at < aml_end && !search->is_expected; at += SEARCH_BYTES) {
        if (deadline_passed(&search->deadline)) {
            return false;
        }
        search->is_expected =
            acpi_names_keyboard(table->bytes, table->length, at, at + SEARCH_BYTES);
    }
    return !search->is_expected && !deadline_passed(&search->deadline);
}

bool acpi_excludes_keyboard(void)
{
    struct keyboard_search search = { .is_denied = false };
    deadline_set(&search.deadline, mm_bootinfo()->tsc_hz, SEARCH_MS, SEARCH_LOOKS);
    const bool is_all = acpi_visit_tables(find_keyboard, &search);
    if (!is_all && !search.is_expected) {
        pr_warn("keyboard: there is no end to ACPI's tables: looking for one all the same");
    }
    return is_all && search.is_denied;
}

/* ---- power -------------------------------------------------------------------------------------
 */

/* What the tables say about power, collected by find_power(). */
struct power {
    bool has_fadt;
    struct acpi_fadt fadt;
    bool has_types;
    struct acpi_sleep_types types;
};

static bool find_power(void *context, const struct acpi_table *table)
{
    struct power *const power = context;
    if (table->bytes == NULL) {
        return true;
    }
    if (acpi_is(table->bytes, "FACP")) {
        acpi_fadt_read(table->bytes, table->length, &power->fadt);
        power->has_fadt = true;
    } else if (!power->has_types && has_aml(table)) {
        power->has_types = acpi_find_soft_off(table->bytes, table->length, &power->types);
    }
    return true;
}

static enum kstatus write_memory(uint64_t phys, uint8_t value)
{
    struct mmio_guard guard;
    if (!firmware_range_is_device(phys, 1)) {
        return K_EFAULT;
    }
    enum kstatus status = create_mmio(PAGE_SIZE, &guard);
    if (status != K_OK) {
        return status;
    }
    status =
        mmio_guard_map_phys(&guard, phys_addr(phys & PAGE_MASK), PAGE_SIZE, PAGE_CACHE_UNCACHED);
    if (status == K_OK) {
        arch_mmio_write8(guard.virt.value + (phys & ~PAGE_MASK), value);
    }
    kstatus_ignore(mmio_guard_release(&guard)); /* EAGAIN: leaks its address space */
    return status;
}

static enum kstatus write_pci(uint64_t address, uint8_t value)
{
    const uint64_t device = (address >> 32) & 0xffff;
    const uint64_t function = (address >> 16) & 0xffff;
    const uint64_t offset = address & 0xffff;
    if (device > 31 || function > 7 || offset > 255) {
        return K_EFAULT;
    }
    pci_config_write_byte((uint32_t)(device << 3 | function), (uint32_t)offset,
                          value); /* 16 bits */
    return K_OK;
}

static enum kstatus write_register(const struct acpi_register *to, uint8_t value)
{
    switch (to->space) {
    case ACPI_SPACE_MEMORY:
        return write_memory(to->address, value);
    case ACPI_SPACE_IO:
        if (to->address > UINT16_MAX) {
            return K_EFAULT;
        }
        x86_outb((uint16_t)to->address, value); /* checked */
        return K_OK;
    case ACPI_SPACE_PCI:
        return write_pci(to->address, value);
    default:
        return K_ENOTSUP;
    }
}

static enum kstatus wait_in_vain(void)
{
    deadline_wait(mm_bootinfo()->tsc_hz, OFF_MS, OFF_LOOKS);
    return K_ETIMEDOUT;
}

enum kstatus acpi_reset(void)
{
    struct power power = { .has_fadt = false };
    (void)acpi_visit_tables(find_power, &power); /* what there is, is in `power` */
    const struct acpi_register *const reset = &power.fadt.reset;
    if (!power.has_fadt || reset->address == 0) {
        return K_ENOTSUP;
    }
    const enum kstatus status = write_register(reset, power.fadt.reset_value);
    return status == K_OK ? wait_in_vain() : status;
}

/* Until the firmware hands the power registers over, writes to them may do nothing. */
static void enable_acpi(const struct acpi_fadt *fadt, uint16_t control)
{
    if ((x86_inw(control) & PM1_SCI_EN) != 0 || fadt->smi_command == 0 || fadt->acpi_enable == 0) {
        return;
    }
    struct deadline deadline;
    deadline_set(&deadline, mm_bootinfo()->tsc_hz, ENABLE_MS, ENABLE_READS);
    x86_outb(fadt->smi_command, fadt->acpi_enable);
    while ((x86_inw(control) & PM1_SCI_EN) == 0 && !deadline_passed(&deadline)) {
        arch_cpu_relax();
    }
}

static uint16_t with_type(uint16_t control, uint8_t type)
{
    const unsigned cleared = x86_inw(control) & ~((7U << PM1_TYPE_AT) | PM1_SLEEP);
    return (uint16_t)(cleared | ((unsigned)type << PM1_TYPE_AT)); /* both within 16 bits */
}

/* 16.1: the type into both registers, then the enable bit. */
static enum kstatus sleep_by_pm1(const struct power *power)
{
    const struct acpi_register *const a = &power->fadt.pm1a_control;
    const struct acpi_register *const b = &power->fadt.pm1b_control;
    if (a->space != ACPI_SPACE_IO || a->address == 0 || a->address > UINT16_MAX - 1) {
        return K_ENOTSUP;
    }
    const uint16_t port_a = (uint16_t)a->address; /* checked */
    const bool has_b = b->space == ACPI_SPACE_IO && b->address != 0 && b->address < UINT16_MAX;
    const uint16_t port_b = has_b ? (uint16_t)b->address : 0;
    enable_acpi(&power->fadt, port_a);
    const uint16_t value_a = with_type(port_a, power->types.a);
    const uint16_t value_b = has_b ? with_type(port_b, power->types.b) : 0;
    x86_outw(port_a, value_a);
    if (has_b) {
        x86_outw(port_b, value_b);
    }
    x86_outw(port_a, value_a | PM1_SLEEP);
    if (has_b) {
        x86_outw(port_b, value_b | PM1_SLEEP);
    }
    return wait_in_vain();
}

enum kstatus acpi_power_off(void)
{
    struct power power = { .has_fadt = false };
    (void)acpi_visit_tables(find_power, &power); /* what there is, is in `power` */
    if (!power.has_fadt || !power.has_types) {
        return K_ENOENT;
    }
    if (!power.fadt.is_reduced) {
        return sleep_by_pm1(&power);
    }
    if (power.fadt.sleep_control.address == 0) {
        return K_ENOTSUP;
    }
    const uint8_t value = (uint8_t)(((unsigned)power.types.a << SLEEP_TYPE_AT) | SLEEP_ENABLE);
    const enum kstatus status = write_register(&power.fadt.sleep_control, value);
    return status == K_OK ? wait_in_vain() : status;
}
