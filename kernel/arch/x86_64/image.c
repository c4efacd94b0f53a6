/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See image.h.
 */
#include "image.h"

#include <stddef.h>
#include <stdint.h>

#define HIDDEN __attribute__((visibility("hidden")))

extern const char _text[] HIDDEN;
extern const char _etext[] HIDDEN;
extern const char _erodata[] HIDDEN;
extern const char _edata[] HIDDEN;
extern const char _end[] HIDDEN;
extern const uint8_t _build_id_note[] HIDDEN;

/* ELF note: sizes of name and description, type, name "GNU", then the id. */
#define NOTE_HEAD_BYTES 16U

static virt_addr_t address_of(const char *symbol)
{
    return virt_addr((uintptr_t)symbol);
}

struct kernel_image kernel_image(void)
{
    return (struct kernel_image){
        .code_start = address_of(_text),
        .code_end = address_of(_etext),
        .rodata_end = address_of(_erodata),
        .data_end = address_of(_edata),
        .start_brk = address_of(_end),
    };
}

void image_build_id_text(char text[2 * IMAGE_BUILD_ID_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *const id = _build_id_note + NOTE_HEAD_BYTES;
    for (size_t i = 0; i < IMAGE_BUILD_ID_BYTES; i++) {
        text[2 * i] = digits[id[i] >> 4];
        text[2 * i + 1] = digits[id[i] & 0xf];
    }
    text[2 * (size_t)IMAGE_BUILD_ID_BYTES] = '\0';
}
