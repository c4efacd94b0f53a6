/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/smbios_machine.c: the strings of a sound table, and tables cut off or wrong at any place.
 * Tables are copied into heap memory of their own size, so that ASan sees a read behind the end.
 */
#include "smbios_machine.h"

#include <stdlib.h>
#include <string.h>

#include "lib/compiler.h"
#include "tests/ktest.h"

/* A literal's own NUL is the last of its table. */
#define BIOS                               \
    "\x00\x09\x00\x00\x01\x02\x00\xf0\x03" \
    "Acme\0"                               \
    "1.2\0"                                \
    "01/02/2023\0"
#define SYSTEM                         \
    "\x01\x08\x01\x00\x02\x01\x00\x05" \
    "Box\0"                            \
    "Maker\x7f\0"
#define END "\x7f\x04\x02\x00\0"

static const char sound[] = BIOS "\0" SYSTEM "\0" END;

static struct smbios_machine machine;

static void read_copy(const void *table, size_t size_bytes)
{
    uint8_t *const copy = malloc(size_bytes == 0 ? 1 : size_bytes);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, table, size_bytes);
    smbios_machine_read(copy, size_bytes, &machine);
    free(copy);
}

static void smbios_sound_table_gives_its_words(struct ktest *t)
{
    read_copy(sound, sizeof(sound));
    KTEST_STRING(t, machine.bios_vendor, "Acme");
    KTEST_STRING(t, machine.bios_version, "1.2");
    KTEST_STRING(t, machine.bios_date, "01/02/2023");
    KTEST_STRING(t, machine.manufacturer, "Maker?"); /* by number, not by place; printable */
    KTEST_STRING(t, machine.product, "Box");
    KTEST_STRING(t, machine.version, ""); /* number 0 */
}

static void smbios_table_cut_anywhere_is_read_as_far_as_it_is_whole(struct ktest *t)
{
    const size_t bios_bytes = sizeof(BIOS "\0") - 1;
    for (size_t size_bytes = 0; size_bytes < sizeof(sound); size_bytes++) {
        read_copy(sound, size_bytes);
        KTEST_EQ(t, machine.bios_vendor[0] != '\0', size_bytes >= bios_bytes);
    }
}

static void smbios_nonsense_says_nothing(struct ktest *t)
{
    static const char short_header[] = "\x01\x03\x00\x00\x00\x00";
    static const char long_area[] = "\x01\xff\x00\x00\x01\x00";
    static const char no_such_string[] = "\x01\x07\x00\x00\x09\xff\x01"
                                         "one\0";
    static const char behind_the_end[] = "\x7f\x04\x00\x00\0\0" SYSTEM;
    read_copy(short_header, sizeof(short_header));
    KTEST_STRING(t, machine.manufacturer, "");
    read_copy(long_area, sizeof(long_area));
    KTEST_STRING(t, machine.manufacturer, "");
    read_copy(no_such_string, sizeof(no_such_string));
    KTEST_STRING(t, machine.manufacturer, "");
    KTEST_STRING(t, machine.product, "");
    KTEST_STRING(t, machine.version, "one");
    read_copy(behind_the_end, sizeof(behind_the_end));
    KTEST_STRING(t, machine.manufacturer, "");
}

static void smbios_long_string_is_cut(struct ktest *t)
{
    char table[4 + 1 + 200 + 2] = "\x01\x05\x00\x00\x01";
    memset(table + 5, 'x', 200);
    read_copy(table, sizeof(table));
    KTEST_EQ(t, strlen(machine.manufacturer), SMBIOS_TEXT_BYTES - 1);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(smbios_sound_table_gives_its_words),
    KTEST_CASE(smbios_table_cut_anywhere_is_read_as_far_as_it_is_whole),
    KTEST_CASE(smbios_nonsense_says_nothing),
    KTEST_CASE(smbios_long_string_is_cut),
};

KTEST_SUITE(smbios_machine, "loader.smbios_machine", cases);
