/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See low_remap.h. No state. Kernel, loader and host.
 */
#include "low_remap.h"

#include "mm/page_flush.h"

/* Identity-maps [start, end), which is empty where start >= end. */
static enum kstatus map_identity(struct page_mapper *mapper, uint64_t start, uint64_t end)
{
    if (start >= end) {
        return K_OK;
    }
    const struct page_mapping request = {
        .virt = virt_addr(start),
        .phys = phys_addr(start),
        .size_bytes = end - start,
        .flags = page_flags_set_write(page_flags_new(), true),
    };
    struct page_flush flush;
    const enum kstatus status = page_mapper_map_range(mapper, &request, &flush);
    if (status == K_OK) {
        page_flush_ignore(&flush); /* nothing was mapped here before */
    }
    return status;
}

/* [start, end) less the image. */
static enum kstatus map_around_image(struct page_mapper *mapper, uint64_t start, uint64_t end,
                                     const struct kernel_image *image)
{
    const uint64_t image_start = image->code_start.value - PHYS_OFFSET;
    const uint64_t image_end = image->start_brk.value - PHYS_OFFSET;
    if (image_start >= image_end) {
        return map_identity(mapper, start, end); /* no image: replay of a bare map */
    }
    const enum kstatus status = map_identity(mapper, start, bits_min(end, image_start));
    return status != K_OK ? status : map_identity(mapper, bits_max(start, image_end), end);
}

static enum kstatus map_entries(struct page_mapper *mapper, const struct memory_map *map,
                                const struct kernel_image *image)
{
    uint64_t done = PAGE_SIZE; /* page 0 is never mapped; entries may share a page (e820) */
    for (uint32_t i = 0; i < map->count && map->entries[i].address < LOW_REMAP_END; i++) {
        const struct multiboot2_mmap_entry *const entry = &map->entries[i];
        if (!memory_map_type_is_mapped(entry->type) || entry->type == MMAP_KERNEL) {
            continue;
        }
        const uint64_t start = bits_max(bits_align_down(entry->address, PAGE_SIZE), done);
        const uint64_t end =
            bits_align_up(bits_min(entry->address + entry->length, LOW_REMAP_END), PAGE_SIZE);
        const enum kstatus status = map_around_image(mapper, start, end, image);
        if (status != K_OK) {
            return status;
        }
        done = bits_max(done, end);
    }
    return K_OK;
}

enum kstatus unmap_at_low_address(struct page_mapper *mapper, bool flush)
{
    struct page_flush token;
    const enum kstatus status =
        page_mapper_unmap_range(mapper, virt_addr(0), LOW_REMAP_END, true, &token);
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

enum kstatus remap_at_low_address(struct page_mapper *mapper, const struct memory_map *map,
                                  const struct kernel_image *image)
{
    const enum kstatus status = map_entries(mapper, map, image);
    if (status != K_OK) {
        /* Its ends are no ends inside a leaf, so this splits nothing and cannot fail. */
        kstatus_ignore(unmap_at_low_address(mapper, false));
    }
    return status;
}
