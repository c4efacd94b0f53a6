/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for acpi_tables: the input is a FADT, and a DSDT whose header is taken for
 * granted. Aborts where a sleep type is none, or a search in a part of the table finds what the
 * whole does not have.
 */
#include "acpi_tables.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    uint8_t *const table = fuzz_copy(data, size_bytes);
    struct acpi_fadt fadt;
    acpi_fadt_read(table, size_bytes, &fadt);
    FUZZ_REQUIRE(size_bytes >= 128 || fadt.reset.address == 0);
    FUZZ_REQUIRE(size_bytes >= 256 || fadt.sleep_control.address == 0);
    struct acpi_sleep_types whole;
    const bool found = acpi_find_soft_off(table, size_bytes, &whole);
    FUZZ_REQUIRE(!found || (whole.a <= 7 && whole.b <= 7 && size_bytes >= 45));
    struct acpi_sleep_types part;
    if (size_bytes > 0 && acpi_find_soft_off(table, size_bytes - 1, &part)) {
        FUZZ_REQUIRE(found && part.a == whole.a && part.b == whole.b);
    }
    const bool is_named = acpi_names_keyboard(table, size_bytes, 0, size_bytes);
    const uint64_t half = size_bytes / 2;
    FUZZ_REQUIRE(size_bytes == 0 || !acpi_names_keyboard(table, size_bytes - 1, 0, size_bytes) ||
                 is_named);
    FUZZ_REQUIRE(is_named == (acpi_names_keyboard(table, size_bytes, 0, half) ||
                              acpi_names_keyboard(table, size_bytes, half, size_bytes)));
    free(table);
    return 0;
}
