/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See image.h.
 */
#include "image.h"

#include <stdint.h>

#define LINKER_SYMBOL(name) extern const char name[] __attribute__((visibility("hidden")))

LINKER_SYMBOL(_text);
LINKER_SYMBOL(_etext);
LINKER_SYMBOL(_erodata);
LINKER_SYMBOL(_edata);
LINKER_SYMBOL(_end);

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
