/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See search_command.h. The range is walked leaf by leaf through the live page tables; each page
 * is copied behind the end of the page before it, so that a match across pages is found. A physical
 * range is searched in the direct map.
 */
#include "monitor/search_command.h"

#include <stdbool.h>
#include <string.h>

#include <arch/mmu.h>
#include <arch/safe_access.h>

#include "console.h"
#include "lib/format.h"
#include "mm/kernel_mapper.h"
#include "mm/mm_init.h"
#include "mm/page_walk.h"
#include "monitor/arguments.h"
#include "monitor/command.h"
#include "monitor/progress.h"
#include "monitor/search_pattern.h"

#define SHOWN_MATCHES 64U

/* ---- the live memory ---------------------------------------------------------------------------
 */

/* The end of what was read so far, and one page behind it. */
static uint8_t window[SEARCH_PATTERN_MAX + PAGE_SIZE] ALIGNED(8);

struct search {
    const struct search_pattern *pattern;
    struct progress progress;
    bool physical;
    uint64_t next; /* virtual address behind the last byte read */
    size_t kept;   /* bytes in the window that lie before `next` and may begin a match */
    uint64_t matches;
    uint64_t searched_bytes;
};

static void note_match(struct search *search, uint64_t virt)
{
    search->matches++;
    if (search->matches <= SHOWN_MATCHES) {
        progress_end(&search->progress);
        console_printf("%s" PRIphys "\n", search->physical ? "p:" : "",
                       search->physical ? virt - PHYS_OFFSET : virt);
    }
}

/* Reads @p size_bytes (at most a page) at @p virt behind the kept bytes. */
static bool read_bytes(struct search *search, uint64_t virt, uint64_t size_bytes)
{
    uint8_t *const to = window + search->kept;
    uint64_t at = 0;
    while (at < size_bytes) {
        const unsigned width = (virt + at) % 8 == 0 && size_bytes - at >= 8 ? 8 : 1;
        uint64_t value;
        if (arch_safe_load(virt_addr(virt + at), width, &value) != K_OK) {
            return false;
        }
        memcpy(to + at, &value, width); /* little-endian */
        at += width;
    }
    return true;
}

static void search_piece(struct search *search, uint64_t virt, uint64_t size_bytes)
{
    if (virt != search->next) {
        search->kept = 0;
    }
    search->next = virt + size_bytes;
    if (!read_bytes(search, virt, size_bytes)) {
        search->kept = 0;
        return;
    }
    const size_t filled = search->kept + (size_t)size_bytes; /* at most the window */
    const uint64_t base = virt - search->kept;
    size_t at = search_find(search->pattern, window, filled, 0);
    while (at < filled) {
        note_match(search, base + at);
        at = search_find(search->pattern, window, filled, at + 1);
    }
    search->searched_bytes += size_bytes;
    search->kept = bits_min(filled, search->pattern->length - 1);
    memmove(window, window + filled - search->kept, search->kept);
}

/* @return false where the user wants it to stop */
static bool search_leaf(struct search *search, uint64_t start, uint64_t last)
{
    for (uint64_t at = start;;) {
        const uint64_t piece_last = bits_min(last, at | PAGE_OFFSET_MASK);
        search_piece(search, at, piece_last - at + 1);
        if (!progress_step(&search->progress, search->searched_bytes)) {
            return false;
        }
        if (piece_last == last) {
            return true;
        }
        at = piece_last + 1;
    }
}

static bool next_leaf(virt_addr_t from, struct page_leaf *leaf)
{
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    const enum kstatus status = page_walk_next(arch_table_root(), from, leaf);
    kernel_mapper_unlock(&guard);
    return status == K_OK;
}

static uint64_t leaf_last(const struct page_leaf *leaf)
{
    return leaf->virt.value + (PAGE_SIZE << (leaf->level - 1) * PAGE_ENTRY_SHIFT) - 1;
}

/* All cacheable leaves that touch [first, last]. @return false where it was stopped */
static bool search_leaves(struct search *search, uint64_t first, uint64_t last)
{
    virt_addr_t from = virt_addr(first);
    struct page_leaf leaf;
    while (next_leaf(from, &leaf) && leaf.virt.value <= last) {
        const bool device = leaf.flags.cache != PAGE_CACHE_WRITE_BACK;
        if (!device && !search_leaf(search, bits_max(first, leaf.virt.value),
                                    bits_min(last, leaf_last(&leaf)))) {
            return false;
        }
        if (page_walk_after(&leaf, &from) != K_OK) {
            break;
        }
    }
    return true;
}

/* The range as virtual addresses [first, last], cut to what can be mapped at all. */
static bool virtual_range(const struct monitor_range *range, uint64_t *first, uint64_t *last)
{
    *first = range->base.value;
    *last = range->base.value + range->size_bytes - 1;
    if (range->base.physical) {
        *last = bits_min(*last, DIRECT_MAP_SIZE - 1);
        *first += PHYS_OFFSET;
        *last += PHYS_OFFSET;
        return range->base.value < DIRECT_MAP_SIZE;
    }
    /* A range that begins in the canonical hole begins behind it. */
    if (!virt_is_canonical(virt_addr(*first))) {
        *first = PHYS_OFFSET;
    }
    return *first <= *last;
}

static void run_search(const struct monitor_range *range, const struct search_pattern *pattern)
{
    struct search search = { .pattern = pattern, .physical = range->base.physical };
    uint64_t first;
    uint64_t last;
    bool complete = true;
    progress_start(&search.progress, "search", range->size_bytes, mm_bootinfo()->tsc_hz);
    if (virtual_range(range, &first, &last)) {
        complete = search_leaves(&search, first, last);
    }
    progress_end(&search.progress);
    if (search.matches > SHOWN_MATCHES) {
        console_printf("... and %" FMTu64 " more\n", search.matches - SHOWN_MATCHES);
    }
    console_printf("%" FMTu64 " matches in %" FMTu64 " KiB%s\n", search.matches,
                   search.searched_bytes / 1024, complete ? "" : " (stopped)");
}

void search_command(const char *argument)
{
    struct monitor_range range;
    struct search_pattern pattern;
    if (argument_range(&argument, &range) != K_OK) {
        monitor_usage("search");
        return;
    }
    const enum kstatus status = search_parse(argument, &pattern);
    if (status == K_ENOSPC) {
        console_printf("a pattern has at most %u bytes\n", SEARCH_PATTERN_MAX);
    } else if (status != K_OK) {
        monitor_usage("search");
    } else {
        run_search(&range, &pattern);
    }
}
