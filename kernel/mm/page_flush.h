/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The token that every change of a page table yields (S83). Whoever made the change consumes it,
 * by exactly one of
 *
 *   page_flush_flush()     the tables are live: forget the old translations here and on every
 *                          other CPU, then give the freed frames back
 *   page_flush_inactive()  the tables are not loaded here: tell the other CPUs only
 *   page_flush_ignore()    nobody can have cached the old translation (fresh mappings, tables
 *                          that were never loaded)
 *   page_flush_all_consume()  later, together with others
 *
 * A ledger counts tokens that were not consumed yet; the self-tests and the end of bring-up check
 * that it is zero. Frames that an unmap frees travel in the token and go back to their allocator
 * only when it is consumed: a CPU may walk a table, or write a page, through its caches until then.
 * They are chained through their own first words; such a word never has the present bit, so a walk
 * that still comes by finds nothing.
 *
 * State (page_flush.c): the ledger and the pointer to the other CPUs' operations. The loader links
 * page_flush.c too, and only ever ignores.
 */
#ifndef MM_PAGE_FLUSH_H
#define MM_PAGE_FLUSH_H

#include <stdbool.h>
#include <stdint.h>

#include "mm/addr.h"
#include "mm/frame_allocator.h"

/** Above so many pages everything is invalidated in place of page by page. */
#define PAGE_FLUSH_SINGLE_MAX 32U

/** Members are private to page_flush.c. */
struct page_flush {
    virt_addr_t start; /* [start, start + size_bytes) changed; a multiple of 4 KiB */
    uint64_t size_bytes;
    bool pending;                        /* not consumed yet */
    phys_addr_t chain;                   /* freed frames, meaningful where count_frames > 0 */
    uint64_t count_frames;               /* on the chain */
    struct frame_allocator *frames;      /* where they go back to */
    struct frame_allocator *boot_tables; /* where tables made at bring-up go */
};

/** Several tokens as one (the seed's PageFlushAll). */
struct page_flush_all {
    struct page_flush token;
};

/** How the other CPUs are told. Both return when every other CPU has done it. */
struct page_flush_remote_ops {
    /** Forgets [start, start + size_bytes) on all other CPUs. */
    void (*invalidate_range)(void *context, virt_addr_t start, uint64_t size_bytes);
    /** Forgets everything, global pages too, on all other CPUs. */
    void (*invalidate_all)(void *context);
    void *context;
};

/**
 * Opens a token for [start, start + size_bytes). For units that change tables.
 * @param frames       allocator of the frames that will be put on the token
 * @param boot_tables  takes the frames of tables made at bring-up; may be NULL
 */
void page_flush_open(struct page_flush *flush, virt_addr_t start, uint64_t size_bytes,
                     struct frame_allocator *frames, struct frame_allocator *boot_tables);

/** Puts @p frame on the pending token @p flush, to be freed when that is consumed.
 *  @param boot_table  it was made at bring-up and goes to `boot_tables` */
void page_flush_add_frame(struct page_flush *flush, phys_addr_t frame, bool boot_table);

/** Invalidates here and on the other CPUs, then frees the token's frames. Consumes it. */
void page_flush_flush(struct page_flush *flush);

/** Like page_flush_flush() for tables that are not loaded on this CPU. Consumes the token. */
void page_flush_inactive(struct page_flush *flush);

/** Invalidates nothing and frees the token's frames. Consumes it. */
void page_flush_ignore(struct page_flush *flush);

/** Starts an empty collection; it counts as pending from the first token it takes. */
void page_flush_all_init(struct page_flush_all *all);

/** Moves @p flush into @p all, whose range grows to span both. Tokens with other allocators than
 *  those before are flushed at once. Consumes @p flush. */
void page_flush_all_consume(struct page_flush_all *all, struct page_flush *flush);

/** page_flush_flush() for what was collected; nothing where that is nothing. */
void page_flush_all_flush(struct page_flush_all *all);

/** page_flush_ignore() for what was collected. */
void page_flush_all_ignore(struct page_flush_all *all);

/** Tokens and non-empty collections that wait to be consumed. */
uint64_t page_flush_outstanding(void);

/** Installs the operations that reach other CPUs; NULL (as at start) while this is the only one.
 *  @p ops must outlive its use. */
void page_flush_set_remote_ops(const struct page_flush_remote_ops *ops);

#endif
