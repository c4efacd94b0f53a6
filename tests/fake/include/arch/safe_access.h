/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host side of the seam: the same functions as the kernel's <arch/safe_access.h>, over the memory
 * and registers of tests/fake/fake_safe_access.h.
 */
#ifndef ARCH_SAFE_ACCESS_H
#define ARCH_SAFE_ACCESS_H

#include <stdint.h>

#include "kstatus.h"
#include "lib/compiler.h"
#include "mm/addr.h"

MUST_CHECK enum kstatus arch_safe_load(virt_addr_t virt, unsigned width_bytes, uint64_t *value);
MUST_CHECK enum kstatus arch_safe_store(virt_addr_t virt, unsigned width_bytes, uint64_t value);
MUST_CHECK enum kstatus arch_safe_rdmsr(uint32_t msr, uint64_t *value);
MUST_CHECK enum kstatus arch_safe_wrmsr(uint32_t msr, uint64_t value);

#endif
