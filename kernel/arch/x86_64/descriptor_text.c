/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See descriptor_text.h. Stateless.
 *
 *     bits of the first word   0-15 limit, 16-39 base, 40-43 type, 44 code or data, 45-46 ring,
 *                              47 present, 48-51 limit, 53 long, 54 big, 55 pages, 56-63 base
 */
#include "descriptor_text.h"

#include "lib/bits.h"
#include "lib/format.h"

#define TYPE_LDT      2U
#define TYPE_TSS      9U
#define TYPE_TSS_BUSY 11U
#define TYPE_CODE     8U /* of code and data: bits of the type */
#define TYPE_GROWS    4U /* conforming code, expand-down data */
#define TYPE_ACCESS   2U /* readable code, writable data */

struct x86_gate x86_gate_decode(uint64_t low, uint64_t high)
{
    return (struct x86_gate){
        .handler = (low & 0xffff) | ((low >> 32) & 0xffff0000) | (high << 32),
        .selector = (uint16_t)((low >> 16) & 0xffff),
        .ist = (uint8_t)((low >> 32) & 7),
        .ring = (uint8_t)((low >> 45) & 3),
        .type = (uint8_t)((low >> 40) & 0x1f),
        .present = (low & BIT(47)) != 0,
    };
}

static unsigned type_of(uint64_t low)
{
    return (unsigned)(low >> 40) & 0xf;
}

static bool is_system(uint64_t low)
{
    return (low & BIT(44)) == 0;
}

bool x86_segment_is_wide(uint64_t low)
{
    const unsigned type = type_of(low);
    return is_system(low) && (type == TYPE_LDT || type == TYPE_TSS || type == TYPE_TSS_BUSY);
}

static const char *system_name(unsigned type)
{
    switch (type) {
    case TYPE_LDT:
        return "LDT";
    case TYPE_TSS:
        return "TSS";
    case TYPE_TSS_BUSY:
        return "TSS, busy";
    default:
        return "system";
    }
}

static const char *code_name(uint64_t low)
{
    if ((low & BIT(53)) != 0) {
        return "64-bit code";
    }
    return (low & BIT(54)) != 0 ? "32-bit code" : "16-bit code";
}

struct kind {
    const char *name;
    const char *access;
    const char *grows;
};

static struct kind kind_of(uint64_t low)
{
    const unsigned type = type_of(low);
    const bool more = (type & TYPE_ACCESS) != 0;
    const bool grows = (type & TYPE_GROWS) != 0;
    if (is_system(low)) {
        return (struct kind){ system_name(type), "", "" };
    }
    if ((type & TYPE_CODE) != 0) {
        return (struct kind){ code_name(low), more ? " readable" : " execute-only",
                              grows ? " conforming" : "" };
    }
    return (struct kind){ "data", more ? " writable" : " read-only", grows ? " expand-down" : "" };
}

static uint64_t limit_of(uint64_t low)
{
    const uint64_t limit = (low & 0xffff) | ((low >> 32) & 0xf0000);
    return (low & BIT(55)) != 0 ? (limit << 12) | 0xfff : limit;
}

size_t x86_segment_describe(uint64_t low, uint64_t high, char *text, size_t size_bytes)
{
    const struct kind kind = kind_of(low);
    const uint64_t upper = x86_segment_is_wide(low) ? high << 32 : 0;
    const uint64_t base = ((low >> 16) & 0xffffff) | ((low >> 32) & 0xff000000) | upper;
    return format_text(text, size_bytes, "%s%s%s ring %u base 0x%" FMTx64 " limit 0x%" FMTx64 "%s",
                       kind.name, kind.access, kind.grows, (unsigned)(low >> 45) & 3, base,
                       limit_of(low), (low & BIT(47)) != 0 ? "" : " not present");
}
