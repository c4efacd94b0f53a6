/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See kernel_mapper.h. Kernel and host.
 */
#include "mm/kernel_mapper.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/cpu.h>

#include "panic.h"

#define NO_OWNER 0U

/* `mapper` is written under ownership only; `owner` is the CPU's number + 1. Static storage starts
 * without an owner. */
static struct {
    bool ready;
    struct paging_features features;
    struct page_mapper mapper;
    _Atomic uint32_t owner;
    _Atomic uint32_t nested; /* read-only guards of the owner */
} state;

void kernel_mapper_init(phys_addr_t root, struct frame_allocator *frames,
                        const struct paging_features *features)
{
    BUG_ON(state.ready);
    state.features = *features;
    page_mapper_open(&state.mapper, root, frames, &state.features);
    state.mapper.top_level_fixed = true;
    state.ready = true;
}

void kernel_mapper_reset(void)
{
    state.ready = false;
    atomic_store(&state.owner, NO_OWNER);
    atomic_store(&state.nested, 0);
}

/* Acquire pairs with the release in kernel_mapper_unlock(): this CPU sees the last owner's tables.
 */
static bool try_to_own(uint32_t me)
{
    uint32_t expected = NO_OWNER;
    return atomic_compare_exchange_strong_explicit(&state.owner, &expected, me,
                                                   memory_order_acquire, memory_order_relaxed);
}

/* Only this CPU ever stores its own number, so reading it back means that this CPU is the owner,
 * whatever an interrupt does in between. */
void kernel_mapper_lock(struct kernel_mapper_guard *guard)
{
    BUG_ON(!state.ready);
    const uint32_t me = arch_cpu_number() + 1;
    guard->held = true;
    guard->read_only = atomic_load_explicit(&state.owner, memory_order_relaxed) == me;
    if (guard->read_only) {
        (void)atomic_fetch_add_explicit(&state.nested, 1, memory_order_relaxed);
        return;
    }
    while (!try_to_own(me)) {
        arch_cpu_relax();
    }
}

void kernel_mapper_unlock(struct kernel_mapper_guard *guard)
{
    BUG_ON(!guard->held);
    BUG_ON(atomic_load_explicit(&state.owner, memory_order_relaxed) != arch_cpu_number() + 1);
    guard->held = false;
    if (guard->read_only) {
        (void)atomic_fetch_sub_explicit(&state.nested, 1, memory_order_relaxed);
        return;
    }
    BUG_ON(atomic_load_explicit(&state.nested, memory_order_relaxed) != 0);
    atomic_store_explicit(&state.owner, NO_OWNER, memory_order_release);
}

const struct page_mapper *kernel_mapper_as_ref(const struct kernel_mapper_guard *guard)
{
    BUG_ON(!guard->held);
    return &state.mapper;
}

struct page_mapper *kernel_mapper_as_mut(const struct kernel_mapper_guard *guard)
{
    BUG_ON(!guard->held);
    return guard->read_only ? NULL : &state.mapper;
}

enum kstatus kernel_mapper_map_phys_with_size(const struct kernel_mapper_guard *guard,
                                              const struct page_mapping *request, bool flush)
{
    struct page_mapper *const mapper = kernel_mapper_as_mut(guard);
    if (mapper == NULL) {
        return K_EAGAIN;
    }
    struct page_mapping rounded = *request;
    if (!bits_align_up_checked(request->size_bytes, PAGE_SIZE, &rounded.size_bytes)) {
        return K_EINVAL;
    }
    struct page_flush token;
    const enum kstatus status = page_mapper_map_range(mapper, &rounded, &token);
    if (status != K_OK) {
        return status;
    }
    if (flush) {
        page_flush_flush(&token);
    } else {
        page_flush_ignore(&token);
    }
    return K_OK;
}
