/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See seed_walk.h. Kept as plain as the seed's loop, and kinder: no area list, no flags computed
 * for each page, no flusher object.
 */
#include "bench/seed_walk.h"

#include <stdbool.h>
#include <stddef.h>

#include <arch/physmap.h>

#include "paging.h"

#define TABLE_BITS (X86_PTE_PRESENT | X86_PTE_WRITE)

/* A zeroed table behind `entry`; false where there is no frame. */
static bool make_table(struct page_mapper *mapper, volatile uint64_t *entry)
{
    phys_addr_t frame;
    if (frame_allocator_allocate_one(mapper->frames, &frame) != K_OK) {
        return false;
    }
    volatile uint64_t *const fresh = physmap_ptr(frame, PAGE_SIZE);
    for (uint32_t i = 0; i < PAGE_ENTRY_COUNT; i++) {
        fresh[i] = 0;
    }
    *entry = frame.value | TABLE_BITS;
    mapper->table_frames++;
    return true;
}

/* The table behind `entry`, made where it is missing. In line, as what it is compared with. */
static inline volatile uint64_t *next_table(struct page_mapper *mapper, volatile uint64_t *entry)
{
    if ((*entry & X86_PTE_PRESENT) == 0 && !make_table(mapper, entry)) {
        return NULL;
    }
    return physmap_ptr(phys_addr(*entry & ENTRY_ADDRESS_MASK), PAGE_SIZE);
}

static uint64_t index_at(uint64_t virt, unsigned level)
{
    return (virt >> (PAGE_SHIFT + (level - 1) * PAGE_ENTRY_SHIFT)) & PAGE_ENTRY_MASK;
}

/* The level-1 table for `virt`, found from the top; NULL where a frame is missing. Unrolled: the
 * baseline shall not be slower than it needs to be. */
static inline volatile uint64_t *walk(struct page_mapper *mapper, uint64_t virt)
{
    volatile uint64_t *table = physmap_ptr(mapper->root, PAGE_SIZE);
    table = next_table(mapper, &table[index_at(virt, 4)]);
    table = table == NULL ? NULL : next_table(mapper, &table[index_at(virt, 3)]);
    return table == NULL ? NULL : next_table(mapper, &table[index_at(virt, 2)]);
}

enum kstatus seed_walk_map(struct page_mapper *mapper, virt_addr_t virt, uint64_t size_bytes)
{
    for (uint64_t offset = 0; offset < size_bytes; offset += PAGE_SIZE) {
        volatile uint64_t *const table = walk(mapper, virt.value + offset);
        if (table == NULL) {
            return K_ENOMEM;
        }
        table[index_at(virt.value + offset, 1)] = offset | TABLE_BITS | X86_PTE_NO_EXECUTE;
    }
    return K_OK;
}
