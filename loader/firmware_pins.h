/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The list of pins, and reading what firmware left in memory: hostile addresses are checked against
 * the memory map before anything is read. The caller owns the list. Loader and host.
 */
#ifndef LOADER_FIRMWARE_PINS_H
#define LOADER_FIRMWARE_PINS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "efi_map.h"

#define FIRMWARE_PINS_MAX 64U

struct firmware_pins {
    const struct efi_map *map; /* checked; decides what is readable and what needs a pin */
    struct bootinfo_pin pins[FIRMWARE_PINS_MAX];
    uint32_t count;
    uint32_t dropped; /* pins that found no room */
};

/** Bytes from @p base on that one descriptor holds which is memory; 0 for none, and for @p base 0.
 */
uint64_t firmware_pins_readable(const struct efi_map *map, uint64_t base);

/** Whether one descriptor that is memory holds all of [base, base + size_bytes); base is not 0. */
bool firmware_pins_can_read(const struct efi_map *map, uint64_t base, uint64_t size_bytes);

/** Copies @p size_bytes at @p base where they may be read; false (@p to untouched) else. */
bool firmware_pins_read(const struct efi_map *map, uint64_t base, uint8_t *to, uint32_t size_bytes);

/** Pins the pages of [base, base + size_bytes) unless that changes nothing; counts it as dropped
 *  where the list is full. */
void firmware_pins_add(struct firmware_pins *pins, uint64_t base, uint64_t size_bytes,
                       enum bootinfo_pin_kind kind);

#endif
