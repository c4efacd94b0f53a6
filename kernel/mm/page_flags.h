/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What a mapping allows (S02, S80, S84): a value type that says intent, free of the CPU's format.
 * Whether bit 63 may be written is decided in one place, page_entry_make(), from struct
 * paging_features; so where NX is reserved (S21) no entry can carry it. Pure.
 */
#ifndef MM_PAGE_FLAGS_H
#define MM_PAGE_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

/** How memory is cached; the mapper knows the PAT slots (kernel/arch/x86_64/paging.h). */
enum page_cache {
    PAGE_CACHE_WRITE_BACK,
    PAGE_CACHE_WRITE_THROUGH,
    PAGE_CACHE_UNCACHED,
    PAGE_CACHE_WRITE_COMBINING,
};

typedef struct {
    bool write;
    bool execute;
    bool user;
    bool global;
    enum page_cache cache;
} page_flags_t;

/** Present, read-only, no-exec, kernel, write-back (S80). */
static inline page_flags_t page_flags_new(void)
{
    return (page_flags_t){ .cache = PAGE_CACHE_WRITE_BACK };
}

static inline page_flags_t page_flags_set_write(page_flags_t flags, bool write)
{
    flags.write = write;
    return flags;
}

static inline page_flags_t page_flags_set_execute(page_flags_t flags, bool execute)
{
    flags.execute = execute;
    return flags;
}

static inline page_flags_t page_flags_set_user(page_flags_t flags, bool user)
{
    flags.user = user;
    return flags;
}

/** Whether the translation may stay in the TLB when another address space is loaded: only for what
 *  is the same in all of them, the kernel half. */
static inline page_flags_t page_flags_set_global(page_flags_t flags, bool global)
{
    flags.global = global;
    return flags;
}

static inline page_flags_t page_flags_set_cache(page_flags_t flags, enum page_cache cache)
{
    flags.cache = cache;
    return flags;
}

/** For device memory: read-write, uncached, and not executable (the seed's was, S80). */
static inline page_flags_t page_flags_mmio(void)
{
    return (page_flags_t){ .write = true, .cache = PAGE_CACHE_UNCACHED };
}

static inline bool page_flags_equal(page_flags_t a, page_flags_t b)
{
    return a.write == b.write && a.execute == b.execute && a.user == b.user &&
           a.global == b.global && a.cache == b.cache;
}

#endif
