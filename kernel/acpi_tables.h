/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What is read out of ACPI tables (6.5) beside CPUs: headers, checksums, what it takes to reset the
 * machine and to switch it off, keyboards. Over bytes; hostile input, every offset is checked
 * against the table's length. Pure; kernel and host. acpi_machine.h has the tables of this machine.
 */
#ifndef KERNEL_ACPI_TABLES_H
#define KERNEL_ACPI_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#define ACPI_HEADER_BYTES 36U

/** Entries of a root table that loader and kernel look at; the largest machines have about a
 *  hundred. A root table has room for a hundred thousand, each of which may name the same table. */
#define ACPI_TABLES_MAX 256U

/** A register as tables describe it (5.2.3.2 "Generic Address Structure"). */
struct acpi_register {
    uint8_t space;    /* enum acpi_space, or what only AML knows */
    uint64_t address; /* 0: there is none */
};

enum acpi_space {
    ACPI_SPACE_MEMORY = 0,
    ACPI_SPACE_IO = 1,
    ACPI_SPACE_PCI = 2, /* bus 0; device in bits 32-47, function 16-31, offset 0-15 */
};

/** 5.2.9 "Fixed ACPI Description Table". What a short table does not have is 0. */
struct acpi_fadt {
    uint64_t dsdt;
    uint64_t facs;
    struct acpi_register reset;
    uint8_t reset_value;
    struct acpi_register pm1a_control;
    struct acpi_register pm1b_control;
    uint16_t smi_command; /* port */
    uint8_t acpi_enable;  /* what goes there to turn ACPI on; 0: it is on, or there is no way */
    bool denies_8042;     /* says that there is no such keyboard controller (5.2.9.3) */
    bool is_reduced;      /* no PM1 registers but this one: */
    struct acpi_register sleep_control;
};

/** SLP_TYP of the soft-off state for the two PM1 control registers. */
struct acpi_sleep_types {
    uint8_t a; /* 0..7 */
    uint8_t b;
};

/** The little-endian number in @p size_bytes (1..8) at @p offset; 0 where @p length ends before. */
uint64_t acpi_number(const uint8_t *table, uint64_t length, uint64_t offset, unsigned size_bytes);

/** Whether all @p length bytes add up to 0. */
bool acpi_sum_is_zero(const uint8_t *bytes, uint64_t length);

/** Whether the table (at least 4 bytes) is called @p signature. */
bool acpi_is(const uint8_t *table, const char *signature);

/** Reads a FADT of @p length bytes. */
void acpi_fadt_read(const uint8_t *fadt, uint64_t length, struct acpi_fadt *out);

/**
 * Looks for the package \_S5 in the AML of a DSDT or SSDT, without an interpreter: the name, and a
 * package of constants behind it.
 * @return false where there is none
 * @spec 7.4.2.6 "\_Sx States", 20.2 "AML Grammar Definition"
 */
bool acpi_find_soft_off(const uint8_t *table, uint64_t length, struct acpi_sleep_types *types);

/**
 * Whether the id of a PS/2 keyboard (PNP0300 and on) stands in the AML of a DSDT or SSDT, as a
 * number or as text. That the device is there (_STA) is not asked: that takes an interpreter.
 * @param from, to  the offsets at which it may begin: [from, to), which may pass the table's end
 * @spec "EISAID (EISA ID String To Integer Conversion Macro)", 20.2.3 "Data Objects Encoding"
 */
bool acpi_names_keyboard(const uint8_t *table, uint64_t length, uint64_t from, uint64_t to);

#endif
