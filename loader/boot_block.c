/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See boot_block.h. One cursor walks up through the memory; each part is bounds-checked as it is
 * written. Gaps are zeroed, so equal input gives an equal block and the CRC covers no junk.
 */
#include "boot_block.h"

#include <stdbool.h>

#include "lib/bits.h"
#include "lib/crc32c.h"
#include "lib/string.h"

#define PART_ALIGNMENT 16U
#define PART_COUNT     10U

struct writer {
    uint8_t *memory;
    uint64_t capacity_bytes; /* at most 4 GiB: offsets are 32 bits wide */
    uint64_t used_bytes;
    bool is_full;
};

static void write_part(struct writer *writer, struct bootinfo_table *table, const void *data,
                       uint64_t count, uint64_t entry_size)
{
    uint64_t bytes;
    uint64_t end;
    const uint64_t offset = bits_align_up(writer->used_bytes, PART_ALIGNMENT);
    if (__builtin_mul_overflow(count, entry_size, &bytes) ||
        __builtin_add_overflow(offset, bytes, &end) || end > writer->capacity_bytes) {
        writer->is_full = true;
        return;
    }
    memset(writer->memory + writer->used_bytes, 0, offset - writer->used_bytes);
    if (bytes > 0) {
        memcpy(writer->memory + offset, data, bytes);
    }
    writer->used_bytes = end;
    *table = (struct bootinfo_table){ .offset = (uint32_t)offset, /* all below 4 GiB, see above */
                                      .count = (uint32_t)count,
                                      .entry_size = (uint32_t)entry_size };
}

static void write_map(struct writer *writer, struct bootinfo *info,
                      const struct mmap_build_output *map)
{
    write_part(writer, &info->mmap, map->entries, map->entry_count, sizeof(*map->entries));
    write_part(writer, &info->reasons, map->reasons, map->entry_count, sizeof(*map->reasons));
    write_part(writer, &info->repairs, map->repairs, map->repair_count, sizeof(*map->repairs));
    write_part(writer, &info->ram, map->ram, map->ram_count, sizeof(*map->ram));
}

static void write_rest(struct writer *writer, struct bootinfo *info,
                       const struct boot_block_parts *parts)
{
    write_part(writer, &info->ledger, parts->ledger, parts->ledger_count, sizeof(*parts->ledger));
    write_part(writer, &info->pins, parts->pins, parts->pin_count, sizeof(*parts->pins));
    if (parts->efi != NULL) {
        write_part(writer, &info->efi_map, parts->efi->bytes, efi_map_count(parts->efi),
                   parts->efi->descriptor_size);
        info->efi_descriptor_version = parts->efi->descriptor_version;
    }
    write_part(writer, &info->command_line, parts->command_line, parts->command_line_bytes, 1);
    write_part(writer, &info->loader_log, parts->log, parts->log_bytes, 1);
    write_part(writer, &info->tpm_log, parts->tpm_log, parts->tpm_log_bytes, 1);
}

enum kstatus boot_block_capacity(const struct mmap_build_sizes *sizes, uint64_t efi_map_bytes,
                                 uint64_t overlay_count, uint64_t text_bytes,
                                 uint64_t *capacity_bytes)
{
    /* Counts are 32 bits wide and elements under 64 bytes: these sums stay below 2^40. */
    const uint64_t map_bytes =
        (uint64_t)sizes->entries * (sizeof(struct multiboot2_mmap_entry) + sizeof(uint32_t)) +
        (uint64_t)sizes->repairs * sizeof(struct mmap_repair) +
        (uint64_t)sizes->ram * sizeof(struct bootinfo_ram_range);
    const uint64_t fixed_bytes =
        sizeof(struct bootinfo) + (uint64_t)PART_COUNT * PART_ALIGNMENT + map_bytes;
    const uint64_t limit = UINT32_MAX - fixed_bytes;
    if (fixed_bytes > UINT32_MAX || efi_map_bytes > limit || text_bytes > limit ||
        overlay_count > UINT32_MAX) {
        return K_EOVERFLOW;
    }
    const uint64_t total = fixed_bytes + efi_map_bytes + text_bytes +
                           overlay_count * sizeof(struct bootinfo_ledger_entry);
    if (total > UINT32_MAX) {
        return K_EOVERFLOW;
    }
    *capacity_bytes = total;
    return K_OK;
}

enum kstatus boot_block_write(const struct bootinfo *header, const struct boot_block_parts *parts,
                              void *memory, uint64_t capacity_bytes)
{
    struct bootinfo info = *header;
    struct writer writer = { .memory = memory,
                             .capacity_bytes = bits_min(capacity_bytes, UINT32_MAX),
                             .used_bytes = sizeof(info) };
    if (writer.capacity_bytes < sizeof(info)) {
        return K_ENOSPC;
    }
    write_map(&writer, &info, parts->map);
    write_rest(&writer, &info, parts);
    if (writer.is_full) {
        return K_ENOSPC;
    }
    info.magic = BOOTINFO_MAGIC;
    info.version_major = BOOTINFO_VERSION_MAJOR;
    info.version_minor = BOOTINFO_VERSION_MINOR;
    info.header_size = sizeof(info);
    info.total_size = (uint32_t)writer.used_bytes; /* at most capacity_bytes */
    info.crc32c = 0;
    memcpy(memory, &info, sizeof(info));
    info.crc32c = crc32c(memory, info.total_size);
    memcpy(memory, &info, sizeof(info));
    return K_OK;
}
