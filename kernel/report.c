/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See report.h. One function per member of the object that only the kernel has; the others are
 * report_parts.c's. Reads the bootinfo copy, mm_state() and the allocator's counters; changes
 * nothing.
 */
#include "report.h"

#include "bootinfo.h"
#include "measured_boot.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_audit.h"
#include "mm/mm_init.h"
#include "report_parts.h"
#include "stages.h"

static void write_cpu(struct json_writer *json, const struct report_facts *facts)
{
    const struct paging_features *const features = &mm_state()->features;
    json_key(json, "cpu");
    json_begin_object(json);
    if (facts->machine != NULL) {
        json_member_string(json, "vendor", facts->machine->cpu_vendor);
    }
    json_member_bool(json, "nx", facts->cpu_has_nx);
    json_member_bool(json, "pdpe1gb", features->pages_1g);
    json_member_u64(json, "phys_bits", features->phys_bits);
    if (facts->machine != NULL) {
        json_member_u64(json, "cpus", facts->machine->cpus);
    }
    json_member_u64(json, "tsc_hz", facts->tsc_hz);
    json_end_object(json);
}

static void write_efi_map(struct json_writer *json, const struct bootinfo *info)
{
    const struct report_efi_map map = {
        .descriptors = info->efi_map.count > 0 ? bootinfo_efi_descriptor(info, 0) : NULL,
        .count = info->efi_map.count,
        .stride_bytes = info->efi_map.entry_size,
        .version = info->efi_descriptor_version,
        .exit_attempts = info->exit_attempts,
    };
    report_efi_map(json, &map);
}

static void write_map(struct json_writer *json, const struct bootinfo *info)
{
    const struct memory_map map = mm_memory_map();
    struct mm_books books;
    mm_read_books(&books);
    report_ledger(json, bootinfo_ledger(info), info->ledger.count);
    report_pins(json, bootinfo_pins(info), info->pins.count);
    report_mmap(json, &map);
    report_repairs(json, bootinfo_repairs(info), info->repairs.count, mm_state()->dropped_bytes);
    report_accounting(json, &books.classes);
}

static void write_areas(struct json_writer *json)
{
    const struct phys_memory_areas *const areas = &mm_state()->areas;
    json_key(json, "areas");
    json_begin_array(json);
    for (uint32_t i = 0; i < areas->count; i++) {
        json_begin_object(json);
        json_member_u64(json, "base", areas->area[i].base.value);
        json_member_u64(json, "size", areas->area[i].size_bytes);
        json_end_object(json);
    }
    json_end_array(json);
    json_key(json, "bump");
    json_begin_object(json);
    json_member_u64(json, "start", mm_state()->bump_start.value);
    json_member_u64(json, "used_frames", mm_state()->bump_used.value);
    json_end_object(json);
}

static void write_page_tables(struct json_writer *json, const struct page_audit_report *audit)
{
    json_key(json, "page_tables");
    json_begin_object(json);
    json_member_u64(json, "root", mm_state()->root.value);
    json_member_u64(json, "frames", mm_state()->page_tables.value);
    json_member_u64(json, "leaves_4k", audit->leaves_4k);
    json_member_u64(json, "leaves_2m", audit->leaves_2m);
    json_member_u64(json, "leaves_1g", audit->leaves_1g);
    json_member_u64(json, "writable_executable", audit->writable_executable);
    json_member_u64(json, "violations", audit->violation_count);
    json_end_object(json);
}

static void write_buddy(struct json_writer *json)
{
    const struct buddy_statistics statistics = buddy_statistics(locked_frame_allocator_inner());
    json_key(json, "buddy");
    json_begin_object(json);
    json_member_u64(json, "total_frames", statistics.total_frames);
    json_member_u64(json, "free_frames", statistics.free_frames);
    json_member_u64(json, "allocated_frames", statistics.allocated_frames);
    json_member_u64(json, "metadata_bytes", statistics.metadata_frames * PAGE_SIZE);
    json_member_u64(json, "bring_up_ticks", mm_state()->allocator_ticks);
    json_member_u64(json, "bring_up_touched_bytes", mm_state()->allocator_touched);
    json_key(json, "free_blocks");
    json_begin_array(json);
    for (uint32_t order = 0; order < BUDDY_ORDER_COUNT; order++) {
        json_u64(json, statistics.free_blocks[order]);
    }
    json_end_array(json);
    json_end_object(json);
}

static void write_nx(struct json_writer *json, const struct report_facts *facts)
{
    json_key(json, "nx");
    json_begin_object(json);
    json_member_bool(json, "cpu", facts->cpu_has_nx);
    json_member_bool(json, "efer_nxe", facts->efer_nxe);
    json_member_bool(json, "xd_reserved", facts->xd_reserved);
    json_end_object(json);
}

static void write_stages(struct json_writer *json)
{
    uint32_t count;
    const struct stage *const stages = stages_list(&count);
    json_key(json, "stages");
    json_begin_array(json);
    for (uint32_t i = 0; i < count; i++) {
        json_begin_object(json);
        json_member_string(json, "name", stages[i].name);
        json_member_u64(json, "tsc", stages[i].tsc);
        json_end_object(json);
    }
    json_end_array(json);
}

bool report_write(const struct report_facts *facts, json_put put, void *context)
{
    const struct bootinfo *const info = mm_bootinfo();
    struct page_audit_report audit = { 0 };
    struct json_writer json;
    /* Before the first byte: it logs what it finds, and the report is one line. */
    const bool audited = mm_audit(&audit) == K_OK;
    json_init(&json, put, context);
    report_begin(&json, facts->version, info);
    if (facts->machine != NULL) {
        report_firmware(&json, info);
    }
    write_cpu(&json, facts);
    write_efi_map(&json, info);
    write_map(&json, info);
    write_areas(&json);
    write_page_tables(&json, &audit);
    write_buddy(&json);
    write_nx(&json, facts);
    if (facts->machine != NULL) {
        measured_boot_report(&json, info);
        report_last_boot(&json, &facts->machine->last_boot);
        write_stages(&json);
    }
    json_end_object(&json);
    return audited && json_is_complete(&json);
}
