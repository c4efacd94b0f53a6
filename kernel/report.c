/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See report.h. One function per member of the object, in the order of design.md section 7. Reads
 * the bootinfo copy, mm_state() and the allocator's counters; changes nothing.
 */
#include "report.h"

#include <string.h>

#include "shared/mmap_names.h"

#include "bootinfo.h"
#include "measured_boot.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_audit.h"
#include "mm/mm_init.h"
#include "stages.h"

#define REPORT_SCHEMA 1U

static void write_build(struct json_writer *json, const struct bootinfo *info)
{
    const uint32_t size = info->build_id_size <= BOOTINFO_BUILD_ID_BYTES ? info->build_id_size : 0;
    json_member_hex(json, "build", info->build_id, size);
}

static void write_firmware(struct json_writer *json, const struct bootinfo *info)
{
    json_key(json, "firmware");
    json_begin_object(json);
    json_member_string(json, "vendor", (const char *)info->firmware_vendor);
    json_member_u64(json, "revision", info->firmware_revision);
    json_member_bool(json, "secure_boot", (info->flags & BOOTINFO_FLAG_SECURE_BOOT) != 0);
    json_end_object(json);
}

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

/* UEFI 2.10, 7.2.3: type, physical start, virtual start, pages, attribute; the stride may be
 * larger. Copied, because a stride need not keep 8-byte alignment. */
struct efi_descriptor {
    uint32_t type;
    uint32_t padding;
    uint64_t physical_start;
    uint64_t virtual_start;
    uint64_t pages;
    uint64_t attribute;
};
_Static_assert(sizeof(struct efi_descriptor) == 40, "UEFI 2.10, 7.2.3");

static void write_efi_map(struct json_writer *json, const struct bootinfo *info)
{
    json_key(json, "efi_map");
    json_begin_object(json);
    json_member_u64(json, "descriptors", info->efi_map.count);
    json_member_u64(json, "descriptor_size", info->efi_map.entry_size);
    json_member_u64(json, "descriptor_version", info->efi_descriptor_version);
    json_member_u64(json, "exit_attempts", info->exit_attempts);
    json_key(json, "entries");
    json_begin_array(json);
    for (uint32_t i = 0; i < info->efi_map.count; i++) {
        struct efi_descriptor d;
        memcpy(&d, bootinfo_efi_descriptor(info, i), sizeof(d));
        json_begin_array(json);
        json_u64(json, d.type);
        json_u64(json, d.physical_start);
        json_u64(json, d.pages);
        json_u64(json, d.attribute);
        json_end_array(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static void write_ledger(struct json_writer *json, const struct bootinfo *info)
{
    const struct bootinfo_ledger_entry *const ledger = bootinfo_ledger(info);
    json_key(json, "ledger");
    json_begin_array(json);
    for (uint32_t i = 0; i < info->ledger.count; i++) {
        json_begin_array(json);
        json_u64(json, ledger[i].base);
        json_u64(json, ledger[i].pages);
        json_u64(json, ledger[i].type);
        json_u64(json, ledger[i].lifetime);
        json_end_array(json);
    }
    json_end_array(json);
}

static void write_pins(struct json_writer *json, const struct bootinfo *info)
{
    const struct bootinfo_pin *const pins = bootinfo_pins(info);
    json_key(json, "pins");
    json_begin_array(json);
    for (uint32_t i = 0; i < info->pins.count; i++) {
        json_begin_array(json);
        json_u64(json, pins[i].base);
        json_u64(json, pins[i].pages);
        json_end_array(json);
    }
    json_end_array(json);
}

static void write_mmap(struct json_writer *json)
{
    const struct memory_map map = mm_memory_map();
    json_key(json, "mmap");
    json_begin_array(json);
    for (uint32_t i = 0; i < map.count; i++) {
        json_begin_object(json);
        json_member_u64(json, "base", map.entries[i].address);
        json_member_u64(json, "size", map.entries[i].length);
        json_member_u64(json, "type", map.entries[i].type);
        json_member_string(json, "reason", mmap_reason_name(map.reasons[i]));
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_repair(struct json_writer *json, const char *kind, uint64_t base, uint64_t size)
{
    json_begin_object(json);
    json_member_string(json, "kind", kind);
    json_member_u64(json, "base", base);
    json_member_u64(json, "size", size);
    json_end_object(json);
}

static void write_repairs(struct json_writer *json, const struct bootinfo *info)
{
    const struct mmap_repair *const repairs = bootinfo_repairs(info);
    json_key(json, "repairs");
    json_begin_array(json);
    for (uint32_t i = 0; i < info->repairs.count; i++) {
        write_repair(json, mmap_repair_name(repairs[i].kind), repairs[i].base, repairs[i].size);
    }
    if (mm_state()->dropped_bytes > 0) {
        write_repair(json, mmap_repair_name(MMAP_REPAIR_TOO_MANY_AREAS), 0,
                     mm_state()->dropped_bytes);
    }
    json_end_array(json);
}

static void write_accounting(struct json_writer *json)
{
    struct mm_books books;
    mm_read_books(&books);
    const struct memory_accounting *const c = &books.classes;
    json_key(json, "accounting");
    json_begin_object(json);
    json_member_u64(json, "firmware_ram", c->firmware_ram);
    json_member_u64(json, "usable", c->usable);
    json_member_u64(json, "kernel", c->kernel);
    json_member_u64(json, "loader", c->loader);
    json_member_u64(json, "low", c->low);
    json_member_u64(json, "acpi", c->acpi);
    json_member_u64(json, "nvs", c->nvs);
    json_member_u64(json, "reserved", c->reserved);
    json_member_u64(json, "bad", c->bad);
    json_member_u64(json, "dropped", c->dropped);
    json_end_object(json);
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
    json_begin_object(&json);
    json_member_u64(&json, "schema", REPORT_SCHEMA);
    json_member_string(&json, "version", facts->version);
    write_build(&json, info);
    if (facts->machine != NULL) {
        write_firmware(&json, info);
    }
    write_cpu(&json, facts);
    write_efi_map(&json, info);
    write_ledger(&json, info);
    write_pins(&json, info);
    write_mmap(&json);
    write_repairs(&json, info);
    write_accounting(&json);
    write_areas(&json);
    write_page_tables(&json, &audit);
    write_buddy(&json);
    write_nx(&json, facts);
    if (facts->machine != NULL) {
        measured_boot_report(&json, info);
        write_stages(&json);
    }
    json_end_object(&json);
    return audited && json_is_complete(&json);
}
