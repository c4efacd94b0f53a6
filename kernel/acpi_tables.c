/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See acpi_tables.h. Stateless. Numbers are taken byte by byte: nothing promises alignment.
 */
#include "acpi_tables.h"

#include <stddef.h>
#include <string.h>

#include "lib/bits.h"
#include "lib/little_endian.h"

#define HEADER_REVISION    8U
#define FADT_FACS          36U
#define FADT_DSDT          40U
#define FADT_SMI_COMMAND   48U
#define FADT_ACPI_ENABLE   52U
#define FADT_PM1A_CONTROL  64U
#define FADT_PM1B_CONTROL  68U
#define FADT_BOOT_ARCH     109U
#define FADT_FLAGS         112U
#define FADT_RESET         116U
#define FADT_RESET_VALUE   128U
#define FADT_X_FACS        132U
#define FADT_X_DSDT        140U
#define FADT_X_PM1A        172U
#define FADT_X_PM1B        184U
#define FADT_SLEEP_CONTROL 244U
#define BOOT_ARCH_REVISION 3U /* of the first FADT that has those flags: ACPI 2.0 */
#define BOOT_ARCH_8042     BIT(1)
#define FLAG_HAS_RESET     BIT(10)
#define FLAG_REDUCED       BIT(20)
#define GAS_BYTES          12U
#define GAS_ADDRESS        4U

/* AML, 20.2 */
#define AML_NAME    0x08U
#define AML_ROOT    0x5cU
#define AML_PACKAGE 0x12U
#define AML_ZERO    0x00U
#define AML_ONE     0x01U
#define AML_BYTE    0x0aU
#define AML_WORD    0x0bU
#define AML_DWORD   0x0cU
#define AML_STRING  0x0dU
#define SLEEP_MAX   7U

uint64_t acpi_number(const uint8_t *table, uint64_t length, uint64_t offset, unsigned size_bytes)
{
    if (length < size_bytes || offset > length - size_bytes) {
        return 0;
    }
    return little_endian(table + offset, size_bytes);
}

bool acpi_sum_is_zero(const uint8_t *bytes, uint64_t length)
{
    uint8_t sum = 0;
    for (uint64_t i = 0; i < length; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return sum == 0;
}

bool acpi_is(const uint8_t *table, const char *signature)
{
    return memcmp(table, signature, 4) == 0;
}

static struct acpi_register read_register(const uint8_t *table, uint64_t length, uint64_t offset)
{
    return (struct acpi_register){
        .space = (uint8_t)acpi_number(table, length, offset, 1),
        .address = acpi_number(table, length, offset + GAS_ADDRESS, GAS_BYTES - GAS_ADDRESS),
    };
}

/* The wide form where the table has one, else the port number. */
static struct acpi_register read_port(const uint8_t *table, uint64_t length, uint64_t wide,
                                      uint64_t narrow)
{
    const struct acpi_register found = read_register(table, length, wide);
    if (found.address != 0) {
        return found;
    }
    return (struct acpi_register){ ACPI_SPACE_IO, acpi_number(table, length, narrow, 4) };
}

static uint64_t read_address(const uint8_t *table, uint64_t length, uint64_t wide, uint64_t narrow)
{
    const uint64_t found = acpi_number(table, length, wide, 8);
    return found != 0 ? found : acpi_number(table, length, narrow, 4);
}

static bool denies_8042(const uint8_t *fadt, uint64_t length)
{
    return length >= FADT_BOOT_ARCH + 2 &&
           acpi_number(fadt, length, HEADER_REVISION, 1) >= BOOT_ARCH_REVISION &&
           (acpi_number(fadt, length, FADT_BOOT_ARCH, 2) & BOOT_ARCH_8042) == 0;
}

void acpi_fadt_read(const uint8_t *fadt, uint64_t length, struct acpi_fadt *out)
{
    const uint64_t flags = acpi_number(fadt, length, FADT_FLAGS, 4);
    *out = (struct acpi_fadt){
        .dsdt = read_address(fadt, length, FADT_X_DSDT, FADT_DSDT),
        .facs = read_address(fadt, length, FADT_X_FACS, FADT_FACS),
        .pm1a_control = read_port(fadt, length, FADT_X_PM1A, FADT_PM1A_CONTROL),
        .pm1b_control = read_port(fadt, length, FADT_X_PM1B, FADT_PM1B_CONTROL),
        .smi_command = (uint16_t)acpi_number(fadt, length, FADT_SMI_COMMAND, 2),
        .acpi_enable = (uint8_t)acpi_number(fadt, length, FADT_ACPI_ENABLE, 1),
        .denies_8042 = denies_8042(fadt, length),
        .is_reduced = (flags & FLAG_REDUCED) != 0,
        .sleep_control = read_register(fadt, length, FADT_SLEEP_CONTROL),
        .reset_value = (uint8_t)acpi_number(fadt, length, FADT_RESET_VALUE, 1),
    };
    if ((flags & FLAG_HAS_RESET) != 0) {
        out->reset = read_register(fadt, length, FADT_RESET);
    }
}

/* ---- \_S5 ---------------------------------------------------------------------------------------
 */

/* AML from `at` on; a read past `end` gives 0 and fails the rest. */
struct aml {
    const uint8_t *bytes;
    uint64_t at;
    uint64_t end;
    bool failed;
};

static uint8_t take_byte(struct aml *aml)
{
    if (aml->at >= aml->end) {
        aml->failed = true;
        return 0;
    }
    return aml->bytes[aml->at++];
}

/* 20.2.4: the two top bits of the first byte count the bytes behind it. The length itself is of no
 * matter here. */
static void skip_package_length(struct aml *aml)
{
    for (unsigned more = take_byte(aml) >> 6; more > 0; more--) {
        (void)take_byte(aml); /* part of the length */
    }
}

/* A constant of 0 to 7. */
static uint8_t take_sleep_type(struct aml *aml)
{
    const uint8_t opcode = take_byte(aml);
    if (opcode == AML_ZERO || opcode == AML_ONE) {
        return opcode;
    }
    unsigned more = opcode == AML_BYTE ? 1 : opcode == AML_WORD ? 2 : opcode == AML_DWORD ? 4 : 0;
    const uint8_t value = take_byte(aml);
    aml->failed = aml->failed || more == 0 || value > SLEEP_MAX;
    for (; more > 1; more--) {
        aml->failed = take_byte(aml) != 0 || aml->failed;
    }
    return value;
}

/* What stands behind the name. */
static bool read_package(struct aml aml, struct acpi_sleep_types *types)
{
    if (take_byte(&aml) != AML_PACKAGE) {
        return false;
    }
    skip_package_length(&aml);
    const uint8_t count = take_byte(&aml);
    const uint8_t a = take_sleep_type(&aml);
    const uint8_t b = count > 1 ? take_sleep_type(&aml) : 0;
    if (aml.failed || count == 0) {
        return false;
    }
    *types = (struct acpi_sleep_types){ a, b };
    return true;
}

/* Whether a name is declared at `at`: NameOp before it, with or without the root's prefix. */
static bool is_declared(const uint8_t *table, uint64_t at)
{
    return table[at - 1] == AML_NAME ||
           (table[at - 1] == AML_ROOT && at - 1 > ACPI_HEADER_BYTES && table[at - 2] == AML_NAME);
}

bool acpi_find_soft_off(const uint8_t *table, uint64_t length, struct acpi_sleep_types *types)
{
    for (uint64_t at = ACPI_HEADER_BYTES + 1; at + 4 <= length; at++) {
        const struct aml behind = { .bytes = table, .at = at + 4, .end = length };
        if (acpi_is(table + at, "_S5_") && is_declared(table, at) && read_package(behind, types)) {
            return true;
        }
    }
    return false;
}

/* ---- keyboards ----------------------------------------------------------------------------------
 */

/* PNP0300 to PNP03FF are keyboards at the 8042's ports: "PNP" in five bits a letter, then the
 * number, as a DWordConst. */
static const uint8_t keyboard_number[] = { AML_DWORD, 0x41, 0xd0, 0x03 };
#define KEYBOARD_NUMBER_BYTES (sizeof(keyboard_number) + 1)

static const uint8_t keyboard_text[] = { AML_STRING, 'P', 'N', 'P', '0', '3' };
#define KEYBOARD_TEXT_BYTES (sizeof(keyboard_text) + 2)

bool acpi_names_keyboard(const uint8_t *table, uint64_t length, uint64_t from, uint64_t to)
{
    const uint64_t end = bits_min(to, length);
    for (uint64_t at = bits_max(from, ACPI_HEADER_BYTES); at < end; at++) {
        const uint64_t left = length - at;
        if ((left >= KEYBOARD_NUMBER_BYTES &&
             memcmp(table + at, keyboard_number, sizeof(keyboard_number)) == 0) ||
            (left >= KEYBOARD_TEXT_BYTES &&
             memcmp(table + at, keyboard_text, sizeof(keyboard_text)) == 0)) {
            return true;
        }
    }
    return false;
}
