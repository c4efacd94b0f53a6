/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See symbols.h. Owner of the decoder's scratch: static, so that a crash on a small interrupt stack
 * can use it. The table is the linker's (kernel.lds, symbols_blob.S).
 */
#include "symbols.h"

#include "arch/x86_64/image.h"
#include "lib/format.h"

extern const uint8_t symbols_start[] __attribute__((visibility("hidden")));
extern const uint8_t symbols_end[] __attribute__((visibility("hidden")));

static union symbol_models models;

static struct symbol_table own_table(void)
{
    return (struct symbol_table){
        .bytes = symbols_start,
        .size_bytes = (size_t)(symbols_end - symbols_start), /* both in one section */
        .models = &models,
    };
}

bool symbols_lookup(virt_addr_t address, struct symbol_place *place)
{
    const struct kernel_image image = kernel_image();
    if (address.value < image.code_start.value || address.value >= image.code_end.value) {
        return false;
    }
    const struct symbol_table table = own_table();
    const uint32_t offset = (uint32_t)(address.value - image.code_start.value); /* < 64 MiB */
    return symbol_table_lookup(&table, offset, place);
}

bool symbols_find(const char *name, virt_addr_t *start)
{
    const struct symbol_table table = own_table();
    uint32_t offset;
    if (!symbol_table_find(&table, name, &offset)) {
        return false;
    }
    *start = virt_add(kernel_image().code_start, offset);
    return true;
}

size_t symbols_describe(virt_addr_t address, char *text, size_t size_bytes)
{
    struct symbol_place place;
    if (!symbols_lookup(address, &place)) {
        return format_text(text, size_bytes, "(outside the kernel's code)");
    }
    return format_text(text, size_bytes, "%s+0x%" FMTx64 " %s:%u", place.function, place.offset,
                       place.file, place.line);
}
