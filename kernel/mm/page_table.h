/* SPDX-License-Identifier: GPL-2.0-only
 *
 * One table of 512 entries (S80): where it lies, which addresses it is for, and access to its
 * entries, each read and written once through a volatile access. No allocation, no policy: that is
 * page_mapper. Every world; memory is reached through physmap_ptr() only.
 */
#ifndef MM_PAGE_TABLE_H
#define MM_PAGE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <arch/physmap.h>

#include "kstatus.h"
#include "mm/addr.h"
#include "mm/page_entry.h"

struct page_table {
    phys_addr_t phys; /* of the frame that holds it */
    virt_addr_t base; /* first address it covers; 0 for the top-level table */
    unsigned level;   /* 1..4 */
};

/** The top-level table in the frame at @p root. */
static inline struct page_table page_table_root(phys_addr_t root)
{
    return (struct page_table){ .phys = root, .level = PAGE_LEVEL_ROOT };
}

/** Index of the entry that covers @p virt, whether or not this very table covers it. */
static inline unsigned page_table_index(const struct page_table *table, virt_addr_t virt)
{
    return (unsigned)(virt.value >> (PAGE_SHIFT + (table->level - 1) * PAGE_ENTRY_SHIFT)) &
           PAGE_ENTRY_MASK; /* the mask makes it fit */
}

/** First address that entry @p index (0..511) covers, canonical. */
static inline virt_addr_t page_table_entry_virt(const struct page_table *table, unsigned index)
{
    const uint64_t sum = table->base.value + index * page_level_size(table->level);
    const bool upper_half = (sum & (PAGE_ADDRESS_SIZE >> 1)) != 0;
    return virt_addr(upper_half ? sum | PAGE_NEGATIVE_MASK : sum);
}

/** The index of @p virt in the table. @return false (@p index untouched) where the table does not
 *  cover @p virt; the last address it covers is one of its own. */
bool page_table_index_of(const struct page_table *table, virt_addr_t virt, unsigned *index);

/* The entries of a table. Volatile: the CPU reads them, and sets accessed and dirty bits, on its
 * own, so each access in the source must be one access of the machine. Not to be stored. */
static inline volatile uint64_t *page_table_words(const struct page_table *table)
{
    return physmap_ptr(table->phys, PAGE_SIZE);
}

static inline page_entry_t page_table_entry(const struct page_table *table, unsigned index)
{
    return (page_entry_t){ page_table_words(table)[index] };
}

static inline void page_table_set_entry(const struct page_table *table, unsigned index,
                                        page_entry_t entry)
{
    page_table_words(table)[index] = entry.value;
}

/** Whether entry @p index is present. */
bool page_table_entry_mapped(const struct page_table *table, unsigned index);

/**
 * The table that entry @p index points at.
 * @return K_OK; K_ENOENT where the entry is not present; K_EEXIST where it is a leaf
 */
MUST_CHECK enum kstatus page_table_next_level(const struct page_table *table, unsigned index,
                                              struct page_table *next);

/** Makes all 512 entries 0. */
void page_table_clear(const struct page_table *table);

/** Whether no entry is present. */
bool page_table_is_empty(const struct page_table *table);

/** How many of the @p count entries from @p index on are not present, up to the first that is. */
unsigned page_table_count_absent(const struct page_table *table, unsigned index, unsigned count);

/** Writes @p count leaves from @p index on: @p first, then each @p stride_bytes further up. */
void page_table_fill(const struct page_table *table, unsigned index, unsigned count,
                     page_entry_t first, uint64_t stride_bytes);

#endif
