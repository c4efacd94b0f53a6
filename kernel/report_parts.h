/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The members of the report (design.md section 7) that kernel and loader both write: the kernel
 * behind `@report `, the loader into the file on the stick. One writer, so that a file imports as
 * the line does. Each function writes one member of the object that is open. Pure; every world.
 */
#ifndef KERNEL_REPORT_PARTS_H
#define KERNEL_REPORT_PARTS_H

#include <stdint.h>

#include "shared/black_box.h"
#include "shared/bootinfo.h"

#include "lib/json_writer.h"
#include "mm/memory_map.h"

#define REPORT_SCHEMA 1U

/** The firmware's raw map. */
struct report_efi_map {
    const void *descriptors; /* may be unaligned */
    uint64_t count;
    uint64_t stride_bytes; /* at least 40 */
    uint32_t version;
    uint32_t exit_attempts; /* 0: not tried yet */
};

/** Opens the object: schema, version, build id of the kernel in @p info. */
void report_begin(struct json_writer *json, const char *version, const struct bootinfo *info);

void report_firmware(struct json_writer *json, const struct bootinfo *info);
void report_efi_map(struct json_writer *json, const struct report_efi_map *map);
void report_ledger(struct json_writer *json, const struct bootinfo_ledger_entry *ledger,
                   uint32_t count);
void report_pins(struct json_writer *json, const struct bootinfo_pin *pins, uint32_t count);
void report_mmap(struct json_writer *json, const struct memory_map *map);

/** @param dropped_bytes  for want of an area's slot: one repair more where it is not 0 */
void report_repairs(struct json_writer *json, const struct mmap_repair *repairs, uint32_t count,
                    uint64_t dropped_bytes);
void report_accounting(struct json_writer *json, const struct memory_accounting *sums);

/** The boot before, as its black box tells; no member where there is no record (step 0). */
void report_last_boot(struct json_writer *json, const struct black_box_mark *last);

#endif
