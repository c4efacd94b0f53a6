/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See mm_audit.h. The list of ranges that must be mapped has as many elements as the memory map:
 * it lives in page frames taken for the time of the walk.
 */
#include "mm/mm_audit.h"

#include <arch/physmap.h>

#include "mm/locked_frame_allocator.h"
#include "mm/memory_map.h"
#include "mm/mm_init.h"
#include "printk.h"

#define HOLE_MAX      (MM_GUARD_MAX + 1U)
#define LOGGED_LIMIT  16U
#define READ_ONLY_MAX 1U /* code and rodata touch: one run */
#define WINDOW_COUNT  2U

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

static uint32_t list_holes(const struct mm_state *state, struct phys_frame_range *holes)
{
    uint32_t count = 0;
    holes[count++] = frame_range(0, PAGE_SIZE);
    for (uint32_t i = 0; i < state->guard_count; i++) {
        const uint64_t guard = state->guards[i].value;
        uint32_t at = count++;
        while (at > 0 && holes[at - 1].first.value > guard / PAGE_SIZE) {
            holes[at] = holes[at - 1];
            at--;
        }
        holes[at] = frame_range(guard, guard + PAGE_SIZE);
    }
    return count;
}

static uint32_t list_read_only(const struct mm_state *state, struct phys_frame_range *ranges)
{
    const struct kernel_image *const image = &state->image;
    if (image->rodata_end.value == image->code_start.value) {
        return 0; /* no image: replay of a bare map */
    }
    ranges[0] =
        frame_range(image->code_start.value - PHYS_OFFSET, image->rodata_end.value - PHYS_OFFSET);
    return 1;
}

static void log_violation(void *context, enum page_audit_kind kind, virt_addr_t virt,
                          phys_addr_t phys)
{
    uint32_t *const logged = context;
    if (*logged < LOGGED_LIMIT) {
        pr_err("audit: %s at " PRIvirt " -> " PRIphys, page_audit_kind_name(kind), virt.value,
               phys.value);
    }
    (*logged)++;
}

static enum kstatus audit_with(struct phys_frame_range *mapped, const struct memory_map *map,
                               struct page_audit_report *report)
{
    const struct mm_state *const state = mm_state();
    struct audit_lists lists = {
        .windows = { { .start = { MMIO_POOL_START },
                       .size_bytes = MMIO_POOL_END - MMIO_POOL_START,
                       .kind = PAGE_AUDIT_WINDOW_DEVICE },
                     { .start = { 0 }, /* last: left out once it is gone */
                       .size_bytes = LOW_REMAP_END,
                       .kind = PAGE_AUDIT_WINDOW_IDENTITY } },
    };
    uint32_t logged = 0;
    const struct page_audit_expectation expectation = {
        .mapped = { .range = mapped, .count = list_mapped(map, mapped) },
        .holes = { .range = lists.holes, .count = list_holes(state, lists.holes) },
        .read_only = { .range = lists.read_only, .count = list_read_only(state, lists.read_only) },
        .windows = lists.windows,
        .window_count = state->low_is_mapped ? WINDOW_COUNT : WINDOW_COUNT - 1,
        .visit = log_violation,
        .context = &logged,
    };
    return page_audit(state->root, &state->features, &expectation, report);
}

enum kstatus mm_audit(struct page_audit_report *report)
{
    const struct memory_map map = mm_memory_map();
    const uint64_t bytes = (uint64_t)map.count * sizeof(struct phys_frame_range);
    const uint64_t frames = bits_align_up(bytes, PAGE_SIZE) / PAGE_SIZE;
    const page_frame_count_t count = { BIT(bits_log2_ceil(frames)) };
    phys_addr_t base;
    enum kstatus status = allocate_page_frames(count, &base);
    if (status != K_OK) {
        return status;
    }
    status = audit_with(physmap_ptr(base, page_frame_count_bytes(count)), &map, report);
    deallocate_page_frames(base, count);
    return status;
}

bool mm_check_audit(struct page_audit_report *report)
{
    const enum kstatus status = mm_audit(report);
    if (status != K_OK) {
        pr_err("audit: could not walk the page tables: %s", kstatus_name(status));
        return false;
    }
    const bool ok = report->violation_count == 0;
    printk(ok ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
           "audit: %" FMTu64 " tables, leaves %" FMTu64 " x 4K + %" FMTu64 " x 2M + %" FMTu64
           " x 1G, %" FMTu64 " writable+executable, %" FMTu64 " violations",
           report->table_frames, report->leaves_4k, report->leaves_2m, report->leaves_1g,
           report->writable_executable, report->violation_count);
    return ok;
}
