/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_image.h. Stands in for kernel/arch/x86_64/image.c and kernel/symbols.c but for
 * symbols_find(), which is in fake_monitor.c.
 */
#include "tests/fake/fake_image.h"

#include <stdio.h>
#include <string.h>

#include "arch/x86_64/image.h"
#include "symbols.h"

struct kernel_image kernel_image(void)
{
    return (struct kernel_image){
        .code_start = virt_addr(FAKE_IMAGE),
        .code_end = virt_addr(FAKE_IMAGE + FAKE_IMAGE_CODE),
        .rodata_end = virt_addr(FAKE_IMAGE + 2 * FAKE_IMAGE_CODE),
        .data_end = virt_addr(FAKE_IMAGE + 3 * FAKE_IMAGE_CODE),
        .start_brk = virt_addr(FAKE_IMAGE + 4 * FAKE_IMAGE_CODE),
    };
}

void image_build_id_text(char text[2 * IMAGE_BUILD_ID_BYTES + 1])
{
    memset(text, 'b', 2 * (size_t)IMAGE_BUILD_ID_BYTES);
    text[2 * (size_t)IMAGE_BUILD_ID_BYTES] = '\0';
}

bool symbols_lookup(virt_addr_t address, struct symbol_place *place)
{
    if (address.value < FAKE_IMAGE || address.value >= FAKE_IMAGE + FAKE_IMAGE_CODE) {
        return false;
    }
    const uint64_t offset = address.value - FAKE_IMAGE;
    (void)snprintf(place->function, sizeof(place->function), "fake_%u",
                   (unsigned)(offset / FAKE_FUNCTION_BYTES));
    (void)snprintf(place->file, sizeof(place->file), "fake.c");
    place->offset = offset % FAKE_FUNCTION_BYTES;
    place->line = (uint32_t)offset;
    return true;
}
