/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The one way from a physical address to a pointer, in the loader: identity, as the firmware maps
 * memory for applications (UEFI 2.10, 2.3.4 "x64 Platforms").
 */
#ifndef ARCH_PHYSMAP_H
#define ARCH_PHYSMAP_H

#include <stdint.h>

#include "mm/addr.h"

/** A pointer to [phys, phys + size_bytes). Not to be stored. */
static inline void *physmap_ptr(phys_addr_t phys, uint64_t size_bytes)
{
    (void)size_bytes; /* checked on the host */
    return (void *)(uintptr_t)phys.value;
}

#endif
