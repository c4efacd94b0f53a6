/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Puts the bootinfo block together: header, then every table and text behind it, then the CRC. Runs
 * after ExitBootServices into memory that was sized before. Pure; loader, replay and host.
 *
 *   block  [header][mmap][reasons][repairs][ram][ledger][pins][efi map]
 *          [command line][log][TPM log] ...free
 *          each part starts at a multiple of 16 bytes; total_size, then capacity
 */
#ifndef LOADER_BOOT_BLOCK_H
#define LOADER_BOOT_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "efi_map.h"
#include "kstatus.h"
#include "mmap_build.h"

/** What goes behind the header. Texts are NUL-terminated, their sizes count the NUL. */
struct boot_block_parts {
    const struct mmap_build_output *map;
    const struct efi_map *efi; /* NULL where the map is e820 */
    const struct bootinfo_ledger_entry *ledger;
    uint32_t ledger_count;
    const struct bootinfo_pin *pins;
    uint32_t pin_count;
    const char *command_line;
    uint32_t command_line_bytes;
    const char *log;
    uint32_t log_bytes;
    const void *tpm_log; /* not read where it has no bytes */
    uint32_t tpm_log_bytes;
};

/**
 * Bytes that a block can need at most.
 * @param sizes          from mmap_build_sizes()
 * @param efi_map_bytes  of the raw map, with the room for growth
 * @param overlay_count  ledger entries and pins together, at most
 * @param text_bytes     command line and log together, with their NULs, and the TPM's log
 * @return K_OK; K_EOVERFLOW where a block would pass 32 bits
 */
MUST_CHECK enum kstatus boot_block_capacity(const struct mmap_build_sizes *sizes,
                                            uint64_t efi_map_bytes, uint64_t overlay_count,
                                            uint64_t text_bytes, uint64_t *capacity_bytes);

/**
 * Writes the block to @p memory: @p header with magic, versions, sizes and tables filled in, the
 * parts, the CRC.
 * @param memory  8-byte aligned, @p capacity_bytes long, any content
 * @return K_OK; K_ENOSPC where it does not fit (the memory is undefined then)
 */
MUST_CHECK enum kstatus boot_block_write(const struct bootinfo *header,
                                         const struct boot_block_parts *parts, void *memory,
                                         uint64_t capacity_bytes);

#endif
