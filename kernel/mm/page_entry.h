/* SPDX-License-Identifier: GPL-2.0-only
 *
 * One page-table entry as a value (S80): intent (page_flags_t) to bits and back. page_entry_make()
 * is the only place that decides which bits a leaf carries, so where NX is reserved (S21) no entry
 * can carry bit 63, and no entry names an address that the CPU does not have. Pure; every world.
 *
 *   level   table          an entry covers   can be a leaf
 *     4     PML4           512 GiB           no
 *     3     PDPT           1 GiB             where the CPU has 1 GiB pages
 *     2     page directory 2 MiB             yes
 *     1     page table     4 KiB             always
 */
#ifndef MM_PAGE_ENTRY_H
#define MM_PAGE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "kstatus.h"
#include "mm/addr.h"
#include "mm/page_flags.h"
#include "paging.h"

#define PAGE_LEVEL_4K   1U
#define PAGE_LEVEL_2M   2U
#define PAGE_LEVEL_1G   3U
#define PAGE_LEVEL_ROOT PAGE_LEVELS

/** What the CPU that will walk the tables can do. Given, never asked for: pure code. */
struct paging_features {
    bool nx;           /* CPU has NX and EFER.NXE is (or will be) set */
    bool pages_1g;     /* 1 GiB leaves */
    bool global;       /* CR4.PGE is (or will be) set */
    uint8_t phys_bits; /* MAXPHYADDR, 32..52 */
};

typedef struct {
    uint64_t value;
} page_entry_t;

/** Bytes that one entry of a table of @p level (1..4) covers. */
static inline uint64_t page_level_size(unsigned level)
{
    return UINT64_C(1) << (PAGE_SHIFT + (level - 1) * PAGE_ENTRY_SHIFT);
}

/** The highest level at which @p features allows leaves. */
static inline unsigned page_level_max_leaf(const struct paging_features *features)
{
    return features->pages_1g ? PAGE_LEVEL_1G : PAGE_LEVEL_2M;
}

static inline bool page_entry_present(page_entry_t entry)
{
    return (entry.value & X86_PTE_PRESENT) != 0;
}

/** Whether @p entry of a table of @p level maps memory itself. */
static inline bool page_entry_is_leaf(page_entry_t entry, unsigned level)
{
    return page_entry_present(entry) &&
           (level == PAGE_LEVEL_4K ||
            (level < PAGE_LEVEL_ROOT && (entry.value & X86_PTE_HUGE) != 0));
}

/** Whether @p entry of a table of @p level points at a table of the next lower level. Bit 7 marks a
 *  huge leaf; in a top-level entry it is reserved, and such an entry leads nowhere. */
static inline bool page_entry_is_table(page_entry_t entry, unsigned level)
{
    return level > PAGE_LEVEL_4K &&
           (entry.value & (X86_PTE_PRESENT | X86_PTE_HUGE)) == X86_PTE_PRESENT;
}

/** Physical address in a table entry. */
static inline phys_addr_t page_entry_table_address(page_entry_t entry)
{
    return phys_addr(entry.value & ENTRY_ADDRESS_MASK);
}

/** Physical address in a leaf of @p level; bit 12 of a huge leaf is its PAT bit, not address. */
static inline phys_addr_t page_entry_leaf_address(page_entry_t entry, unsigned level)
{
    return phys_addr(bits_align_down(entry.value & ENTRY_ADDRESS_MASK, page_level_size(level)));
}

/** An entry that points at the table at @p table. Its own bits never restrict: leaves decide. */
static inline page_entry_t page_entry_make_table(phys_addr_t table, bool user)
{
    return (page_entry_t){ table.value | X86_PTE_PRESENT | X86_PTE_WRITE |
                           (user ? X86_PTE_USER : 0) };
}

/** Bits of @p cache in a leaf of @p level; see X86_PAT_VALUE for the slots. */
static inline uint64_t page_entry_cache_bits(enum page_cache cache, unsigned level)
{
    switch (cache) {
    case PAGE_CACHE_WRITE_BACK:
        return 0;
    case PAGE_CACHE_WRITE_THROUGH:
        return X86_PTE_WRITE_THROUGH;
    case PAGE_CACHE_UNCACHED:
        return X86_PTE_WRITE_THROUGH | X86_PTE_CACHE_DISABLE;
    case PAGE_CACHE_WRITE_COMBINING:
        return level == PAGE_LEVEL_4K ? X86_PTE_PAT_4K : X86_PTE_PAT_HUGE;
    }
    return X86_PTE_WRITE_THROUGH | X86_PTE_CACHE_DISABLE;
}

/**
 * The leaf of @p level that maps the page at @p phys as @p flags say.
 * @param level  1..3
 * @return K_OK; K_EINVAL for an address not aligned to the page; K_ERANGE where the page does not
 *         lie below 2^phys_bits; K_ENOTSUP for a level that has no leaves here
 */
static inline MUST_CHECK enum kstatus page_entry_make(const struct paging_features *features,
                                                      phys_addr_t phys, page_flags_t flags,
                                                      unsigned level, page_entry_t *entry)
{
    if (level < PAGE_LEVEL_4K || level > page_level_max_leaf(features)) {
        return K_ENOTSUP;
    }
    if (!bits_is_aligned(phys.value, page_level_size(level))) {
        return K_EINVAL;
    }
    /* The address is aligned and 2^phys_bits is a multiple of every leaf size. */
    if ((phys.value & ~bits_mask(features->phys_bits)) != 0) {
        return K_ERANGE;
    }
    uint64_t bits = X86_PTE_PRESENT | page_entry_cache_bits(flags.cache, level);
    bits |= flags.write ? X86_PTE_WRITE : 0;
    bits |= flags.user ? X86_PTE_USER : 0;
    bits |= flags.global && features->global ? X86_PTE_GLOBAL : 0;
    bits |= !flags.execute && features->nx ? X86_PTE_NO_EXECUTE : 0;
    bits |= level > PAGE_LEVEL_4K ? X86_PTE_HUGE : 0;
    entry->value = phys.value | bits;
    return K_OK;
}

/** How a leaf caches, from its PAT slot; slots the kernel never writes read as uncached. */
static inline enum page_cache page_entry_cache(page_entry_t entry, unsigned level)
{
    const uint64_t pat = level == PAGE_LEVEL_4K ? X86_PTE_PAT_4K : X86_PTE_PAT_HUGE;
    if ((entry.value & X86_PTE_CACHE_DISABLE) != 0) {
        return PAGE_CACHE_UNCACHED;
    }
    if ((entry.value & X86_PTE_WRITE_THROUGH) != 0) {
        return PAGE_CACHE_WRITE_THROUGH;
    }
    return (entry.value & pat) != 0 ? PAGE_CACHE_WRITE_COMBINING : PAGE_CACHE_WRITE_BACK;
}

/** What a leaf allows by its own bits. Without NX every leaf is executable, and this says so. */
static inline page_flags_t page_entry_flags(page_entry_t entry, unsigned level)
{
    return (page_flags_t){
        .write = (entry.value & X86_PTE_WRITE) != 0,
        .execute = (entry.value & X86_PTE_NO_EXECUTE) == 0,
        .user = (entry.value & X86_PTE_USER) != 0,
        .global = (entry.value & X86_PTE_GLOBAL) != 0,
        .cache = page_entry_cache(entry, level),
    };
}

/** First entry of the table that replaces the huge leaf @p entry of @p level (2 or 3): the same
 *  memory with the same bits, one level down. The other entries follow, each one page further. */
static inline page_entry_t page_entry_split(page_entry_t entry, unsigned level)
{
    uint64_t value = entry.value;
    if (level == PAGE_LEVEL_2M) {
        const uint64_t pat = (value & X86_PTE_PAT_HUGE) != 0 ? X86_PTE_PAT_4K : 0;
        value = (value & ~(X86_PTE_HUGE | X86_PTE_PAT_HUGE)) | pat;
    }
    return (page_entry_t){ value };
}

#endif
