/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host side of the seam: physical memory is the fake RAM of tests/fake/fake_ram.h, sparse and
 * bounds-checked.
 */
#ifndef ARCH_PHYSMAP_H
#define ARCH_PHYSMAP_H

#include <stdint.h>

#include "mm/addr.h"

struct stand_in_memory;

/** As in the loader: what stands in for all physical memory; NULL: nothing does. */
extern struct stand_in_memory *physmap_stand_in;

/** @see stand_in_memory.h */
void *stand_in_memory_ptr(struct stand_in_memory *memory, phys_addr_t phys, uint64_t size_bytes);

/** A pointer to [phys, phys + size_bytes); stops the test where that is not all fake RAM. */
void *physmap_ptr(phys_addr_t phys, uint64_t size_bytes);

#endif
