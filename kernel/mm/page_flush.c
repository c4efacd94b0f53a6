/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See page_flush.h. State: the ledger of pending tokens and the remote operations, both atomic.
 * Loader (ignores only), kernel and host.
 */
#include "mm/page_flush.h"

#include <stdatomic.h>
#include <stddef.h>

#include <arch/mmu.h>
#include <arch/physmap.h>

#include "paging.h"
#include "printk.h"

/* Relaxed order is enough for both: the ledger is a statistic, and the operations are installed
 * before the other CPUs run. */
static _Atomic uint64_t outstanding;
static const struct page_flush_remote_ops *_Atomic remote_ops;

static void ledger_add(void)
{
    (void)atomic_fetch_add_explicit(&outstanding, 1, memory_order_relaxed);
}

static void ledger_remove(void)
{
    (void)atomic_fetch_sub_explicit(&outstanding, 1, memory_order_relaxed);
}

uint64_t page_flush_outstanding(void)
{
    return atomic_load_explicit(&outstanding, memory_order_relaxed);
}

void page_flush_set_remote_ops(const struct page_flush_remote_ops *ops)
{
    atomic_store_explicit(&remote_ops, ops, memory_order_release);
}

void page_flush_open(struct page_flush *flush, virt_addr_t start, uint64_t size_bytes,
                     struct frame_allocator *frames, struct frame_allocator *boot_tables)
{
    *flush = (struct page_flush){
        .start = start,
        .size_bytes = size_bytes,
        .pending = true,
        .frames = frames,
        .boot_tables = boot_tables,
    };
    ledger_add();
}

/* The first word of a chained frame: next frame | boot-table mark. Never the present bit. */
static volatile uint64_t *chain_word(phys_addr_t frame)
{
    return physmap_ptr(frame, sizeof(uint64_t));
}

void page_flush_add_frame(struct page_flush *flush, phys_addr_t frame, bool boot_table)
{
    const uint64_t next = flush->count_frames > 0 ? flush->chain.value : 0;
    *chain_word(frame) = next | (boot_table ? X86_PTE_BOOT_TABLE : 0);
    flush->chain = frame;
    flush->count_frames++;
}

static void free_chain(struct page_flush *flush)
{
    for (; flush->count_frames > 0; flush->count_frames--) {
        const phys_addr_t frame = flush->chain;
        const uint64_t word = *chain_word(frame);
        struct frame_allocator *const sink =
            (word & X86_PTE_BOOT_TABLE) != 0 ? flush->boot_tables : flush->frames;
        flush->chain = phys_addr(word & ENTRY_ADDRESS_MASK);
        const enum kstatus status = frame_allocator_free_one(sink, frame);
        if (status != K_OK) {
            pr_err("page_flush: frame " PRIphys " is lost: %s", frame.value, kstatus_name(status));
        }
    }
}

static bool begin_consuming(struct page_flush *flush)
{
    if (!flush->pending) {
        pr_err("page_flush: token for " PRIvirt " consumed twice", flush->start.value);
        return false;
    }
    return true;
}

static void end_consuming(struct page_flush *flush)
{
    free_chain(flush);
    flush->pending = false;
    ledger_remove();
}

static bool is_small(const struct page_flush *flush)
{
    return flush->size_bytes <= PAGE_FLUSH_SINGLE_MAX * PAGE_SIZE;
}

static void invalidate_here(const struct page_flush *flush)
{
    if (!is_small(flush)) {
        arch_invalidate_all();
        return;
    }
    for (uint64_t offset = 0; offset < flush->size_bytes; offset += PAGE_SIZE) {
        arch_invalidate_page(virt_add(flush->start, offset));
    }
}

static void invalidate_elsewhere(const struct page_flush *flush)
{
    const struct page_flush_remote_ops *const ops =
        atomic_load_explicit(&remote_ops, memory_order_acquire);
    if (ops == NULL || flush->size_bytes == 0) {
        return;
    }
    if (is_small(flush)) {
        ops->invalidate_range(ops->context, flush->start, flush->size_bytes);
    } else {
        ops->invalidate_all(ops->context);
    }
}

void page_flush_flush(struct page_flush *flush)
{
    if (begin_consuming(flush)) {
        invalidate_here(flush);
        invalidate_elsewhere(flush);
        end_consuming(flush);
    }
}

void page_flush_inactive(struct page_flush *flush)
{
    if (begin_consuming(flush)) {
        invalidate_elsewhere(flush);
        end_consuming(flush);
    }
}

void page_flush_ignore(struct page_flush *flush)
{
    if (begin_consuming(flush)) {
        end_consuming(flush);
    }
}

void page_flush_all_init(struct page_flush_all *all)
{
    all->token = (struct page_flush){ .pending = false };
}

/* Grows [into] to span both ranges; inclusive ends, so that the last page of all does not wrap. */
static void span(struct page_flush *into, const struct page_flush *other)
{
    if (other->size_bytes == 0) {
        return;
    }
    if (into->size_bytes == 0) {
        into->start = other->start;
        into->size_bytes = other->size_bytes;
        return;
    }
    const uint64_t first = bits_min(into->start.value, other->start.value);
    const uint64_t last = bits_max(into->start.value + (into->size_bytes - 1),
                                   other->start.value + (other->size_bytes - 1));
    into->start = virt_addr(first);
    into->size_bytes =
        last == UINT64_MAX && first == 0 ? UINT64_MAX - PAGE_OFFSET_MASK : last - first + 1;
}

/* Moves the frames of [from] onto [into]. */
static void move_chain(struct page_flush *into, struct page_flush *from)
{
    while (from->count_frames > 0) {
        const phys_addr_t frame = from->chain;
        const uint64_t word = *chain_word(frame);
        from->chain = phys_addr(word & ENTRY_ADDRESS_MASK);
        from->count_frames--;
        page_flush_add_frame(into, frame, (word & X86_PTE_BOOT_TABLE) != 0);
    }
}

void page_flush_all_consume(struct page_flush_all *all, struct page_flush *flush)
{
    if (!begin_consuming(flush)) {
        return;
    }
    struct page_flush *const token = &all->token;
    if (token->pending &&
        (token->frames != flush->frames || token->boot_tables != flush->boot_tables)) {
        page_flush_flush(token);
    }
    if (!token->pending) {
        page_flush_open(token, flush->start, 0, flush->frames, flush->boot_tables);
    }
    span(token, flush);
    move_chain(token, flush);
    flush->pending = false;
    ledger_remove();
}

void page_flush_all_flush(struct page_flush_all *all)
{
    if (all->token.pending) {
        page_flush_flush(&all->token);
    }
}

void page_flush_all_ignore(struct page_flush_all *all)
{
    if (all->token.pending) {
        page_flush_ignore(&all->token);
    }
}
