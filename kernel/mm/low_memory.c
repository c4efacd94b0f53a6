/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See low_memory.h. There are at most 159 frames, and calls are rare: no CPU has a cache for them.
 */
#include "mm/low_memory.h"

#include <stddef.h>

#include "mm/buddy_allocator.h"
#include "printk.h"

static struct buddy_allocator low;

static void add_entry(const struct multiboot2_mmap_entry *entry)
{
    const uint64_t base = bits_max(entry->address, PAGE_SIZE);
    const uint64_t end = entry->address + entry->length;
    if (entry->type != MMAP_LOW || base >= end) {
        return;
    }
    const page_frame_count_t frames = { (end - base) / PAGE_SIZE };
    if (buddy_add_region(&low, phys_addr(base), frames) != K_OK) {
        pr_debug("mm: low memory " PRIphys " + 0x%" FMTx64 " is too small for the pool", base,
                 end - base);
    }
}

void low_memory_init(const struct memory_map *map)
{
    buddy_init(&low, NULL, 0);
    for (uint32_t i = 0; i < map->count; i++) {
        add_entry(&map->entries[i]);
    }
}

enum kstatus low_memory_allocate(unsigned order, phys_addr_t *base)
{
    return buddy_allocate(&low, order, base);
}

enum kstatus low_memory_free(phys_addr_t base, unsigned order)
{
    return buddy_free(&low, base, order);
}

struct page_frame_usage low_memory_usage(void)
{
    return buddy_usage(&low);
}
