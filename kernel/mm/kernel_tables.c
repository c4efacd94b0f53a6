/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See kernel_tables.h. What is built and what the audit expects come from the same map and layout,
 * but not from the same lists: an exception that is forgotten, or wrong, is found.
 */
#include "mm/kernel_tables.h"

#include "arch/x86_64/low_remap.h"
#include "mm/direct_map.h"

/* page 0, guards, and the kernel's code and rodata */
#define EXCEPTION_MAX (KERNEL_GUARDS_MAX + 3U)
#define HOLE_MAX      (KERNEL_GUARDS_MAX + 1U)
#define READ_ONLY_MAX 1U /* code and rodata touch: one run */
#define WINDOW_COUNT  2U

/* ---- building ------------------------------------------------------------------------------- */

static uint32_t insert_exception(struct direct_map_exception *list, uint32_t count,
                                 struct direct_map_exception item)
{
    uint32_t at = count;
    while (at > 0 && list[at - 1].start > item.start) {
        list[at] = list[at - 1];
        at--;
    }
    list[at] = item;
    return count + 1;
}

static struct direct_map_exception segment_exception(const struct kernel_image *image,
                                                     virt_addr_t start, virt_addr_t end)
{
    return (struct direct_map_exception){
        .start = start.value - PHYS_OFFSET,
        .end = end.value - PHYS_OFFSET,
        .flags = kernel_page_flags(image, start),
    };
}

static struct direct_map_exception hole_exception(uint64_t frame_address)
{
    return (struct direct_map_exception){
        .start = frame_address,
        .end = frame_address + PAGE_SIZE,
        .is_hole = true,
    };
}

/* Page 0, the guard frames and the image's read-only segments, sorted. */
static uint32_t list_exceptions(const struct kernel_layout *layout,
                                struct direct_map_exception *list)
{
    const struct kernel_image *const image = &layout->image;
    uint32_t count = insert_exception(list, 0, hole_exception(0));
    if (image->code_end.value > image->code_start.value) {
        count = insert_exception(list, count,
                                 segment_exception(image, image->code_start, image->code_end));
    }
    if (image->rodata_end.value > image->code_end.value) {
        count = insert_exception(list, count,
                                 segment_exception(image, image->code_end, image->rodata_end));
    }
    for (uint32_t i = 0; i < layout->guard_count; i++) {
        count = insert_exception(list, count, hole_exception(layout->guards[i].value));
    }
    return count;
}

/* The kernel half's second-level tables are made now, so that user tables, which copy the top
 * level, never miss one (S86). The direct map's exist once its memory is mapped. */
static enum kstatus make_mmio_tables(struct page_mapper *mapper)
{
    return page_mapper_make_second_level(mapper, virt_addr(MMIO_POOL_START),
                                         MMIO_POOL_END - MMIO_POOL_START);
}

enum kstatus kernel_tables_build(struct page_mapper *mapper, const struct memory_map *map,
                                 const struct kernel_layout *layout)
{
    struct direct_map_exception exceptions[EXCEPTION_MAX];
    const uint32_t count = list_exceptions(layout, exceptions);
    enum kstatus status = direct_map_build(mapper, map, exceptions, count);
    if (status == K_OK) {
        status = make_mmio_tables(mapper);
    }
    return status == K_OK ? remap_at_low_address(mapper, map, &layout->image) : status;
}

/* ---- audit ---------------------------------------------------------------------------------- */

/* Everything that page_audit() is told, in one place. */
struct audit_lists {
    struct phys_frame_range holes[HOLE_MAX];
    struct phys_frame_range read_only[READ_ONLY_MAX];
    struct page_audit_window windows[WINDOW_COUNT];
};

static struct phys_frame_range frame_range(uint64_t start, uint64_t end)
{
    return (struct phys_frame_range){
        .first = phys_frame_of(phys_addr(start)),
        .count = { (end - start) / PAGE_SIZE },
    };
}

/* Whole pages of every entry in the direct map; a page that two entries share counts once. */
static uint32_t list_mapped(const struct memory_map *map, struct phys_frame_range *ranges)
{
    uint32_t count = 0;
    uint64_t done = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        const struct multiboot2_mmap_entry *const entry = &map->entries[i];
        if (!memory_map_type_is_mapped(entry->type)) {
            continue;
        }
        const uint64_t start = bits_max(bits_align_down(entry->address, PAGE_SIZE), done);
        const uint64_t end = bits_align_up(entry->address + entry->length, PAGE_SIZE);
        if (end > start) {
            ranges[count++] = frame_range(start, end);
            done = end;
        }
    }
    return count;
}

static uint32_t list_holes(const struct kernel_layout *layout, struct phys_frame_range *holes)
{
    uint32_t count = 0;
    holes[count++] = frame_range(0, PAGE_SIZE);
    for (uint32_t i = 0; i < layout->guard_count; i++) {
        const uint64_t guard = layout->guards[i].value;
        uint32_t at = count++;
        while (at > 0 && holes[at - 1].first.value > guard / PAGE_SIZE) {
            holes[at] = holes[at - 1];
            at--;
        }
        holes[at] = frame_range(guard, guard + PAGE_SIZE);
    }
    return count;
}

static uint32_t list_read_only(const struct kernel_image *image, struct phys_frame_range *ranges)
{
    if (image->rodata_end.value == image->code_start.value) {
        return 0; /* no image: replay of a bare map */
    }
    ranges[0] =
        frame_range(image->code_start.value - PHYS_OFFSET, image->rodata_end.value - PHYS_OFFSET);
    return 1;
}

enum kstatus kernel_tables_audit(const struct kernel_tables_audit *audit,
                                 struct page_audit_report *report)
{
    const struct kernel_layout *const layout = audit->layout;
    struct audit_lists lists = {
        .windows = { { .start = { MMIO_POOL_START },
                       .size_bytes = MMIO_POOL_END - MMIO_POOL_START,
                       .kind = PAGE_AUDIT_WINDOW_DEVICE },
                     { .start = { 0 }, /* last: left out once it is gone */
                       .size_bytes = LOW_REMAP_END,
                       .kind = PAGE_AUDIT_WINDOW_IDENTITY } },
    };
    const struct page_audit_expectation expectation = {
        .mapped = { .range = audit->ranges, .count = list_mapped(audit->map, audit->ranges) },
        .holes = { .range = lists.holes, .count = list_holes(layout, lists.holes) },
        .read_only = { .range = lists.read_only,
                       .count = list_read_only(&layout->image, lists.read_only) },
        .windows = lists.windows,
        .window_count = audit->low_is_mapped ? WINDOW_COUNT : WINDOW_COUNT - 1,
        .visit = audit->visit,
        .context = audit->context,
    };
    return page_audit(audit->root, audit->features, &expectation, report);
}
