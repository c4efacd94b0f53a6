/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Firmware map + ledger + pins -> sorted, disjoint multiboot2 mmap entries with reasons, the list
 * of repairs, the union of the firmware's RAM, and the books (design.md sections 4 and 6). All
 * memory comes from the caller, sized by mmap_build_sizes() before the exit from boot services.
 * A sweep over sorted boundaries, O(n log n), no recursion. Pure; loader, replay, tests and
 * fuzzers.
 */
#ifndef LOADER_MMAP_BUILD_H
#define LOADER_MMAP_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "efi_map.h"
#include "kstatus.h"
#include "mm/memory_map.h"

/** One range as it came in: an EFI descriptor or an e820 line. */
struct mmap_build_e820_entry {
    uint64_t base; /* bytes */
    uint64_t size; /* bytes */
    uint32_t type; /* e820: 1..5, anything else is reserved */
};

struct mmap_build_input {
    const struct efi_map *efi; /* checked by efi_map_check(), or NULL where e820 is used */
    const struct mmap_build_e820_entry *e820; /* replay of e820 maps only */
    uint32_t e820_count;
    const struct bootinfo_ledger_entry *ledger;
    uint32_t ledger_count;
    const struct bootinfo_pin *pins;
    uint32_t pin_count;
    uint32_t phys_bits;       /* MAXPHYADDR, 32..52 */
    uint64_t mem_limit_bytes; /* mem=: RAM at and above it is dropped; UINT64_MAX = no limit */
};

/** How many elements each output and the scratch memory need for given input counts. */
struct mmap_build_sizes {
    uint32_t entries; /* also for reasons */
    uint32_t repairs;
    uint32_t ram;
    size_t scratch_bytes;
};

struct mmap_build_output {
    struct multiboot2_mmap_entry *entries;
    uint32_t *reasons;
    uint32_t entry_capacity;
    uint32_t entry_count;
    struct mmap_repair *repairs;
    uint32_t repair_capacity;
    uint32_t repair_count;
    struct bootinfo_ram_range *ram;
    uint32_t ram_capacity;
    uint32_t ram_count;
    struct memory_accounting accounting; /* summed during the sweep */
};

/**
 * Upper bounds for @p descriptors firmware entries, @p overlays ledger entries and pins together:
 * entries 4 * (descriptors + overlays) + 12, repairs 6 * descriptors + 4 * overlays + 12, ram
 * descriptors; proved under "Room" in mmap_build.c. (A page-aligned EFI map gives at most
 * 2 * (descriptors + overlays) + 3 entries: one for each stretch between two boundaries.)
 * @return K_OK, or K_EOVERFLOW where the sizes pass 32 bits
 */
MUST_CHECK enum kstatus mmap_build_sizes(uint64_t descriptors, uint64_t overlays,
                                         struct mmap_build_sizes *sizes);

/**
 * Builds the map. Allocates nothing, prints nothing: usable after ExitBootServices.
 *
 * Ledger types MMAP_KERNEL and MMAP_LOADER are laid over memory that would be free, others change
 * nothing; pins take only what would be type 1. Overlays need not be aligned or in memory: they are
 * widened to whole pages and cut at 2^phys_bits. Repairs stand in this order: skipped and unaligned
 * descriptors as they come, then overlaps and dropped RAM by address. An overlap is reported once
 * for each descriptor that begins inside earlier ones, against the one that reaches furthest.
 * @param scratch        8-byte aligned, at least sizes.scratch_bytes
 * @param output         arrays and capacities set by the caller; counts and accounting by this
 * @return K_OK; K_ENOSPC where a capacity is below mmap_build_sizes(); K_EINVAL for bad arguments
 */
MUST_CHECK enum kstatus mmap_build(const struct mmap_build_input *input, void *scratch,
                                   size_t scratch_bytes, struct mmap_build_output *output);

/**
 * Whether every byte of firmware RAM is in exactly one class (design.md section 6): the books of
 * the sweep balance and are what memory_map_account() counts in the finished entries.
 */
bool mmap_build_balances(const struct mmap_build_output *output);

/**
 * One repair as a sentence for a person, e.g. "entry 17 overlaps entry 18 by 3 pages at 0x...:
 * reserved wins".
 * @return characters, as format_text()
 */
size_t mmap_build_describe_repair(const struct mmap_repair *repair, char *text, size_t size_bytes);

#endif
