/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Reading FADT and \_S5 out of bytes: short tables, AML in every form that compilers of it write,
 * and what only looks like the package.
 */
#include "acpi_tables.h"

#include <string.h>

#include "tests/ktest.h"

static uint8_t table[300];

static void put(uint64_t offset, uint64_t value, unsigned size_bytes)
{
    memcpy(table + offset, &value, size_bytes); /* little-endian host */
}

static void fadt_fields_stand_where_acpi_says(struct ktest *t)
{
    struct acpi_fadt fadt;
    memset(table, 0, sizeof(table));
    put(36, 0x1000, 4);
    put(40, 0x2000, 4);
    put(48, 0xb2, 4);
    put(52, 0xf0, 1);
    put(64, 0x604, 4);
    put(68, 0x704, 4);
    put(112, 1U << 10, 4);
    put(116, 1, 1);
    put(120, 0xcf9, 8);
    put(128, 0x0f, 1);
    acpi_fadt_read(table, 244, &fadt);
    KTEST_EQ(t, fadt.facs, 0x1000);
    KTEST_EQ(t, fadt.dsdt, 0x2000);
    KTEST_EQ(t, fadt.smi_command, 0xb2);
    KTEST_EQ(t, fadt.acpi_enable, 0xf0);
    KTEST_EQ(t, fadt.pm1a_control.space, ACPI_SPACE_IO);
    KTEST_EQ(t, fadt.pm1a_control.address, 0x604);
    KTEST_EQ(t, fadt.pm1b_control.address, 0x704);
    KTEST_EQ(t, fadt.reset.space, ACPI_SPACE_IO);
    KTEST_EQ(t, fadt.reset.address, 0xcf9);
    KTEST_EQ(t, fadt.reset_value, 0x0f);
    KTEST_FALSE(t, fadt.is_reduced);
    KTEST_EQ(t, fadt.sleep_control.address, 0);
    put(112, 0, 4); /* the register does not count without its flag */
    acpi_fadt_read(table, 244, &fadt);
    KTEST_EQ(t, fadt.reset.address, 0);
}

static void fadt_wide_addresses_win_and_need_the_length(struct ktest *t)
{
    struct acpi_fadt fadt;
    memset(table, 0, sizeof(table));
    put(40, 0x2000, 4);
    put(64, 0x604, 4);
    put(112, 1U << 20, 4);
    put(140, 0x123456000, 8);
    put(172, 0, 1);
    put(176, 0xfed00004, 8);
    put(244, 1, 1);
    put(248, 0x500, 8);
    acpi_fadt_read(table, 256, &fadt);
    KTEST_EQ(t, fadt.dsdt, 0x123456000);
    KTEST_EQ(t, fadt.pm1a_control.space, ACPI_SPACE_MEMORY);
    KTEST_EQ(t, fadt.pm1a_control.address, 0xfed00004);
    KTEST_TRUE(t, fadt.is_reduced);
    KTEST_EQ(t, fadt.sleep_control.address, 0x500);
    acpi_fadt_read(table, 255, &fadt);
    KTEST_EQ(t, fadt.sleep_control.address, 0);
    acpi_fadt_read(table, 147, &fadt);
    KTEST_EQ(t, fadt.dsdt, 0x2000);
    KTEST_EQ(t, fadt.pm1a_control.address, 0x604);
    acpi_fadt_read(table, 36, &fadt);
    KTEST_EQ(t, fadt.dsdt, 0);
}

/* ---- \_S5 ---------------------------------------------------------------------------------------
 */

/* A table of exactly these bytes behind the header. */
static bool find(const char *aml, size_t size_bytes, struct acpi_sleep_types *types)
{
    memset(table, 0, sizeof(table));
    memcpy(table + ACPI_HEADER_BYTES, aml, size_bytes);
    *types = (struct acpi_sleep_types){ 99, 99 };
    return acpi_find_soft_off(table, ACPI_HEADER_BYTES + size_bytes, types);
}

#define FIND(aml, types) find((aml), sizeof(aml) - 1, (types))

static void soft_off_is_found_in_every_form(struct ktest *t)
{
    struct acpi_sleep_types types;
    KTEST_TRUE(t, FIND("\x10\x08_S5_\x12\x06\x04\x00\x00\x00\x00", &types)); /* as QEMU has it */
    KTEST_EQ(t, types.a, 0);
    KTEST_EQ(t, types.b, 0);
    KTEST_TRUE(t, FIND("\x08_S5_\x12\x07\x02\x0a\x05\x0a\x07", &types));
    KTEST_EQ(t, types.a, 5);
    KTEST_EQ(t, types.b, 7);
    KTEST_TRUE(t, FIND("\x08\\_S5_\x12\x46\x01\x02\x0b\x03\x00\x01", &types)); /* root, long */
    KTEST_EQ(t, types.a, 3);
    KTEST_EQ(t, types.b, 1);
    KTEST_TRUE(t, FIND("_S5_\x08_S5_\x12\x07\x01\x0c\x06\x00\x00\x00", &types)); /* one element */
    KTEST_EQ(t, types.a, 6);
    KTEST_EQ(t, types.b, 0);
}

static void soft_off_is_not_what_only_looks_like_it(struct ktest *t)
{
    struct acpi_sleep_types types;
    KTEST_FALSE(t, FIND("", &types));
    KTEST_FALSE(t, FIND("_S5_\x12\x06\x04\x00\x00", &types));             /* no NameOp */
    KTEST_FALSE(t, FIND("\x10_S5_\x12\x06\x04\x00\x00", &types));         /* another opcode */
    KTEST_FALSE(t, FIND("\x08_S4_\x12\x06\x04\x00\x00", &types));         /* another state */
    KTEST_FALSE(t, FIND("\x08_S5_\x11\x06\x04\x00\x00", &types));         /* no package */
    KTEST_FALSE(t, FIND("\x08_S5_\x12\x06\x00\x00\x00", &types));         /* an empty one */
    KTEST_FALSE(t, FIND("\x08_S5_\x12\x06\x02\x0a\x08\x0a\x01", &types)); /* not 0 to 7 */
    KTEST_FALSE(t, FIND("\x08_S5_\x12\x06\x02\x0b\x05\x01\x00", &types)); /* 0x105 */
    KTEST_FALSE(t, FIND("\x08_S5_\x12\x06\x02"
                        "ABCD\x00",
                        &types));                               /* a name */
    KTEST_FALSE(t, FIND("\\_S5_\x12\x06\x04\x00\x00", &types)); /* nothing before */
    KTEST_EQ(t, types.a, 99);
}

static void soft_off_cut_anywhere_is_none(struct ktest *t)
{
    static const char aml[] = "\x08_S5_\x12\x47\x01\x02\x0b\x05\x00\x0c\x07\x00\x00\x00";
    struct acpi_sleep_types types;
    KTEST_TRUE(t, find(aml, sizeof(aml) - 1, &types));
    KTEST_EQ(t, types.b, 7);
    for (size_t size = 0; size < sizeof(aml) - 1; size++) {
        KTEST_FALSE(t, find(aml, size, &types));
    }
}

/* ---- keyboards ---------------------------------------------------------------------------------
 */

static bool names_keyboard_behind_header(const char *bytes, size_t count, uint64_t length)
{
    memset(table, 0, sizeof(table));
    memcpy(table + ACPI_HEADER_BYTES, bytes, count);
    return acpi_names_keyboard(table, length, 0, length);
}

static void keyboard_ids_are_found_as_numbers_and_as_text(struct ktest *t)
{
    static const struct {
        const char *bytes; /* behind the table's header */
        size_t count;
        bool expected;
    } tables[] = {
        { "\x08_HID\x0c\x41\xd0\x03\x03", 10, true }, /* Name (_HID, EisaId ("PNP0303")) */
        { "\x0c\x41\xd0\x03\x0b", 5, true },          /* PNP030B */
        { "\x0c\x41\xd0\x03\x45", 5, true },          /* PNP0345 */
        { "\x08_CID\x0dPNP0303", 13, true },          /* Name (_CID, "PNP0303") */
        { "\x0c\x41\xd0\x0f\x13", 5, false },         /* a mouse */
        { "\x0c\x41\xd0\x0c\x03", 5, false },         /* a button */
        { "\x0c\x42\xd0\x03\x03", 5, false },         /* of another maker */
        { "\x0b\x41\xd0\x03\x03", 5, false },         /* a number of 16 bits, and more */
        { "\x0dPNP0F13", 9, false },
    };
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const uint64_t end = ACPI_HEADER_BYTES + tables[i].count;
        KTEST_EQ(t, names_keyboard_behind_header(tables[i].bytes, tables[i].count, end + 20),
                 tables[i].expected);
        KTEST_EQ(t, acpi_names_keyboard(table, end, 0, end), tables[i].expected);
    }
}

static void keyboard_id_in_the_header_or_cut_is_none(struct ktest *t)
{
    KTEST_FALSE(t, names_keyboard_behind_header("\x0c\x41\xd0\x03\x03", 5, 40));
    KTEST_FALSE(t, names_keyboard_behind_header("\x0dPNP030", 7, 43));
    memset(table, 0, sizeof(table));
    memcpy(table + 10, "PNP03\x0c\x41\xd0\x03\x03", 10); /* a maker's name */
    KTEST_FALSE(t, acpi_names_keyboard(table, 60, 0, 60));
    KTEST_FALSE(t, acpi_names_keyboard(table, ACPI_HEADER_BYTES, 0, 300));
    KTEST_FALSE(t, acpi_names_keyboard(table, 3, 0, 300));
}

/* A search in parts finds what begins in one and ends in the next, once. */
static void keyboard_id_belongs_to_the_part_in_which_it_begins(struct ktest *t)
{
    memset(table, 0, sizeof(table));
    memcpy(table + 100, "\x0c\x41\xd0\x03\x03", 5);
    KTEST_TRUE(t, acpi_names_keyboard(table, 200, 100, 101));
    KTEST_FALSE(t, acpi_names_keyboard(table, 200, 0, 100));
    KTEST_FALSE(t, acpi_names_keyboard(table, 200, 101, 200));
    KTEST_FALSE(t, acpi_names_keyboard(table, 104, 100, 104)); /* cut by the table's end */
    KTEST_FALSE(t, acpi_names_keyboard(table, 200, 200, 300));
}

static void fadt_says_whether_there_is_an_8042(struct ktest *t)
{
    struct acpi_fadt fadt;
    memset(table, 0, sizeof(table));
    put(8, 3, 1); /* the revision that has the flags */
    put(109, 0xfffd, 2);
    acpi_fadt_read(table, 111, &fadt);
    KTEST_TRUE(t, fadt.denies_8042);
    acpi_fadt_read(table, 110, &fadt); /* one that ends before says nothing */
    KTEST_FALSE(t, fadt.denies_8042);
    put(109, 2, 2);
    acpi_fadt_read(table, 116, &fadt);
    KTEST_FALSE(t, fadt.denies_8042);
    put(109, 0, 2);
    acpi_fadt_read(table, 116, &fadt);
    KTEST_TRUE(t, fadt.denies_8042);
    put(8, 2, 1); /* nor does an older one */
    acpi_fadt_read(table, 116, &fadt);
    KTEST_FALSE(t, fadt.denies_8042);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(fadt_says_whether_there_is_an_8042),
    KTEST_CASE(keyboard_id_belongs_to_the_part_in_which_it_begins),
    KTEST_CASE(keyboard_ids_are_found_as_numbers_and_as_text),
    KTEST_CASE(keyboard_id_in_the_header_or_cut_is_none),
    KTEST_CASE(fadt_fields_stand_where_acpi_says),
    KTEST_CASE(fadt_wide_addresses_win_and_need_the_length),
    KTEST_CASE(soft_off_is_found_in_every_form),
    KTEST_CASE(soft_off_is_not_what_only_looks_like_it),
    KTEST_CASE(soft_off_cut_anywhere_is_none),
};
KTEST_SUITE(kernel_acpi_tables, "kernel.acpi_tables", cases);
