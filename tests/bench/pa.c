/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See pa.h: the kernel's buddy allocator behind a benchmark harness's interface. Part of
 * build/host/libmm.a; host only.
 */
#include "tests/bench/pa.h"

#include <arch/physmap.h>

#include "mm/buddy_allocator.h"

/* A run of a few frames may not hold its own metadata: it is added once larger ones are there. */
#define SMALL_REGION_BYTES SIZE_2M

static size_t own_bytes; /* of pa_memory, where it is not the harness's */
static struct buddy_allocator buddy;
static struct buddy_cpu_cache caches[BUDDY_CPU_LIMIT];

static uint64_t region_end(const region_t *region)
{
    return bits_align_down(region->base + region->size, PAGE_SIZE);
}

static void open_memory(const region_t *regions, int count)
{
    own_bytes = 0;
    pa_memory = arena;
    if (arena != NULL) {
        return;
    }
    for (int i = 0; i < count; i++) {
        own_bytes = bits_max(own_bytes, region_end(&regions[i]));
    }
    pa_memory = vmap(own_bytes);
}

static bool add_regions(const region_t *regions, int count, bool small_ones)
{
    for (int i = 0; i < count; i++) {
        const uint64_t base = bits_align_up(regions[i].base, PAGE_SIZE);
        const uint64_t end = region_end(&regions[i]);
        const bool is_small = regions[i].size < SMALL_REGION_BYTES;
        if (base >= end || is_small != small_ones) {
            continue;
        }
        const page_frame_count_t frames = { (end - base) >> PAGE_SHIFT };
        if (buddy_add_region(&buddy, phys_addr(base), frames) != K_OK) {
            return false;
        }
    }
    return true;
}

const char *pa_name(void)
{
    return "firstlight";
}

int pa_max_order(void)
{
    return BUDDY_MAX_ORDER;
}

int pa_needs_arena(void)
{
    return 1; /* metadata lives in the regions */
}

int pa_init(const region_t *r, int n, int ncpu)
{
    open_memory(r, n);
    buddy_init(&buddy, caches, (uint32_t)ncpu); /* at least 1 */
    return add_regions(r, n, false) && add_regions(r, n, true) ? 0 : -1;
}

void pa_fini(void)
{
    if (own_bytes != 0) {
        vunmap(pa_memory, own_bytes);
    }
    own_bytes = 0;
}

uint64_t pa_alloc(int order)
{
    phys_addr_t base;
    return LIKELY(buddy_allocate(&buddy, (unsigned)order, &base) == K_OK) ? base.value : PA_FAIL;
}

int pa_free(uint64_t paddr, int order)
{
    return LIKELY(buddy_free(&buddy, phys_addr(paddr), (unsigned)order) == K_OK) ? 0 : -1;
}

uint64_t pa_free_pages(void)
{
    return buddy_usage(&buddy).free.value;
}

size_t pa_meta(void)
{
    return buddy_statistics(&buddy).metadata_frames << PAGE_SHIFT;
}
