/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The one way from a physical address to a pointer, in the kernel: the direct map at PHYS_OFFSET.
 * The loader (identity) and the host (bounds-checked sparse memory) have files of the same name.
 */
#ifndef ARCH_PHYSMAP_H
#define ARCH_PHYSMAP_H

#include <stdint.h>

#include "mm/addr.h"

/** A pointer to [phys, phys + size_bytes), which must be in the direct map. Not to be stored. */
static inline void *physmap_ptr(phys_addr_t phys, uint64_t size_bytes)
{
    (void)size_bytes; /* checked on the host */
    return (void *)(uintptr_t)(PHYS_OFFSET + phys.value);
}

#endif
