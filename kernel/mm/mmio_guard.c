/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The kernel's MMIO pool and the guards: blocks of a pool (mmio_pool.c) with device memory mapped
 * in them. See mmio_pool.h. State: the kernel's one pool. Kernel and host.
 */
#include <stddef.h>

#include "mm/kernel_mapper.h"
#include "mm/mmio_pool.h"
#include "panic.h"

/* The kernel's pool; `frames` is NULL until mmio_init(). */
static struct mmio_pool kernel_pool;

enum kstatus mmio_init(struct frame_allocator *frames)
{
    BUG_ON(kernel_pool.frames != NULL);
    mmio_pool_init(&kernel_pool, frames);
    return K_OK;
}

void mmio_reset(void)
{
    kernel_pool.frames = NULL;
}

struct mmio_pool *mmio_pool(void)
{
    BUG_ON(kernel_pool.frames == NULL);
    return &kernel_pool;
}

/* ---- guards ------------------------------------------------------------------------------------
 */

enum kstatus mmio_pool_create(struct mmio_pool *pool, uint64_t size_bytes, struct mmio_guard *guard)
{
    virt_addr_t virt;
    const enum kstatus status = mmio_pool_take(pool, size_bytes, &virt);
    if (status == K_OK) {
        *guard = (struct mmio_guard){
            .pool = pool,
            .virt = virt,
            .size_bytes = mmio_block_bytes(size_bytes),
        };
    }
    return status;
}

enum kstatus create_mmio(uint64_t size_bytes, struct mmio_guard *guard)
{
    return mmio_pool_create(mmio_pool(), size_bytes, guard);
}

enum kstatus mmio_guard_map_phys(struct mmio_guard *guard, phys_addr_t phys, uint64_t length_bytes,
                                 enum page_cache cache)
{
    if (guard->pool == NULL) {
        return K_ENOENT;
    }
    if (guard->mapped_bytes != 0) {
        return K_EBUSY;
    }
    if (length_bytes == 0 || length_bytes > guard->size_bytes) {
        return K_EINVAL;
    }
    const page_flags_t flags = page_flags_set_cache(page_flags_mmio(), cache);
    const struct page_mapping request = {
        .virt = guard->virt,
        .phys = phys,
        .size_bytes = length_bytes,
        .flags = page_flags_set_global(flags, true), /* every address space has the pool */
    };
    struct kernel_mapper_guard mapper;
    kernel_mapper_lock(&mapper);
    const enum kstatus status = kernel_mapper_map_phys_with_size(&mapper, &request, true);
    kernel_mapper_unlock(&mapper);
    if (status == K_OK) {
        guard->mapped_bytes = bits_align_up(length_bytes, PAGE_SIZE);
    }
    return status;
}

static enum kstatus unmap_guard(const struct mmio_guard *guard)
{
    struct kernel_mapper_guard mapper;
    struct page_flush flush;
    enum kstatus status = K_EAGAIN;
    kernel_mapper_lock(&mapper);
    struct page_mapper *const tables = kernel_mapper_as_mut(&mapper);
    if (tables != NULL) {
        status = page_mapper_unmap_range(tables, guard->virt, guard->mapped_bytes, true, &flush);
    }
    if (status == K_OK) {
        page_flush_flush(&flush);
    }
    kernel_mapper_unlock(&mapper);
    return status;
}

enum kstatus mmio_guard_release(struct mmio_guard *guard)
{
    if (guard->pool == NULL) {
        return K_ENOENT;
    }
    enum kstatus status = guard->mapped_bytes == 0 ? K_OK : unmap_guard(guard);
    if (status != K_OK) {
        return status;
    }
    guard->mapped_bytes = 0;
    status = mmio_pool_give_back(guard->pool, guard->virt, guard->size_bytes);
    guard->pool = NULL;
    return status;
}
