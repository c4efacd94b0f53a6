/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See page_table.h. Stateless; loader, kernel and host.
 */
#include "mm/page_table.h"

bool page_table_index_of(const struct page_table *table, virt_addr_t virt, unsigned *index)
{
    if (!virt_is_canonical(virt)) {
        return false;
    }
    /* The top-level table covers both halves; any other one an aligned range of one size. */
    if (table->level < PAGE_LEVEL_ROOT &&
        bits_align_down(virt.value, page_level_size(table->level + 1)) != table->base.value) {
        return false;
    }
    *index = page_table_index(table, virt);
    return true;
}

bool page_table_entry_mapped(const struct page_table *table, unsigned index)
{
    return page_entry_present(page_table_entry(table, index));
}

enum kstatus page_table_next_level(const struct page_table *table, unsigned index,
                                   struct page_table *next)
{
    const page_entry_t entry = page_table_entry(table, index);
    if (!page_entry_present(entry)) {
        return K_ENOENT;
    }
    if (page_entry_is_leaf(entry, table->level)) {
        return K_EEXIST;
    }
    *next = (struct page_table){
        .phys = page_entry_table_address(entry),
        .base = page_table_entry_virt(table, index),
        .level = table->level - 1,
    };
    return K_OK;
}

/* Eight stores a round: this is what bring-up spends most of its table time on. */
void page_table_clear(const struct page_table *table)
{
    volatile uint64_t *word = page_table_words(table);
    for (unsigned i = 0; i < PAGE_ENTRY_COUNT; i += 8) {
        word[0] = 0;
        word[1] = 0;
        word[2] = 0;
        word[3] = 0;
        word[4] = 0;
        word[5] = 0;
        word[6] = 0;
        word[7] = 0;
        word += 8;
    }
}

bool page_table_is_empty(const struct page_table *table)
{
    return page_table_count_absent(table, 0, PAGE_ENTRY_COUNT) == PAGE_ENTRY_COUNT;
}

unsigned page_table_count_absent(const struct page_table *table, unsigned index, unsigned count)
{
    const volatile uint64_t *const word = page_table_words(table) + index;
    unsigned absent = 0;
    while (absent < count && (word[absent] & X86_PTE_PRESENT) == 0) {
        absent++;
    }
    return absent;
}

void page_table_fill(const struct page_table *table, unsigned index, unsigned count,
                     page_entry_t first, uint64_t stride_bytes)
{
    volatile uint64_t *word = page_table_words(table) + index;
    volatile uint64_t *const end = word + count;
    uint64_t value = first.value;
    while (word != end) {
        *word = value;
        word++;
        value += stride_bytes;
    }
}
