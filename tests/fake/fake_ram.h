/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Fake physical memory for host builds: one huge lazily committed mapping that stands for physical
 * addresses from 0, of which only declared ranges may be touched. Untouched bytes read as 0 unless
 * a poison pattern was asked for. Not thread-safe in set-up; access is.
 */
#ifndef FAKE_RAM_H
#define FAKE_RAM_H

#include <stdbool.h>
#include <stdint.h>

#include "mm/addr.h"

/** Forgets every range and all content. */
void fake_ram_reset(void);

/** Declares [base, base + size_bytes) as RAM; base and size are page-aligned, end <= 64 TiB. */
void fake_ram_add(uint64_t base, uint64_t size_bytes);

/** Whether all of [base, base + size_bytes) is declared. */
bool fake_ram_contains(uint64_t base, uint64_t size_bytes);

/** Fills [base, base + size_bytes) with the byte @p junk: memory is not zero at boot. */
void fake_ram_fill(uint64_t base, uint64_t size_bytes, uint8_t junk);

#endif
