/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See direct_map.h. Walks the map's entries and the exceptions together, both sorted:
 *
 *    entry        [...........................................)
 *    exceptions         [hole)      [text R X)[rodata R)
 *    mapped       [ RW )      [ RW )[  R X   )[   R    )[ RW  )
 *
 * Entries that are not type 1 may begin or end inside a page (e820 firmware): they are mapped by
 * whole pages, and a page that two entries share is mapped once.
 */
#include "mm/direct_map.h"

#include "mm/page_flush.h"

struct direct_map_walk {
    struct page_mapper *mapper;
    const struct direct_map_exception *exceptions;
    uint32_t exception_count;
    uint32_t next_exception; /* first that ends behind what is mapped */
    uint64_t mapped_end;     /* bytes; everything below is done */
};

/* Global: the direct map is the same in every address space, and may stay in the TLB when another
 * one is loaded. Without CR4.PGE the entries do not say so (page_entry_make). */
static enum kstatus map_piece(struct page_mapper *mapper, uint64_t start, uint64_t end,
                              page_flags_t flags)
{
    const struct page_mapping mapping = {
        .virt = virt_addr(PHYS_OFFSET + start),
        .phys = phys_addr(start),
        .size_bytes = end - start,
        .flags = page_flags_set_global(flags, true),
    };
    struct page_flush flush;
    const enum kstatus status = page_mapper_map_range(mapper, &mapping, &flush);
    if (status == K_OK) {
        page_flush_ignore(&flush); /* the tables are not the current ones yet */
    }
    return status;
}

/* Maps from `start` up to the next change of permission, at most to `end`; returns where it ended
 * through `done`. */
static enum kstatus map_up_to_change(struct direct_map_walk *walk, uint64_t start, uint64_t end,
                                     uint64_t *done)
{
    while (walk->next_exception < walk->exception_count &&
           walk->exceptions[walk->next_exception].end <= start) {
        walk->next_exception++;
    }
    page_flags_t flags = page_flags_set_write(page_flags_new(), true);
    uint64_t stop = end;
    bool is_hole = false;
    if (walk->next_exception < walk->exception_count) {
        const struct direct_map_exception *const e = &walk->exceptions[walk->next_exception];
        const bool inside = e->start <= start;
        stop = bits_min(end, inside ? e->end : e->start);
        flags = inside ? e->flags : flags;
        is_hole = inside && e->is_hole;
    }
    const enum kstatus status = is_hole ? K_OK : map_piece(walk->mapper, start, stop, flags);
    if (status == K_OK) {
        *done = stop;
    }
    return status;
}

static enum kstatus map_entry(struct direct_map_walk *walk,
                              const struct multiboot2_mmap_entry *entry)
{
    uint64_t start = bits_align_down(entry->address, PAGE_SIZE);
    uint64_t end;
    if (!bits_align_up_checked(entry->address + entry->length, PAGE_SIZE, &end) ||
        end > DIRECT_MAP_SIZE) {
        return K_ERANGE; /* the map's maker drops such RAM */
    }
    start = bits_max(start, walk->mapped_end);
    while (start < end) {
        const enum kstatus status = map_up_to_change(walk, start, end, &start);
        if (status != K_OK) {
            return status;
        }
    }
    walk->mapped_end = bits_max(walk->mapped_end, end);
    return K_OK;
}

enum kstatus direct_map_build(struct page_mapper *mapper, const struct memory_map *map,
                              const struct direct_map_exception *exceptions,
                              uint32_t exception_count)
{
    struct direct_map_walk walk = {
        .mapper = mapper,
        .exceptions = exceptions,
        .exception_count = exception_count,
    };
    for (uint32_t i = 0; i < map->count; i++) {
        if (!memory_map_type_is_mapped(map->entries[i].type)) {
            continue;
        }
        const enum kstatus status = map_entry(&walk, &map->entries[i]);
        if (status != K_OK) {
            return status;
        }
    }
    return K_OK;
}
