/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See image.h.
 */
#include "image.h"

#include <stdint.h>

#define HIDDEN __attribute__((visibility("hidden")))

extern const char _text[] HIDDEN;
extern const char _etext[] HIDDEN;
extern const char _erodata[] HIDDEN;
extern const char _edata[] HIDDEN;
extern const char _end[] HIDDEN;

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
