/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Accesses that may fault and then return an error: what debuggers do to addresses that a person
 * typed. No state, so they work everywhere, inside an exception handler and inside each other too,
 * once trap_init() has run. The host build finds a fake of the same name under
 * tests/fake/include/arch/ (fake_safe_access.h says what its memory is).
 *
 * A fault is a page fault or a general protection: an address that is not mapped, not canonical,
 * read-only, or a user page under SMAP. What a device or a bad memory module makes of the access
 * (machine check) is not caught.
 */
#ifndef ARCH_SAFE_ACCESS_H
#define ARCH_SAFE_ACCESS_H

#include <stdint.h>

#include "kstatus.h"
#include "lib/compiler.h"
#include "mm/addr.h"

/** Reads @p width_bytes (1, 2, 4 or 8) at @p virt with one instruction, zero-extended.
 *  @return K_OK, K_EFAULT where the access faulted, K_EINVAL for another width. */
MUST_CHECK enum kstatus arch_safe_load(virt_addr_t virt, unsigned width_bytes, uint64_t *value);

/** Writes the low @p width_bytes (1, 2, 4 or 8) of @p value at @p virt with one instruction.
 *  @return as arch_safe_load(); after K_EFAULT nothing was written. */
MUST_CHECK enum kstatus arch_safe_store(virt_addr_t virt, unsigned width_bytes, uint64_t value);

/** Reads the model-specific register @p msr. @return K_OK, or K_EFAULT where the CPU has none. */
MUST_CHECK enum kstatus arch_safe_rdmsr(uint32_t msr, uint64_t *value);

/** Writes @p value to @p msr. @return K_OK, or K_EFAULT where the CPU refused. */
MUST_CHECK enum kstatus arch_safe_wrmsr(uint32_t msr, uint64_t value);

#endif
