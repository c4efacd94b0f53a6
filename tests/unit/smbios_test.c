/* SPDX-License-Identifier: GPL-2.0-only
 *
 * SMBIOS: entry points of both kinds with every byte flipped, structures and strings that are cut,
 * and what the monitor's `smbios` says of a good table.
 */
#include "smbios.h"

#include <stdio.h>
#include <string.h>

#include <arch/physmap.h>

#include "mm/mm_init.h"
#include "monitor/command.h"
#include "monitor/firmware_commands.h"
#include "tests/fake/fake_console.h"
#include "tests/fake/fake_machine.h"
#include "tests/ktest.h"

#define ENTRY (FAKE_PC_ACPI + 0x33)
#define TABLE (FAKE_PC_ACPI + 0x1001)

static struct fake_machine machine;

static void seal(uint8_t *bytes, size_t size_bytes, size_t at)
{
    uint8_t sum = 0;
    bytes[at] = 0;
    for (size_t i = 0; i < size_bytes; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    bytes[at] = (uint8_t)(0 - sum);
}

static void make_entry2(uint8_t entry[SMBIOS2_ENTRY_BYTES], uint32_t table, uint16_t size_bytes)
{
    memset(entry, 0, SMBIOS2_ENTRY_BYTES);
    memcpy(entry, "_SM_", 4);
    entry[5] = 31;
    entry[6] = 2;
    entry[7] = 8;
    memcpy(entry + 16, "_DMI_", 5);
    memcpy(entry + 22, &size_bytes, 2);
    memcpy(entry + 24, &table, 4);
    seal(entry + 16, 15, 5);
    seal(entry, SMBIOS2_ENTRY_BYTES, 4);
}

static void make_entry3(uint8_t entry[SMBIOS3_ENTRY_BYTES], uint64_t table, uint32_t size_bytes)
{
    memset(entry, 0, SMBIOS3_ENTRY_BYTES);
    memcpy(entry, "_SM3_", 5);
    entry[6] = 24;
    entry[7] = 3;
    entry[8] = 6;
    memcpy(entry + 12, &size_bytes, 4);
    memcpy(entry + 16, &table, 8);
    seal(entry, SMBIOS3_ENTRY_BYTES, 5);
}

static void smbios_entry_points_of_both_kinds_are_read(struct ktest *t)
{
    uint8_t bytes[SMBIOS2_ENTRY_BYTES];
    struct smbios_entry entry;
    make_entry2(bytes, 0xdeadb000, 0x1234);
    KTEST_STATUS(t, smbios_entry_read(bytes, SMBIOS2_ENTRY_BYTES, &entry), K_OK);
    KTEST_EQ(t, entry.major, 2);
    KTEST_EQ(t, entry.minor, 8);
    KTEST_EQ(t, entry.table, 0xdeadb000);
    KTEST_EQ(t, entry.size_bytes, 0x1234);
    KTEST_STATUS(t, smbios_entry_read(bytes, SMBIOS2_ENTRY_BYTES - 1, &entry), K_EILSEQ);
    make_entry3(bytes, 0x123456789a, 0x1000000);
    KTEST_STATUS(t, smbios_entry_read(bytes, SMBIOS3_ENTRY_BYTES, &entry), K_OK);
    KTEST_EQ(t, entry.major, 3);
    KTEST_EQ(t, entry.table, 0x123456789a);
    KTEST_EQ(t, entry.size_bytes, 0x1000000);
    KTEST_STATUS(t, smbios_entry_read(bytes, SMBIOS3_ENTRY_BYTES - 1, &entry), K_EILSEQ);
}

static void smbios_entry_with_a_flipped_bit_is_refused(struct ktest *t)
{
    uint8_t bytes[SMBIOS2_ENTRY_BYTES];
    struct smbios_entry entry;
    for (unsigned bit = 0; bit < 8 * SMBIOS2_ENTRY_BYTES; bit++) {
        make_entry2(bytes, 0xdeadb000, 0x1234);
        bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        KTEST_STATUS(t, smbios_entry_read(bytes, SMBIOS2_ENTRY_BYTES, &entry), K_EILSEQ);
    }
    for (unsigned bit = 0; bit < 8 * SMBIOS3_ENTRY_BYTES; bit++) {
        make_entry3(bytes, 0xdeadb000, 0x1234);
        bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        KTEST_STATUS(t, smbios_entry_read(bytes, SMBIOS3_ENTRY_BYTES, &entry), K_EILSEQ);
    }
}

static void smbios_intermediate_sum_counts_too(struct ktest *t)
{
    uint8_t bytes[SMBIOS2_ENTRY_BYTES];
    struct smbios_entry entry;
    make_entry2(bytes, 0x1000, 0x100);
    bytes[24]++; /* the outer sum is made right, the inner one not */
    seal(bytes, SMBIOS2_ENTRY_BYTES, 4);
    KTEST_STATUS(t, smbios_entry_read(bytes, SMBIOS2_ENTRY_BYTES, &entry), K_EILSEQ);
}

static const char *string_of(const struct smbios_structure *structure, unsigned offset)
{
    static char text[8];
    memset(text, 'x', sizeof(text));
    smbios_string(structure, offset, text, sizeof(text));
    return text;
}

static void smbios_strings_are_counted_from_one(struct ktest *t)
{
    static const uint8_t table[] = "\x01\x09\x34\x12\x01\x02\x03\x04\x00"
                                   "one\0t\x80o\0a long one\0";
    struct smbios_structure structure;
    uint32_t offset = 0;
    KTEST_TRUE(t, smbios_next(table, sizeof(table), &offset, &structure));
    KTEST_EQ(t, structure.type, 1);
    KTEST_EQ(t, structure.handle, 0x1234);
    KTEST_STRING(t, string_of(&structure, 4), "one");
    KTEST_STRING(t, string_of(&structure, 5), "t?o");
    KTEST_STRING(t, string_of(&structure, 6), "a long ");
    KTEST_STRING(t, string_of(&structure, 7), ""); /* there is no fourth */
    KTEST_STRING(t, string_of(&structure, 8), ""); /* 0: none */
    KTEST_STRING(t, string_of(&structure, 9), ""); /* behind the structure */
    uint64_t number = 7;
    KTEST_TRUE(t, smbios_number(&structure, 7, 2, &number));
    KTEST_EQ(t, number, 4);
    KTEST_FALSE(t, smbios_number(&structure, 8, 2, &number));
    KTEST_EQ(t, number, 4);
    KTEST_EQ(t, offset, sizeof(table));
    KTEST_FALSE(t, smbios_next(table, sizeof(table), &offset, &structure));
}

static void smbios_structure_that_is_cut_is_none(struct ktest *t)
{
    static const uint8_t table[] = "\x02\x05\x00\x00\x01"
                                   "ab\0";
    struct smbios_structure structure;
    for (uint32_t size = 0; size < sizeof(table); size++) {
        uint32_t offset = 0;
        KTEST_FALSE(t, smbios_next(table, size, &offset, &structure));
        KTEST_EQ(t, offset, 0);
    }
    static const uint8_t short_one[] = "\x02\x03\x00\x00\x00\x00";
    uint32_t offset = 0;
    KTEST_FALSE(t, smbios_next(short_one, sizeof(short_one), &offset, &structure));
    static const uint8_t no_strings[] = "\x7f\x04\x00\x00\x00";
    KTEST_TRUE(t, smbios_next(no_strings, sizeof(no_strings), &offset, &structure));
    KTEST_EQ(t, offset, 6);
    KTEST_STRING(t, string_of(&structure, 0), "");
}

/* ---- the command -------------------------------------------------------------------------------
 */

static const uint8_t good_table[] =
    "\x00\x09\x00\x00\x01\x02\x00\x00\x03"
    "Firm\0v1\0today\0\0"
    "\x01\x18\x01\x01\x01\x02\x00\x00\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee"
    "\xff"
    "Maker\0Thing\0\0"
    "\x05\x04\x02\x01\0\0"
    "\x10\x17\x03\x01\x03\x03\x03\x00\x00\x00\x80\xfe\xff\x02\x00\x00\x00\x00\x00\x00\x08\x00\x00\0"
    "\0"
    "\x11\x20\x04\x01\0\0\0\0\0\0\0\0\xff\x7f\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x00\x00\x02\x80"
    "D0\0\0"
    "\x11\x0e\x05\x01\0\0\0\0\0\0\0\0\x00\x82\0\0"
    "\x11\x0e\x06\x01\0\0\0\0\0\0\0\0\xff\xff\0\0"
    "\x7f\x04\x07\x01\0";

static bool answer_has(const char *text)
{
    fake_console_clear();
    monitor_begin_command();
    smbios_command("");
    const bool found = strstr(fake_console.text, text) != NULL;
    if (!found) {
        ktest_output("    # %s\n", fake_console.text);
    }
    return found;
}

/* A machine with the good table, and one of the entry points. */
static void start(struct ktest *t, bool is_3)
{
    uint8_t entry[SMBIOS2_ENTRY_BYTES];
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    make_entry2(entry, TABLE, sizeof(good_table));
    if (is_3) {
        make_entry3(entry, TABLE, 0x2000);
    }
    memcpy(physmap_ptr(phys_addr(ENTRY), sizeof(entry)), entry, sizeof(entry));
    memcpy(physmap_ptr(phys_addr(TABLE), sizeof(good_table)), good_table, sizeof(good_table));
    mm_bootinfo()->smbios = is_3 ? 0 : ENTRY;
    mm_bootinfo()->smbios3 = is_3 ? ENTRY : 0;
}

static void smbios_command_prints_what_it_knows(struct ktest *t)
{
    for (int is_3 = 0; is_3 < 2; is_3++) {
        start(t, is_3 != 0);
        KTEST_TRUE(t, answer_has(": checksum and form good\nSMBIOS "));
        KTEST_TRUE(t, answer_has("\n0x0000 type 0 firmware\n  vendor: Firm\n  version: v1\n"
                                 "  date: today\n"));
        KTEST_TRUE(t, answer_has("\n0x0101 type 1 system\n  maker: Maker\n  product: Thing\n"
                                 "  uuid: 00112233-4455-6677-8899-aabbccddeeff\n"
                                 "0x0102 type 5 \n"));
        KTEST_TRUE(t, answer_has("\n0x0103 type 16 memory array\n  up to: 8388608 MiB\n"
                                 "  devices: 2\n"));
        KTEST_TRUE(t, answer_has("\n0x0104 type 17 memory device\n  size: 131072 MiB\n"
                                 "  locator: D0\n"));
        KTEST_TRUE(t, answer_has("\n0x0105 type 17 memory device\n  size: 512 KiB\n"));
        KTEST_TRUE(t, answer_has("\n0x0106 type 17 memory device\n  size: none, or unknown\n"));
        KTEST_TRUE(t, answer_has("\n0x0107 type 127 end\n"));
    }
}

static void smbios_command_says_what_is_wrong(struct ktest *t)
{
    uint8_t entry[SMBIOS3_ENTRY_BYTES];
    start(t, false);
    memset(physmap_ptr(phys_addr(ENTRY + 8), 1), 1, 1);
    KTEST_TRUE(t, answer_has(": checksum and form BAD\n"));
    mm_bootinfo()->smbios = FAKE_PC_KERNEL;
    KTEST_TRUE(t, answer_has("entry point 0x0000000000400000: cannot be read\n"));
    mm_bootinfo()->smbios = 0;
    KTEST_TRUE(t, answer_has("this machine has no SMBIOS\n"));
    start(t, true);
    make_entry3(entry, SIZE_1T, 0x100);
    memcpy(physmap_ptr(phys_addr(ENTRY), sizeof(entry)), entry, sizeof(entry));
    KTEST_TRUE(t, answer_has("the table cannot be read\n"));
    make_entry3(entry, TABLE, sizeof(good_table) - 1);
    memcpy(physmap_ptr(phys_addr(ENTRY), sizeof(entry)), entry, sizeof(entry));
    KTEST_TRUE(t, answer_has(", without an end\n"));
    KTEST_TRUE(t, answer_has("\n0x0106 type 17"));
}

static const struct ktest_case cases[] = {
    KTEST_CASE(smbios_entry_points_of_both_kinds_are_read),
    KTEST_CASE(smbios_entry_with_a_flipped_bit_is_refused),
    KTEST_CASE(smbios_intermediate_sum_counts_too),
    KTEST_CASE(smbios_strings_are_counted_from_one),
    KTEST_CASE(smbios_structure_that_is_cut_is_none),
    KTEST_CASE(smbios_command_prints_what_it_knows),
    KTEST_CASE(smbios_command_says_what_is_wrong),
};
KTEST_SUITE(kernel_smbios, "kernel.smbios", cases);
