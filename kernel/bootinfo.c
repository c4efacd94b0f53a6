/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The gate between loader and kernel. The checks go from what is needed to read on at all to what
 * the tables say, and stop at the first fault:
 *
 *   1  magic, major version      is it ours?
 *   2  sizes, table bounds       can it be read without leaving it?
 *   3  CRC-32C                   is it what the loader wrote? (any single flipped bit ends here)
 *   4  strings, map, addresses   did the loader write what the contract says?
 *
 * Each check is a function that returns NULL or the name of the fault. Up to step 3 nothing is read
 * but the header and, for the CRC, the block's own total_size bytes.
 * Failure plan: a text for the caller to print; the kernel does not go on. Holds no state.
 */
#include "bootinfo.h"

#include <stdbool.h>

#include "shared/mmap_names.h"

#include "lib/bits.h"
#include "lib/crc32c.h"
#include "lib/format.h"

/* What step 2 demands of one table. */
struct table_rule {
    size_t position;     /* of the struct bootinfo_table, bytes into the header */
    uint32_t entry_size; /* bytes; 0: the firmware's choice, checked apart */
    const char *fault;
};

#define TABLE_RULE(member, bytes)                                                                  \
    {                                                                                              \
        offsetof(struct bootinfo, member), (bytes), "table " #member ": bad offset, count or size" \
    }

static const struct table_rule table_rules[] = {
    TABLE_RULE(mmap, sizeof(struct multiboot2_mmap_entry)),
    TABLE_RULE(reasons, sizeof(uint32_t)),
    TABLE_RULE(repairs, sizeof(struct mmap_repair)),
    TABLE_RULE(ram, sizeof(struct bootinfo_ram_range)),
    TABLE_RULE(ledger, sizeof(struct bootinfo_ledger_entry)),
    TABLE_RULE(pins, sizeof(struct bootinfo_pin)),
    TABLE_RULE(efi_map, 0),
    TABLE_RULE(command_line, 1),
    TABLE_RULE(loader_log, 1),
    TABLE_RULE(tpm_log, 1),
};

#define EFI_DESCRIPTOR_MIN_BYTES 40U /* UEFI 2.10 7.2.3, EFI_MEMORY_DESCRIPTOR */

static const void *at(const struct bootinfo *info, uint64_t offset_bytes)
{
    return (const uint8_t *)info + offset_bytes;
}

/* ---- step 1 and 2: header and bounds ----------------------------------------------------------
 */

static const char *check_sizes(const struct bootinfo *info, size_t available_bytes)
{
    if (info->header_size < sizeof(*info) || !bits_is_aligned(info->header_size, 8)) {
        return "header size";
    }
    if (info->total_size < info->header_size || info->total_size > BOOTINFO_MAX_BYTES) {
        return "total size";
    }
    if (available_bytes != 0 && info->total_size > available_bytes) {
        return "total size passes the memory it lies in";
    }
    return NULL;
}

static bool table_fits(const struct bootinfo *info, const struct bootinfo_table *table,
                       uint32_t entry_size)
{
    if (table->count == 0) {
        return table->offset <= info->total_size;
    }
    const bool size_is_right = entry_size == 0 ? table->entry_size >= EFI_DESCRIPTOR_MIN_BYTES &&
                                                     bits_is_aligned(table->entry_size, 8)
                                               : table->entry_size == entry_size;
    /* 32-bit factors: the product cannot wrap in 64 bits, nor can the sum. */
    const uint64_t bytes = (uint64_t)table->count * table->entry_size;
    return size_is_right && bits_is_aligned(table->offset, 8) &&
           table->offset >= info->header_size && bytes <= info->total_size &&
           table->offset <= info->total_size - bytes;
}

static const char *check_tables(const struct bootinfo *info)
{
    for (size_t i = 0; i < ARRAY_COUNT(table_rules); i++) {
        const struct bootinfo_table *const table = at(info, table_rules[i].position);
        if (!table_fits(info, table, table_rules[i].entry_size)) {
            return table_rules[i].fault;
        }
    }
    if (info->mmap.count == 0) {
        return "table mmap: empty";
    }
    if (info->reasons.count != info->mmap.count) {
        return "table reasons: not one for each mmap entry";
    }
    return NULL;
}

/* ---- step 3: CRC ------------------------------------------------------------------------------
 */

uint32_t bootinfo_crc(const struct bootinfo *info)
{
    static const uint8_t zero_field[sizeof(info->crc32c)] = { 0 };
    const size_t field = offsetof(struct bootinfo, crc32c);
    const size_t behind = field + sizeof(info->crc32c);
    uint32_t crc = crc32c_update(CRC32C_INITIAL, info, field);
    crc = crc32c_update(crc, zero_field, sizeof(zero_field));
    crc = crc32c_update(crc, at(info, behind), info->total_size - behind);
    return crc32c_finish(crc);
}

/* ---- step 4: content --------------------------------------------------------------------------
 */

static bool table_is_text(const struct bootinfo *info, const struct bootinfo_table *table)
{
    if (table->count == 0) {
        return true;
    }
    const char *const text = at(info, table->offset);
    return text[table->count - 1] == '\0';
}

static const char *check_strings(const struct bootinfo *info)
{
    if (!table_is_text(info, &info->command_line)) {
        return "command line: no NUL at its end";
    }
    if (!table_is_text(info, &info->loader_log)) {
        return "loader log: no NUL at its end";
    }
    if (info->firmware_vendor[BOOTINFO_VENDOR_BYTES - 1] != 0) {
        return "firmware vendor: no NUL at its end";
    }
    return NULL;
}

static bool is_page_range(uint64_t base, uint64_t size_bytes)
{
    uint64_t end;
    return bits_is_aligned(base | size_bytes, PAGE_SIZE) &&
           !__builtin_add_overflow(base, size_bytes, &end);
}

static bool is_frame_range(uint64_t base, uint64_t pages)
{
    return pages <= (UINT64_MAX >> PAGE_SHIFT) && is_page_range(base, pages << PAGE_SHIFT);
}

/* @param floor  in: no byte below it may belong to the entry; out: the entry's end */
static const char *check_entry(const struct multiboot2_mmap_entry *entry, uint32_t reason,
                               uint64_t *floor)
{
    uint64_t end;
    if (entry->length == 0 || __builtin_add_overflow(entry->address, entry->length, &end)) {
        return "mmap: an entry is empty or wraps";
    }
    if (entry->address < *floor) {
        return "mmap: entries overlap or are not sorted";
    }
    if (reason >= MMAP_REASON_COUNT || entry->type != mmap_reason_type(reason)) {
        return "mmap: an entry's reason is unknown or does not give its type";
    }
    if (entry->type == MMAP_AVAILABLE &&
        (entry->address < LOW_MEMORY_END || !is_page_range(entry->address, entry->length))) {
        return "mmap: available memory that is not whole pages above 1 MiB";
    }
    *floor = end;
    return NULL;
}

static const char *check_mmap(const struct bootinfo *info)
{
    const struct multiboot2_mmap_entry *const entries = bootinfo_mmap(info);
    const uint32_t *const reasons = bootinfo_reasons(info);
    uint64_t floor = 0;
    for (uint32_t i = 0; i < info->mmap.count; i++) {
        const char *const fault = check_entry(&entries[i], reasons[i], &floor);
        if (fault != NULL) {
            return fault;
        }
    }
    return NULL;
}

static const char *check_ram(const struct bootinfo *info)
{
    const struct bootinfo_ram_range *const ram = bootinfo_ram(info);
    uint64_t floor = 0;
    for (uint32_t i = 0; i < info->ram.count; i++) {
        uint64_t end;
        if (ram[i].size == 0 || __builtin_add_overflow(ram[i].base, ram[i].size, &end)) {
            return "ram: a range is empty or wraps";
        }
        if (ram[i].base < floor) {
            return "ram: ranges overlap or are not sorted";
        }
        floor = end;
    }
    return NULL;
}

static const char *check_ledger(const struct bootinfo *info)
{
    const struct bootinfo_ledger_entry *const entries = bootinfo_ledger(info);
    for (uint32_t i = 0; i < info->ledger.count; i++) {
        if (!is_frame_range(entries[i].base, entries[i].pages)) {
            return "ledger: an entry is unaligned or wraps";
        }
        if (entries[i].lifetime < BOOTINFO_LIFETIME_KERNEL ||
            entries[i].lifetime > BOOTINFO_LIFETIME_EXIT) {
            return "ledger: unknown lifetime";
        }
    }
    return NULL;
}

static const char *check_pins(const struct bootinfo *info)
{
    const struct bootinfo_pin *const pins = bootinfo_pins(info);
    for (uint32_t i = 0; i < info->pins.count; i++) {
        if (!is_frame_range(pins[i].base, pins[i].pages)) {
            return "pins: an entry is unaligned or wraps";
        }
    }
    return NULL;
}

/* A replayed map has neither kernel nor stack: sizes of 0. */
static const char *check_addresses(const struct bootinfo *info)
{
    if (!is_page_range(info->kernel_phys, info->kernel_size)) {
        return "kernel image: unaligned or wraps";
    }
    if (info->kernel_size != 0 && info->kernel_virt - info->kernel_phys != PHYS_OFFSET) {
        return "kernel image: not at its place in the direct map";
    }
    if (!is_page_range(info->stack_base, info->stack_size)) {
        return "boot stack: unaligned or wraps";
    }
    if (info->stack_size != 0 && info->stack_base - info->stack_guard != PAGE_SIZE) {
        return "boot stack: its guard is not the frame below";
    }
    if (!bits_is_aligned(info->jump_page | info->page_table_root, PAGE_SIZE)) {
        return "jump page or page tables: unaligned";
    }
    if (info->build_id_size > sizeof(info->build_id) ||
        info->rsdp_copy_size > sizeof(info->rsdp_copy)) {
        return "build id or RSDP copy: larger than its field";
    }
    return NULL;
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static const char *check_crc(const struct bootinfo *info)
{
    return bootinfo_crc(info) == info->crc32c ? NULL : "CRC-32C";
}

/* In this order: each relies on those before it. */
static const char *(*const steps[])(const struct bootinfo *info) = {
    check_tables, check_crc,    check_strings, check_mmap,
    check_ram,    check_ledger, check_pins,    check_addresses,
};

static enum kstatus refuse(enum kstatus status, const char *fault, const char **why)
{
    *why = fault;
    return status;
}

enum kstatus bootinfo_check(const void *block, size_t available_bytes, const char **why)
{
    if (block == NULL || !bits_is_aligned((uintptr_t)block, 8)) {
        return refuse(K_EINVAL, "no block at an aligned address", why);
    }
    const struct bootinfo *const info = block;
    if (available_bytes != 0 && available_bytes < sizeof(*info)) {
        return refuse(K_EPROTO, "shorter than its header", why);
    }
    if (info->magic != BOOTINFO_MAGIC) {
        return refuse(K_EPROTO, "magic", why);
    }
    if (info->version_major != BOOTINFO_VERSION_MAJOR) {
        return refuse(K_ENOTSUP,
                      info->version_major > BOOTINFO_VERSION_MAJOR ? "newer major version"
                                                                   : "older major version",
                      why);
    }
    const char *fault = check_sizes(info, available_bytes);
    for (size_t i = 0; fault == NULL && i < ARRAY_COUNT(steps); i++) {
        fault = steps[i](info);
    }
    return fault == NULL ? K_OK : refuse(K_EPROTO, fault, why);
}

size_t bootinfo_describe_refusal(const void *block, const char *why, char *text, size_t size_bytes)
{
    const struct bootinfo *const info = block;
    if (block == NULL || !bits_is_aligned((uintptr_t)block, 8) || info->magic != BOOTINFO_MAGIC) {
        return format_text(text, size_bytes, "%s", why);
    }
    return format_text(text, size_bytes, "%s (block is version %u.%u, this kernel reads %u.%u)",
                       why, (unsigned)info->version_major, (unsigned)info->version_minor,
                       (unsigned)BOOTINFO_VERSION_MAJOR, (unsigned)BOOTINFO_VERSION_MINOR);
}

/* ---- access -----------------------------------------------------------------------------------
 */

const struct multiboot2_mmap_entry *bootinfo_mmap(const struct bootinfo *info)
{
    return at(info, info->mmap.offset);
}

const uint32_t *bootinfo_reasons(const struct bootinfo *info)
{
    return at(info, info->reasons.offset);
}

const struct mmap_repair *bootinfo_repairs(const struct bootinfo *info)
{
    return at(info, info->repairs.offset);
}

const struct bootinfo_ram_range *bootinfo_ram(const struct bootinfo *info)
{
    return at(info, info->ram.offset);
}

const struct bootinfo_ledger_entry *bootinfo_ledger(const struct bootinfo *info)
{
    return at(info, info->ledger.offset);
}

const struct bootinfo_pin *bootinfo_pins(const struct bootinfo *info)
{
    return at(info, info->pins.offset);
}

const void *bootinfo_efi_descriptor(const struct bootinfo *info, uint32_t index)
{
    return at(info, info->efi_map.offset + (uint64_t)index * info->efi_map.entry_size);
}

const char *bootinfo_command_line(const struct bootinfo *info)
{
    return info->command_line.count == 0 ? "" : at(info, info->command_line.offset);
}

const char *bootinfo_loader_log(const struct bootinfo *info)
{
    return info->loader_log.count == 0 ? "" : at(info, info->loader_log.offset);
}

const uint8_t *bootinfo_tpm_log(const struct bootinfo *info, size_t *size_bytes)
{
    *size_bytes = info->tpm_log.count;
    return info->tpm_log.count == 0 ? NULL : at(info, info->tpm_log.offset);
}

static void *writable_at(struct bootinfo *info, uint32_t offset_bytes)
{
    return (uint8_t *)info + offset_bytes;
}

struct memory_map bootinfo_memory_map(struct bootinfo *info)
{
    return (struct memory_map){
        .entries = writable_at(info, info->mmap.offset),
        .reasons = writable_at(info, info->reasons.offset),
        .count = info->mmap.count,
        .ram = bootinfo_ram(info),
        .ram_count = info->ram.count,
    };
}
