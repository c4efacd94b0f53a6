/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See efi_names.h. No state.
 */
#include "monitor/efi_names.h"

#include <string.h>

#include "bootinfo.h"
#include "lib/bits.h"
#include "lib/compiler.h"
#include "lib/format.h"

struct efi_range efi_range_read(const struct bootinfo *info, uint32_t index)
{
    /* Copied: a stride need not keep 8-byte alignment. */
    const char *const bytes = bootinfo_efi_descriptor(info, index);
    struct efi_range range;
    memcpy(&range.type, bytes, sizeof(range.type));
    memcpy(&range.base, bytes + 8, sizeof(range.base));
    memcpy(&range.pages, bytes + 24, sizeof(range.pages));
    memcpy(&range.attribute, bytes + 32, sizeof(range.attribute));
    return range;
}

uint64_t efi_range_last(const struct efi_range *range)
{
    uint64_t last;
    if (range->pages > UINT64_MAX >> PAGE_SHIFT ||
        __builtin_add_overflow(range->base, (range->pages << PAGE_SHIFT) - 1, &last)) {
        return range->pages == 0 ? range->base - 1 : UINT64_MAX;
    }
    return last;
}

const char *efi_type_name(uint32_t type)
{
    /* UEFI 2.10, 7.2.1, EFI_MEMORY_TYPE. */
    static const char *const names[] = {
        "reserved",     "loader-code",  "loader-data", "boot-code",  "boot-data", "runtime-code",
        "runtime-data", "conventional", "unusable",    "acpi",       "nvs",       "mmio",
        "mmio-port",    "pal",          "persistent",  "unaccepted",
    };
    return type < ARRAY_COUNT(names) ? names[type] : "unknown";
}

void efi_attribute_names(uint64_t attribute, char *text, size_t size_bytes)
{
    /* UEFI 2.10, 7.2.3, "Memory attribute". */
    static const struct {
        uint64_t bit;
        const char *name;
    } names[] = {
        { BIT(0), "UC" },      { BIT(1), "WC" },       { BIT(2), "WT" },  { BIT(3), "WB" },
        { BIT(4), "UCE" },     { BIT(12), "WP" },      { BIT(13), "RP" }, { BIT(14), "XP" },
        { BIT(15), "NV" },     { BIT(16), "MORE" },    { BIT(17), "RO" }, { BIT(18), "SP" },
        { BIT(19), "CRYPTO" }, { BIT(63), "RUNTIME" },
    };
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < ARRAY_COUNT(names) && at < size_bytes; i++) {
        if ((attribute & names[i].bit) != 0) {
            at += format_text(text + at, size_bytes - at, "%s%s", at > 0 ? " " : "", names[i].name);
        }
    }
}
