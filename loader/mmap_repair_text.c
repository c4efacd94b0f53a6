/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Repairs of the memory map as sentences for a person: see mmap_build_describe_repair(). Stateless;
 * writes only into the caller's text. Loader, replay and host.
 */
#include <stdbool.h>

#include "shared/mmap_names.h"

#include "lib/bits.h"
#include "lib/format.h"
#include "mm/addr.h"
#include "mmap_build.h"

/* The size in the unit that a person wants: pages where it is whole pages. */
static void describe_size(uint64_t size_bytes, char *text, size_t text_bytes)
{
    const bool whole = size_bytes != 0 && bits_is_aligned(size_bytes, PAGE_SIZE);
    const uint64_t amount = whole ? size_bytes >> PAGE_SHIFT : size_bytes;
    const char *const unit = whole ? "page" : "byte";
    (void)format_text(text, text_bytes, "%" FMTu64 " %s%s", amount, unit, amount == 1 ? "" : "s");
}

/* What was done, for the kinds that read "entry E: FAULT: SIZE at BASE". */
static const char *repair_sentence(uint32_t kind)
{
    switch (kind) {
    case MMAP_REPAIR_ZERO_LENGTH:
        return "has no pages, skipped";
    case MMAP_REPAIR_UNALIGNED:
        return "does not start on a page, rounded";
    case MMAP_REPAIR_WRAPS:
        return "passes the end of the address space, skipped";
    case MMAP_REPAIR_ABOVE_MAXPHYADDR:
        return "is above the processor's address bits, skipped";
    case MMAP_REPAIR_TRIMMED:
        return "is no whole page, dropped";
    case MMAP_REPAIR_TOO_MANY_AREAS:
        return "does not fit into the kernel's table of areas, dropped";
    case MMAP_REPAIR_BEYOND_DIRECT_MAP:
        return "is beyond the direct map, dropped";
    case MMAP_REPAIR_MEM_LIMIT:
        return "is above the mem= limit, dropped";
    default:
        return "was repaired";
    }
}

size_t mmap_build_describe_repair(const struct mmap_repair *repair, char *text, size_t size_bytes)
{
    char amount[32];
    describe_size(repair->size, amount, sizeof(amount));
    if (repair->kind == MMAP_REPAIR_OVERLAP) {
        return format_text(
            text, size_bytes, "entry %u overlaps entry %u by %s at " PRIphys ": %s wins",
            repair->entry, repair->other, amount, repair->base, mmap_reason_name(repair->reason));
    }
    const char *const sentence = repair_sentence(repair->kind);
    if (repair->entry == MMAP_REPAIR_NO_ENTRY) {
        return format_text(text, size_bytes, "memory %s: %s at " PRIphys, sentence, amount,
                           repair->base);
    }
    return format_text(text, size_bytes, "entry %u %s: %s at " PRIphys, repair->entry, sentence,
                       amount, repair->base);
}
