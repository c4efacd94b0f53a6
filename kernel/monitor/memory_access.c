/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See memory_access.h.
 */
#include "monitor/memory_access.h"

#include <arch/mmu.h>
#include <arch/safe_access.h>

#include "mm/kernel_mapper.h"
#include "mm/mm_init.h"
#include "mm/mmio_pool.h"
#include "mm/page_walk.h"

/* How [phys, phys + width_bytes) can be reached. The guard is released after the access. */
struct route {
    virt_addr_t virt;
    struct mmio_guard guard; /* with a pool: made for this access */
};

static bool is_mapped(virt_addr_t virt)
{
    struct page_path path;
    struct page_leaf leaf;
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    const bool mapped = page_walk_path(arch_table_root(), virt, &path) == K_OK &&
                        page_walk_leaf(&path, &leaf) == K_OK;
    kernel_mapper_unlock(&guard);
    return mapped;
}

static bool in_direct_map(uint64_t first, uint64_t last)
{
    return last < DIRECT_MAP_SIZE && is_mapped(virt_addr(PHYS_OFFSET + first)) &&
           is_mapped(virt_addr(PHYS_OFFSET + last));
}

static enum kstatus map_device(uint64_t first, uint64_t last, struct route *route)
{
    const uint64_t page = first & PAGE_MASK;
    const uint64_t size_bytes = (last & PAGE_MASK) + PAGE_SIZE - page;
    enum kstatus status = create_mmio(size_bytes, &route->guard);
    if (status != K_OK) {
        return status;
    }
    status = mmio_guard_map_phys(&route->guard, phys_addr(page), size_bytes, PAGE_CACHE_UNCACHED);
    if (status != K_OK) {
        kstatus_ignore(mmio_guard_release(&route->guard)); /* nothing is mapped: cannot fail */
        return status;
    }
    route->virt = virt_add(route->guard.virt, first - page);
    return K_OK;
}

static enum kstatus open_route(const struct monitor_address *address, unsigned width_bytes,
                               struct route *route)
{
    uint64_t last;
    *route = (struct route){ .virt = virt_addr(address->value) };
    if (!address->physical) {
        return K_OK;
    }
    if (__builtin_add_overflow(address->value, width_bytes - 1, &last) ||
        last >> mm_bootinfo()->phys_bits != 0) {
        return K_ERANGE;
    }
    if (in_direct_map(address->value, last)) {
        route->virt = virt_addr(PHYS_OFFSET + address->value);
        return K_OK;
    }
    return map_device(address->value, last, route);
}

static void close_route(struct route *route)
{
    if (route->guard.pool != NULL) {
        kstatus_ignore(mmio_guard_release(&route->guard)); /* EAGAIN: leaks one page of space */
    }
}

enum kstatus memory_read(const struct monitor_address *address, unsigned width_bytes,
                         uint64_t *value)
{
    struct route route;
    enum kstatus status = open_route(address, width_bytes, &route);
    if (status == K_OK) {
        status = arch_safe_load(route.virt, width_bytes, value);
        close_route(&route);
    }
    return status;
}

enum kstatus memory_write(const struct monitor_address *address, unsigned width_bytes,
                          uint64_t value)
{
    struct route route;
    enum kstatus status = open_route(address, width_bytes, &route);
    if (status == K_OK) {
        status = arch_safe_store(route.virt, width_bytes, value);
        close_route(&route);
    }
    return status;
}

const char *memory_access_error(enum kstatus status)
{
    switch ((int)status) { /* the others have their name alone */
    case K_EFAULT:
        return "not mapped, or mapped without that right";
    case K_ERANGE:
        return "the CPU has no such physical address";
    default:
        return kstatus_name(status);
    }
}
