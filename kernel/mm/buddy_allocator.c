/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The buddy allocator's front: allocate and free with the checks, the frame_allocator operations,
 * usage and poisoning. What is behind: buddy_cache.c, buddy_core.c, buddy_tile.c; RAM comes in by
 * buddy_region.c; reports are in buddy_report.c. State: the caller's struct buddy_allocator.
 *
 * Detection of bad frees: each frame has an owner byte, which is order + 1 at the head of an
 * allocated block, else 0. It is written when a block leaves for its user and cleared when it comes
 * back, so a free is good exactly where the byte says order + 1: that one load tells double,
 * interior, wrong-order and wild frees, of blocks in a CPU's cache too.
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

static void poison(const struct buddy_allocator *buddy, phys_addr_t base, unsigned order, int junk)
{
    if (UNLIKELY(atomic_load_explicit(&buddy->is_poisoning, memory_order_relaxed))) {
        const uint64_t size_bytes = PAGE_SIZE << order;
        memset(physmap_ptr(base, size_bytes), junk, size_bytes);
    }
}

/* The block at `frame` belongs to the caller from here on. */
static inline phys_addr_t hand_out(struct buddy_allocator *buddy, uint64_t frame, unsigned order)
{
    uint8_t *const owner = buddy_owner(buddy, frame, order);
    BUG_ON(*owner != TILE_OWNER_NONE);
    *owner = (uint8_t)(order + 1U);
    const phys_addr_t base = phys_addr(frame << PAGE_SHIFT);
    poison(buddy, base, order, POISON_ALLOCATED);
    return base;
}

enum kstatus buddy_allocate(struct buddy_allocator *buddy, unsigned order, phys_addr_t *base)
{
    if (order > BUDDY_MAX_ORDER) {
        return K_EINVAL;
    }
    const uint64_t token = arch_irq_save();
    const uint64_t frame = buddy_cache_take(buddy, order);
    if (LIKELY(frame != BUDDY_NO_FRAME)) {
        *base = hand_out(buddy, frame, order);
    }
    arch_irq_restore(token);
    return LIKELY(frame != BUDDY_NO_FRAME) ? K_OK : K_ENOMEM;
}

static uint64_t take_below(struct buddy_allocator *buddy, unsigned order, uint64_t limit)
{
    spinlock_lock(&buddy->lock);
    const uint64_t frame = buddy_core_take_below(buddy, order, limit);
    spinlock_unlock(&buddy->lock);
    return frame;
}

enum kstatus buddy_allocate_below(struct buddy_allocator *buddy, unsigned order, phys_addr_t limit,
                                  phys_addr_t *base)
{
    if (order > BUDDY_MAX_ORDER) {
        return K_EINVAL;
    }
    const uint64_t limit_frame = limit.value >> PAGE_SHIFT;
    const uint64_t token = arch_irq_save();
    uint64_t frame = take_below(buddy, order, limit_frame);
    if (frame == BUDDY_NO_FRAME) {
        buddy_cache_drain_all(buddy);
        frame = take_below(buddy, order, limit_frame);
    }
    if (frame != BUDDY_NO_FRAME) {
        *base = hand_out(buddy, frame, order);
    }
    arch_irq_restore(token);
    return frame != BUDDY_NO_FRAME ? K_OK : K_ENOMEM;
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

/* Ends the ownership of a block. @return false, nothing changed, where it is not one. */
static bool take_back(struct buddy_allocator *buddy, phys_addr_t base, unsigned order)
{
    if (UNLIKELY(order > BUDDY_MAX_ORDER || !bits_is_aligned(base.value, PAGE_SIZE << order) ||
                 base.value >= BIT(BUDDY_ADDRESS_BITS))) {
        return false;
    }
    uint8_t *const owner = buddy_find_owner(buddy, base.value >> PAGE_SHIFT, order);
    if (UNLIKELY(owner == NULL || *owner != order + 1U)) {
        return false;
    }
    *owner = TILE_OWNER_NONE;
    return true;
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

static inline enum kstatus free_block(struct buddy_allocator *buddy, phys_addr_t base,
                                      unsigned order, const void *caller)
{
    const uint64_t token = arch_irq_save();
    const bool is_good = take_back(buddy, base, order);
    if (LIKELY(is_good)) {
        poison(buddy, base, order, POISON_FREED);
        buddy_cache_give(buddy, base.value >> PAGE_SHIFT, order);
    }
    arch_irq_restore(token);
    if (LIKELY(is_good)) {
        return K_OK;
    }
    const uint64_t count = order < 64U ? BIT(order) : 0;
    return refuse(buddy, base, page_frame_count(count), caller);
}

enum kstatus buddy_free(struct buddy_allocator *buddy, phys_addr_t base, unsigned order)
{
    return free_block(buddy, base, order, __builtin_return_address(0));
}

struct page_frame_usage buddy_usage(struct buddy_allocator *buddy)
{
    const uint64_t token = spinlock_lock_irqsave(&buddy->lock);
    const uint64_t free_frames = buddy->core_free_frames + buddy_cache_frames(buddy);
    const uint64_t total_frames = buddy->total_frames;
    spinlock_unlock_irqrestore(&buddy->lock, token);
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

static const struct frame_allocator_ops operations = {
    .allocate = operation_allocate,
    .free = operation_free,
    .usage = operation_usage,
};

void buddy_init(struct buddy_allocator *buddy, uint32_t cpu_count)
{
    memset(buddy, 0, offsetof(struct buddy_allocator, caches));
    for (uint32_t cpu = 0; cpu < BUDDY_CPU_LIMIT; cpu++) {
        /* What is above a stack's top is never read. */
        memset(&buddy->caches[cpu], 0, offsetof(struct buddy_cpu_cache, slots));
    }
    buddy->allocator.ops = &operations;
    buddy->cpu_count = (uint32_t)bits_min(cpu_count, BUDDY_CPU_LIMIT);
}
