/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for smbios: the input is an entry point, and the table. Aborts where a structure
 * or a string leads out of the table, or a walk does not go on.
 */
#include <string.h>

#include "smbios.h"
#include "tests/fuzz/fuzz.h"

static void check_structure(const struct smbios_structure *structure)
{
    char text[16];
    uint64_t number;
    FUZZ_REQUIRE(structure->length >= 4);
    for (unsigned offset = 0; offset < 256; offset++) {
        smbios_string(structure, offset, text, sizeof(text));
        FUZZ_REQUIRE(memchr(text, '\0', sizeof(text)) != NULL);
        FUZZ_REQUIRE(smbios_number(structure, offset, 8, &number) ==
                     (offset + 8 <= structure->length));
    }
    smbios_string(structure, 4, text, 1);
    FUZZ_REQUIRE(text[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    const uint32_t size = (uint32_t)size_bytes; /* libFuzzer's limit is 2048 */
    uint8_t *const table = fuzz_copy(data, size_bytes);
    struct smbios_entry entry;
    if (smbios_entry_read(table, size, &entry) == K_OK) {
        FUZZ_REQUIRE(size >= SMBIOS3_ENTRY_BYTES);
    }
    struct smbios_structure structure;
    uint32_t offset = 0;
    uint32_t before = 0;
    while (smbios_next(table, size, &offset, &structure)) {
        FUZZ_REQUIRE(offset >= before + 6 && offset <= size);
        check_structure(&structure);
        before = offset;
    }
    FUZZ_REQUIRE(offset == before);
    free(table);
    return 0;
}
