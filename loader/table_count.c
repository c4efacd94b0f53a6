/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See table_count.h. A table is made for one of three reasons: its level has no leaves in the level
 * above; an entry ends inside of what such a leaf would cover; or a cut lies there. No leaf reaches
 * over the end of an entry, not even where the next one touches it.
 */
#include "table_count.h"

#include <stdbool.h>

#include "lib/bits.h"
#include "mm/addr.h"

/* Addresses only grow, so the first table of each level that is not counted yet says which ones
 * are. */
struct table_count {
    uint64_t frames;
    uint64_t next[PAGE_LEVELS]; /* by level - 1, in tables of that level */
};

/* Tables of `level` on the way to [start, end). */
static void count_tables(struct table_count *count, unsigned level, uint64_t start, uint64_t end)
{
    const uint64_t bytes = page_level_size(level + 1); /* that one table covers */
    const uint64_t first = bits_max(start / bytes, count->next[level - 1]);
    const uint64_t next = (end - 1) / bytes + 1;
    if (next > first) {
        count->frames += next - first;
        count->next[level - 1] = next;
    }
}

/* Tables of `level` where leaves of the level above fit in between: at ends inside of one. */
static void count_ragged(struct table_count *count, unsigned level, uint64_t start, uint64_t end)
{
    const uint64_t bytes = page_level_size(level + 1);
    if (!bits_is_aligned(start, bytes)) {
        count_tables(count, level, start, start + 1);
    }
    if (!bits_is_aligned(end, bytes)) {
        count_tables(count, level, end - 1, end);
    }
}

static void count_entry(struct table_count *count, const struct paging_features *features,
                        const struct multiboot2_mmap_entry *entry)
{
    const uint64_t start = bits_align_down(entry->address, PAGE_SIZE);
    const uint64_t end = bits_align_up(entry->address + entry->length, PAGE_SIZE);
    count_tables(count, PAGE_LEVEL_ROOT - 1, start, end);
    if (features->pages_1g) {
        count_ragged(count, PAGE_LEVEL_2M, start, end);
    } else {
        count_tables(count, PAGE_LEVEL_2M, start, end);
    }
    count_ragged(count, PAGE_LEVEL_4K, start, end);
}

uint64_t table_count_max(const struct memory_map *map, const struct paging_features *features,
                         uint32_t cuts)
{
    struct table_count count = { 0 };
    for (uint32_t i = 0; i < map->count; i++) {
        if (memory_map_type_is_mapped(map->entries[i].type)) {
            count_entry(&count, features, &map->entries[i]);
        }
    }
    /* A cut takes a leaf of 2 MiB to pieces, and one of 1 GiB: else that directory is counted. */
    return count.frames + (uint64_t)cuts * (features->pages_1g ? 2 : 1);
}
