/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for where a console's UART is said to be: the first byte chooses whether the
 * rest is an SPCR, a DBG2 or a word of the command line. What is found must be a sound place, and
 * every walk must end.
 */
#include <string.h>

#include "acpi_console.h"
#include "dev/serial_words.h"
#include "tests/fuzz/fuzz.h"

static void check_place(bool found, const struct serial8250_place *place)
{
    FUZZ_REQUIRE(!found || serial8250_place_is_sound(place));
}

static void walk_dbg2(const uint8_t *table, size_t size_bytes)
{
    struct serial8250_place place;
    size_t cursor = 0;
    size_t rounds = 0;
    while (acpi_dbg2_next_place(table, size_bytes, &cursor, &place)) {
        check_place(true, &place);
        FUZZ_REQUIRE(rounds++ < size_bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct serial8250_place place;
    if (size_bytes == 0) {
        return 0;
    }
    const uint8_t *const rest = data + 1;
    const size_t rest_bytes = size_bytes - 1;
    switch (data[0] % 4) {
    case 0:
        check_place(acpi_spcr_place(rest, rest_bytes, &place), &place);
        break;
    case 1:
        walk_dbg2(rest, rest_bytes);
        break;
    case 2:
        check_place(serial_words_earlycon((const char *)rest, rest_bytes, &place) == K_OK, &place);
        break;
    default:
        check_place(serial_words_console((const char *)rest, rest_bytes, &place) == K_OK, &place);
        break;
    }
    return 0;
}
