/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for black_box_record: what lies in memory where the last boot may have left its
 * record. The first byte says whether both CRCs are made to fit, so that what they protect is
 * reached too. A record that is taken for whole stays whole under every operation, and none leaves
 * the region.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "black_box_record.h"
#include "lib/crc32c.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_BYTES (BLACK_BOX_BYTES - sizeof(struct black_box))

static void fit_crcs(uint8_t *region)
{
    struct black_box header;
    memcpy(&header, region, sizeof(header));
    header.text_bytes %= 2 * TEXT_BYTES; /* too large ones stay likely */
    if (header.text_bytes <= TEXT_BYTES) {
        header.text_crc32c =
            crc32c_update(CRC32C_INITIAL, region + sizeof(header), header.text_bytes);
    }
    header.header_crc32c = 0;
    header.header_crc32c = crc32c(&header, sizeof(header));
    memcpy(region, &header, sizeof(header));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    static uint8_t blank[BLACK_BOX_BYTES];
    if (size_bytes < 1) {
        return 0;
    }
    uint8_t *const region = fuzz_copy(blank, sizeof(blank));
    memcpy(region, data + 1, size_bytes - 1 < sizeof(blank) ? size_bytes - 1 : sizeof(blank));
    if ((data[0] & 1) != 0) {
        fit_crcs(region);
    }
    if (black_box_is_whole(region)) {
        size_t kept;
        const char *const text = black_box_text(region, &kept);
        FUZZ_REQUIRE(kept <= TEXT_BYTES && text == (const char *)region + sizeof(struct black_box));
        const struct black_box_mark now = black_box_now(region);
        FUZZ_REQUIRE(strlen(now.name) < sizeof(now.name));
        FUZZ_REQUIRE(black_box_verb((enum black_box_state)now.state) != NULL);
        black_box_append(region, (const char *)data, size_bytes);
        FUZZ_REQUIRE(black_box_is_whole(region));
        black_box_step(region, now.step + 1, now.name);
        black_box_set_state(region, BLACK_BOX_PANIC);
        FUZZ_REQUIRE(black_box_is_whole(region) && black_box_now(region).step == now.step + 1);
    }
    free(region);
    return 0;
}
