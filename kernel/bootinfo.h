/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Reading the block that the loader hands over (shared/bootinfo.h): a check that trusts nothing,
 * and typed access to the tables of a block that passed it. The block belongs to the caller. Pure;
 * no allocation, no print, no write to the block. Kernel and host.
 */
#ifndef KERNEL_BOOTINFO_H
#define KERNEL_BOOTINFO_H

#include <stddef.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "kstatus.h"
#include "mm/memory_map.h"

/** No block is larger: bounds what a damaged size field can make the kernel read. */
#define BOOTINFO_MAX_BYTES (UINT32_C(64) << 20)

/**
 * Whether @p block is a bootinfo this kernel can use: magic, version, size, CRC, then every table,
 * string and address.
 * @param block            8-byte aligned
 * @param available_bytes  readable at @p block; 0 where the caller cannot know
 * @param why              receives a constant text that names the fault, on error only
 * @return K_OK; K_EINVAL for NULL or a misaligned block; K_ENOTSUP for another major version;
 *         K_EPROTO for everything else
 * @context any, before the first print
 */
MUST_CHECK enum kstatus bootinfo_check(const void *block, size_t available_bytes, const char **why);

/**
 * One line for a person about a refused block: @p why and, where there is a header to read them
 * from, both versions.
 * @param block  what bootinfo_check() refused; NULL or misaligned is all right
 * @return characters, as format_text()
 */
size_t bootinfo_describe_refusal(const void *block, const char *why, char *text, size_t size_bytes);

/** CRC-32C of the block's total_size bytes with the CRC field taken as 0: what the writer stores.
 */
uint32_t bootinfo_crc(const struct bootinfo *info);

/* The tables of a checked block; the counts are in the table's own struct. A table that is absent
 * has count 0 and its pointer must not be read through. */
const struct multiboot2_mmap_entry *bootinfo_mmap(const struct bootinfo *info);
const uint32_t *bootinfo_reasons(const struct bootinfo *info);
const struct mmap_repair *bootinfo_repairs(const struct bootinfo *info);
const struct bootinfo_ram_range *bootinfo_ram(const struct bootinfo *info);
const struct bootinfo_ledger_entry *bootinfo_ledger(const struct bootinfo *info);
const struct bootinfo_pin *bootinfo_pins(const struct bootinfo *info);
/** Descriptor @p index < info->efi_map.count, info->efi_map.entry_size bytes. */
const void *bootinfo_efi_descriptor(const struct bootinfo *info, uint32_t index);
/** NUL-terminated; "" where there is none. */
const char *bootinfo_command_line(const struct bootinfo *info);
const char *bootinfo_loader_log(const struct bootinfo *info);

/** The firmware's event log, bytes as it gave them; NULL where there is none.
 *  @param size_bytes  receives its size, 0 where there is none */
const uint8_t *bootinfo_tpm_log(const struct bootinfo *info, size_t *size_bytes);

/** The memory map in the block, for changing in place (the CRC no longer holds afterwards). */
struct memory_map bootinfo_memory_map(struct bootinfo *info);

#endif
