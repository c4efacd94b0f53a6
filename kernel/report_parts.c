/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See report_parts.h. One function per member, in the order of design.md section 7. Stateless.
 */
#include "report_parts.h"

#include "shared/mmap_names.h"

#include "black_box_record.h"
#include "lib/string.h"

static void write_build(struct json_writer *json, const struct bootinfo *info)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * BOOTINFO_BUILD_ID_BYTES];
    const uint32_t size = info->build_id_size <= BOOTINFO_BUILD_ID_BYTES ? info->build_id_size : 0;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[info->build_id[i] >> 4];
        text[2 * i + 1] = digits[info->build_id[i] & 15U];
    }
    json_key(json, "build");
    json_string_bytes(json, text, 2 * (size_t)size);
}

void report_begin(struct json_writer *json, const char *version, const struct bootinfo *info)
{
    json_begin_object(json);
    json_member_u64(json, "schema", REPORT_SCHEMA);
    json_member_string(json, "version", version);
    write_build(json, info);
}

void report_firmware(struct json_writer *json, const struct bootinfo *info)
{
    json_key(json, "firmware");
    json_begin_object(json);
    json_member_string(json, "vendor", (const char *)info->firmware_vendor);
    json_member_u64(json, "revision", info->firmware_revision);
    json_member_bool(json, "secure_boot", (info->flags & BOOTINFO_FLAG_SECURE_BOOT) != 0);
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

void report_efi_map(struct json_writer *json, const struct report_efi_map *map)
{
    json_key(json, "efi_map");
    json_begin_object(json);
    json_member_u64(json, "descriptors", map->count);
    json_member_u64(json, "descriptor_size", map->stride_bytes);
    json_member_u64(json, "descriptor_version", map->version);
    json_member_u64(json, "exit_attempts", map->exit_attempts);
    json_key(json, "entries");
    json_begin_array(json);
    for (uint64_t i = 0; i < map->count; i++) {
        struct efi_descriptor d;
        memcpy(&d, (const uint8_t *)map->descriptors + i * map->stride_bytes, sizeof(d));
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

void report_ledger(struct json_writer *json, const struct bootinfo_ledger_entry *ledger,
                   uint32_t count)
{
    json_key(json, "ledger");
    json_begin_array(json);
    for (uint32_t i = 0; i < count; i++) {
        json_begin_array(json);
        json_u64(json, ledger[i].base);
        json_u64(json, ledger[i].pages);
        json_u64(json, ledger[i].type);
        json_u64(json, ledger[i].lifetime);
        json_end_array(json);
    }
    json_end_array(json);
}

void report_pins(struct json_writer *json, const struct bootinfo_pin *pins, uint32_t count)
{
    json_key(json, "pins");
    json_begin_array(json);
    for (uint32_t i = 0; i < count; i++) {
        json_begin_array(json);
        json_u64(json, pins[i].base);
        json_u64(json, pins[i].pages);
        json_end_array(json);
    }
    json_end_array(json);
}

void report_mmap(struct json_writer *json, const struct memory_map *map)
{
    json_key(json, "mmap");
    json_begin_array(json);
    for (uint32_t i = 0; i < map->count; i++) {
        json_begin_object(json);
        json_member_u64(json, "base", map->entries[i].address);
        json_member_u64(json, "size", map->entries[i].length);
        json_member_u64(json, "type", map->entries[i].type);
        json_member_string(json, "reason", mmap_reason_name(map->reasons[i]));
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

void report_repairs(struct json_writer *json, const struct mmap_repair *repairs, uint32_t count,
                    uint64_t dropped_bytes)
{
    json_key(json, "repairs");
    json_begin_array(json);
    for (uint32_t i = 0; i < count; i++) {
        write_repair(json, mmap_repair_name(repairs[i].kind), repairs[i].base, repairs[i].size);
    }
    if (dropped_bytes > 0) {
        write_repair(json, mmap_repair_name(MMAP_REPAIR_TOO_MANY_AREAS), 0, dropped_bytes);
    }
    json_end_array(json);
}

void report_accounting(struct json_writer *json, const struct memory_accounting *sums)
{
    json_key(json, "accounting");
    json_begin_object(json);
    json_member_u64(json, "firmware_ram", sums->firmware_ram);
    json_member_u64(json, "usable", sums->usable);
    json_member_u64(json, "kernel", sums->kernel);
    json_member_u64(json, "loader", sums->loader);
    json_member_u64(json, "low", sums->low);
    json_member_u64(json, "acpi", sums->acpi);
    json_member_u64(json, "nvs", sums->nvs);
    json_member_u64(json, "reserved", sums->reserved);
    json_member_u64(json, "bad", sums->bad);
    json_member_u64(json, "dropped", sums->dropped);
    json_end_object(json);
}

void report_last_boot(struct json_writer *json, const struct black_box_mark *last)
{
    if (last->step == 0) {
        return;
    }
    json_key(json, "last_boot");
    json_begin_object(json);
    json_member_u64(json, "step", last->step);
    json_member_string(json, "name", last->name);
    json_member_string(json, "end", black_box_verb((enum black_box_state)last->state));
    json_end_object(json);
}
