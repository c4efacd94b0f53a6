/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host side of the seam for build/host/libmm.a: physical address 0 is at `pa_memory`, without a
 * check, as in the kernel.
 */
#ifndef ARCH_PHYSMAP_H
#define ARCH_PHYSMAP_H

#include <stdint.h>

#include "mm/addr.h"

/** The harness's arena, or pa.c's own. */
extern char *pa_memory;

/** A pointer to [phys, phys + size_bytes). */
static inline void *physmap_ptr(phys_addr_t phys, uint64_t size_bytes)
{
    (void)size_bytes;
    return pa_memory + phys.value;
}

#endif
