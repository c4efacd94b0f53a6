/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The buddy allocator's front: allocate and free with the checks, the frame_allocator operations,
 * usage and poisoning. What is behind: buddy_cache.c, buddy_core.c, buddy_tile.c; RAM comes in by
 * buddy_region.c; reports are in buddy_report.c. State: the caller's struct buddy_allocator.
 *
 * Detection of bad frees: each frame has an owner byte, which is order + 1 at the head of an
 * allocated block, else 0. It is written when a block leaves for its user and cleared when it comes
 * back, so a free is good exactly where the byte says order + 1: that one comparison tells double,
 * interior, wrong-order and wild frees, of blocks in a CPU's cache too; and clearing the byte is
 * one atomic step with it, so that of several CPUs one takes the block.
 */
#include "mm/buddy_allocator.h"

#include <arch/cpu.h>

#include "lib/string.h"
#include "mm/buddy_cache.h"
#include "mm/buddy_core.h"
#include "panic.h"
#include "printk.h"

#define POISON_FREED     0xdf
#define POISON_ALLOCATED 0xa7

/* The block belongs to the caller from here on. */
static inline void hand_out(struct buddy_block block, unsigned order, phys_addr_t *base)
{
    BUG_ON(owner_load(block.owner) != TILE_OWNER_NONE);
    owner_store(block.owner, order + 1U);
    base->value = block.frame << PAGE_SHIFT;
}

/* Fills the block where poisoning is on: then no block ever comes from a cache or goes there. */
static void poison(const struct buddy_allocator *buddy, struct buddy_block block, unsigned order,
                   int junk)
{
    const uint64_t size_bytes = PAGE_SIZE << order;
    if (buddy_is_poisoning(buddy)) {
        memset(physmap_ptr(phys_addr(block.frame << PAGE_SHIFT), size_bytes), junk, size_bytes);
    }
}

/* Apart, so that the common case needs no room on the stack. */
static NOINLINE enum kstatus allocate_slowly(struct buddy_allocator *buddy, unsigned order,
                                             phys_addr_t *base)
{
    struct buddy_block block;
    const uint64_t token = arch_irq_save();
    const bool is_taken = buddy_cache_take(buddy, order, &block);
    arch_irq_restore(token);
    if (!is_taken) {
        return K_ENOMEM;
    }
    poison(buddy, block, order, POISON_ALLOCATED);
    hand_out(block, order, base);
    return K_OK;
}

enum kstatus buddy_allocate(struct buddy_allocator *buddy, unsigned order, phys_addr_t *base)
{
    if (UNLIKELY(order > BUDDY_MAX_ORDER)) {
        return K_EINVAL;
    }
    struct buddy_block block;
    const uint64_t token = arch_irq_save();
    const bool is_popped = buddy_cache_pop(buddy, order, &block);
    arch_irq_restore(token);
    if (UNLIKELY(!is_popped)) {
        return allocate_slowly(buddy, order, base);
    }
    hand_out(block, order, base);
    return K_OK;
}

enum kstatus buddy_allocate_zeroed(struct buddy_allocator *buddy, unsigned order, phys_addr_t *base)
{
    const enum kstatus status = buddy_allocate(buddy, order, base);
    if (status == K_OK) {
        memset(physmap_ptr(*base, PAGE_SIZE << order), 0, PAGE_SIZE << order);
    }
    return status;
}

enum kstatus buddy_allocate_below(struct buddy_allocator *buddy, unsigned order, phys_addr_t limit,
                                  phys_addr_t *base)
{
    if (order > BUDDY_MAX_ORDER) {
        return K_EINVAL;
    }
    const uint64_t limit_frame = limit.value >> PAGE_SHIFT;
    struct buddy_block block;
    const uint64_t token = arch_irq_save();
    unsigned count = buddy_core_take_below(buddy, order, limit_frame, &block);
    if (count == 0) {
        buddy_cache_drain_all(buddy);
        count = buddy_core_take_below(buddy, order, limit_frame, &block);
    }
    arch_irq_restore(token);
    if (count == 0) {
        return K_ENOMEM;
    }
    atomic_fetch_add_explicit(&buddy->allocations[order], 1, memory_order_relaxed);
    poison(buddy, block, order, POISON_ALLOCATED);
    hand_out(block, order, base);
    return K_OK;
}

static void free_bulk(struct buddy_allocator *buddy, uint32_t count, const phys_addr_t *frames)
{
    bool is_good = true;
    for (uint32_t i = 0; i < count; i++) {
        is_good &= buddy_free(buddy, frames[i], 0) == K_OK;
    }
    BUG_ON(!is_good);
}

enum kstatus buddy_allocate_bulk(struct buddy_allocator *buddy, uint32_t count, phys_addr_t *frames)
{
    for (uint32_t i = 0; i < count; i++) {
        if (UNLIKELY(buddy_allocate(buddy, 0, &frames[i]) != K_OK)) {
            free_bulk(buddy, i, frames);
            return K_ENOMEM;
        }
    }
    return K_OK;
}

#define NEVER_SET(order) (~(BIT(BUDDY_ADDRESS_BITS) - (PAGE_SIZE << (order))))

/* By order, the bits that no block's address has: those below its size, and those above all RAM. */
static const uint64_t never_set[BUDDY_ORDER_COUNT] = {
    NEVER_SET(0),  NEVER_SET(1),  NEVER_SET(2),  NEVER_SET(3),  NEVER_SET(4),
    NEVER_SET(5),  NEVER_SET(6),  NEVER_SET(7),  NEVER_SET(8),  NEVER_SET(9),
    NEVER_SET(10), NEVER_SET(11), NEVER_SET(12), NEVER_SET(13), NEVER_SET(14),
    NEVER_SET(15), NEVER_SET(16), NEVER_SET(17), NEVER_SET(18),
};

/* Ends the ownership of a block. @return false, nothing changed, where it is not one. */
static inline bool take_back(struct buddy_allocator *buddy, phys_addr_t base, unsigned order,
                             struct buddy_block *block)
{
    if (UNLIKELY(order > BUDDY_MAX_ORDER || (base.value & never_set[order]) != 0)) {
        return false;
    }
    block->frame = base.value >> PAGE_SHIFT;
    block->owner = buddy_find_owner(buddy, block->frame, order);
    return LIKELY(block->owner != NULL && owner_clear(block->owner, order + 1U));
}

static enum kstatus status_of(enum buddy_bad_free kind)
{
    switch (kind) {
    case BUDDY_FREE_OUT_OF_RANGE:
    case BUDDY_FREE_HOLE:
    case BUDDY_FREE_METADATA:
        return K_EFAULT;
    case BUDDY_FREE_IS_GOOD: /* another CPU allocated it meanwhile */
    case BUDDY_FREE_BAD_COUNT:
    case BUDDY_FREE_MISALIGNED:
    case BUDDY_FREE_NOT_ALLOCATED:
    case BUDDY_FREE_WRONG_ORDER:
    case BUDDY_FREE_INTERIOR:
        return K_EINVAL;
    }
    return K_EINVAL;
}

static enum kstatus refuse(struct buddy_allocator *buddy, phys_addr_t base,
                           page_frame_count_t count, const void *caller)
{
    struct buddy_free_report report;
    buddy_describe_bad_free(buddy, base, count, &report);
    const uint32_t cpu = arch_cpu_number();
    const uint64_t from = (uint64_t)(uintptr_t)caller;
    if (report.has_block) {
        pr_err("buddy: bad free of " PRIphys ", %" FMTu64 " frames: %s; recorded: " PRIphys
               ", order %u (cpu %u, caller " PRIvirt ")",
               base.value, count.value, buddy_bad_free_text(report.kind), report.block.value,
               report.recorded_order, cpu, from);
    } else {
        pr_err("buddy: bad free of " PRIphys ", %" FMTu64 " frames: %s (cpu %u, caller " PRIvirt
               ")",
               base.value, count.value, buddy_bad_free_text(report.kind), cpu, from);
    }
    return status_of(report.kind);
}

static NOINLINE enum kstatus refuse_block(struct buddy_allocator *buddy, phys_addr_t base,
                                          unsigned order, const void *caller)
{
    const uint64_t count = order < 64U ? BIT(order) : 0;
    return refuse(buddy, base, page_frame_count(count), caller);
}

/* The block is no longer its user's, and in no cache yet. */
static NOINLINE enum kstatus free_slowly(struct buddy_allocator *buddy, unsigned order,
                                         struct buddy_block block)
{
    poison(buddy, block, order, POISON_FREED);
    const uint64_t token = arch_irq_save();
    buddy_cache_give(buddy, order, block);
    arch_irq_restore(token);
    return K_OK;
}

static inline enum kstatus free_block(struct buddy_allocator *buddy, phys_addr_t base,
                                      unsigned order, const void *caller)
{
    struct buddy_block block;
    if (UNLIKELY(!take_back(buddy, base, order, &block))) {
        return refuse_block(buddy, base, order, caller);
    }
    const uint64_t token = arch_irq_save();
    const bool is_pushed = buddy_cache_push(buddy, order, block);
    arch_irq_restore(token);
    return LIKELY(is_pushed) ? K_OK : free_slowly(buddy, order, block);
}

enum kstatus buddy_free(struct buddy_allocator *buddy, phys_addr_t base, unsigned order)
{
    return free_block(buddy, base, order, __builtin_return_address(0));
}

struct page_frame_usage buddy_usage(struct buddy_allocator *buddy)
{
    const uint64_t total_frames = count_read(&buddy->total_frames);
    const uint64_t found = buddy_core_free_frames(buddy) + buddy_cache_frames(buddy);
    /* A block that another CPU moves into its cache meanwhile may be seen twice. */
    const uint64_t free_frames = bits_min(found, total_frames);
    return (struct page_frame_usage){
        .used = { total_frames - free_frames },
        .free = { free_frames },
        .total = { total_frames },
    };
}

void buddy_drain_caches(struct buddy_allocator *buddy)
{
    const uint64_t token = arch_irq_save();
    buddy_cache_drain_all(buddy);
    arch_irq_restore(token);
}

void buddy_set_poisoning(struct buddy_allocator *buddy, bool on)
{
    atomic_store_explicit(&buddy->is_poisoning, on, memory_order_relaxed);
    buddy_drain_caches(buddy);
}

/* ---- struct frame_allocator ------------------------------------------------------------------ */

static struct buddy_allocator *from_handle(struct frame_allocator *allocator)
{
    return CONTAINER_OF(allocator, struct buddy_allocator, allocator);
}

static enum kstatus operation_allocate(struct frame_allocator *allocator, page_frame_count_t count,
                                       phys_addr_t *base)
{
    if (!bits_is_power_of_two(count.value)) {
        return K_EINVAL;
    }
    return buddy_allocate(from_handle(allocator), bits_lowest(count.value), base);
}

static enum kstatus operation_free(struct frame_allocator *allocator, phys_addr_t base,
                                   page_frame_count_t count)
{
    struct buddy_allocator *const buddy = from_handle(allocator);
    const void *const caller = __builtin_return_address(0);
    if (!bits_is_power_of_two(count.value)) {
        return refuse(buddy, base, count, caller);
    }
    return free_block(buddy, base, bits_lowest(count.value), caller);
}

static struct page_frame_usage operation_usage(struct frame_allocator *allocator)
{
    return buddy_usage(from_handle(allocator));
}

static enum kstatus operation_allocate_bulk(struct frame_allocator *allocator, uint32_t count,
                                            phys_addr_t *frames)
{
    return buddy_allocate_bulk(from_handle(allocator), count, frames);
}

static const struct frame_allocator_ops operations = {
    .allocate = operation_allocate,
    .free = operation_free,
    .usage = operation_usage,
    .allocate_bulk = operation_allocate_bulk,
};

void buddy_init(struct buddy_allocator *buddy, struct buddy_cpu_cache *caches, uint32_t cpu_count)
{
    memset(buddy, 0, sizeof(*buddy));
    buddy->allocator.ops = &operations;
    buddy->caches = caches;
    buddy->cpu_count = (uint32_t)bits_min(cpu_count, BUDDY_CPU_LIMIT);
    buddy->shard_count = (uint32_t)bits_max(buddy->cpu_count, 1);
    for (uint32_t shard = 0; shard < buddy->shard_count; shard++) {
        buddy_core_init_lists(&buddy->shards[shard]);
    }
    buddy_cache_init(buddy);
}
