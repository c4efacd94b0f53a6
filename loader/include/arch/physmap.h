/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The one way from a physical address to a pointer, in the loader: identity, as the firmware maps
 * memory for applications (UEFI 2.10, 2.3.4 "x64 Platforms"), but while the kernel's bring-up is
 * tried out, when other memory stands in for it.
 */
#ifndef ARCH_PHYSMAP_H
#define ARCH_PHYSMAP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "mm/addr.h"

struct stand_in_memory;

/** What stands in for all physical memory; NULL: nothing does. */
extern struct stand_in_memory *physmap_stand_in;

/** @see stand_in_memory.h */
void *stand_in_memory_ptr(struct stand_in_memory *memory, phys_addr_t phys, uint64_t size_bytes);

/** A pointer to [phys, phys + size_bytes). Not to be stored. */
static inline void *physmap_ptr(phys_addr_t phys, uint64_t size_bytes)
{
    if (UNLIKELY(physmap_stand_in != NULL)) {
        return stand_in_memory_ptr(physmap_stand_in, phys, size_bytes);
    }
    return (void *)(uintptr_t)phys.value; /* its size is checked on the host */
}

#endif
