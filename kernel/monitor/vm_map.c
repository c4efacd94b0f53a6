/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See vm_map.h. No state.
 */
#include "monitor/vm_map.h"

#include <stdbool.h>

#include <arch/mmu.h>

#include "console.h"
#include "lib/format.h"
#include "mm/kernel_mapper.h"
#include "mm/mm_init.h"
#include "mm/page_walk.h"
#include "monitor/progress.h"

struct vm_range {
    uint64_t virt;
    uint64_t phys;
    uint64_t size_bytes; /* 0: none yet */
    page_flags_t flags;
};

static uint64_t leaf_bytes(const struct page_leaf *leaf)
{
    return PAGE_SIZE << (leaf->level - 1) * PAGE_ENTRY_SHIFT;
}

static bool same_flags(page_flags_t a, page_flags_t b)
{
    return a.write == b.write && a.execute == b.execute && a.user == b.user && a.cache == b.cache &&
           a.global == b.global;
}

static const char *place_name(uint64_t virt)
{
    const struct kernel_image *const image = &mm_state()->layout.image;
    if (virt >= MMIO_POOL_START && virt < MMIO_POOL_END) {
        return "MMIO pool";
    }
    if (virt >= image->code_start.value && virt < image->start_brk.value) {
        return "kernel image";
    }
    return virt < PHYS_OFFSET ? "user half" : "direct map";
}

static bool continues(const struct vm_range *range, const struct page_leaf *leaf)
{
    return range->size_bytes > 0 && leaf->virt.value == range->virt + range->size_bytes &&
           leaf->phys.value == range->phys + range->size_bytes &&
           same_flags(range->flags, leaf->flags) &&
           place_name(range->virt) == place_name(leaf->virt.value);
}

static void print_range(const struct vm_range *range)
{
    static const char *const caches[] = {
        [PAGE_CACHE_WRITE_BACK] = "wb",
        [PAGE_CACHE_WRITE_THROUGH] = "wt",
        [PAGE_CACHE_UNCACHED] = "uc",
        [PAGE_CACHE_WRITE_COMBINING] = "wc",
    };
    if (range->size_bytes == 0) {
        return;
    }
    console_printf(PRIvirt "-" PRIvirt " " PRIphys " %10" FMTu64 " KiB r%c%c%c %s %s\n",
                   range->virt, range->virt + range->size_bytes, range->phys,
                   range->size_bytes / 1024, range->flags.write ? 'w' : '-',
                   range->flags.execute ? 'x' : '-', range->flags.user ? 'u' : 's',
                   caches[range->flags.cache], place_name(range->virt));
}

static void print_ranges(struct progress *progress)
{
    struct vm_range range = { .size_bytes = 0 };
    struct page_leaf leaf;
    virt_addr_t from = virt_addr(0);
    uint64_t count = 0;
    while (page_walk_next(arch_table_root(), from, &leaf) == K_OK && progress_step(progress, 0)) {
        if (continues(&range, &leaf)) {
            range.size_bytes += leaf_bytes(&leaf);
        } else {
            progress_end(progress);
            print_range(&range);
            range = (struct vm_range){ leaf.virt.value, leaf.phys.value, leaf_bytes(&leaf),
                                       leaf.flags };
            count++;
        }
        if (page_walk_after(&leaf, &from) != K_OK) {
            break;
        }
    }
    progress_end(progress);
    print_range(&range);
    console_printf("%" FMTu64 " ranges\n", count);
}

void vm_map(const char *argument)
{
    (void)argument;
    struct progress progress;
    struct kernel_mapper_guard guard;
    progress_start(&progress, "vm map", 0, mm_bootinfo()->tsc_hz);
    kernel_mapper_lock(&guard);
    print_ranges(&progress);
    kernel_mapper_unlock(&guard);
}
