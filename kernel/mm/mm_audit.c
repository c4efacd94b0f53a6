/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See mm_audit.h. The list of ranges that must be mapped has as many elements as the memory map:
 * it lives in page frames taken for the time of the walk.
 */
#include "mm/mm_audit.h"

#include <arch/physmap.h>

#include "mm/kernel_tables.h"
#include "mm/locked_frame_allocator.h"
#include "mm/memory_map.h"
#include "mm/mm_init.h"
#include "printk.h"

#define LOGGED_LIMIT 16U

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

static enum kstatus audit_with(struct phys_frame_range *ranges, const struct memory_map *map,
                               struct page_audit_report *report)
{
    const struct mm_state *const state = mm_state();
    uint32_t logged = 0;
    const struct kernel_tables_audit audit = {
        .root = state->root,
        .features = &state->features,
        .map = map,
        .layout = &state->layout,
        .low_is_mapped = state->low_is_mapped,
        .ranges = ranges,
        .visit = log_violation,
        .context = &logged,
    };
    return kernel_tables_audit(&audit, report);
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
