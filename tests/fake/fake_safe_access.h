/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What <arch/safe_access.h> reaches on the host: buffers that a test put at virtual addresses, and
 * the fake RAM at its direct-map addresses. Anything else faults. Registers: EFER and PAT of the
 * fake CPU, and those that a test made.
 */
#ifndef FAKE_SAFE_ACCESS_H
#define FAKE_SAFE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What was done last, and how often since the reset; refused widths do not count. */
struct fake_safe_access_log {
    uint32_t loads;
    uint32_t stores;
    uint64_t address;
    unsigned width_bytes;
};

/** Forgets buffers, registers and the log. */
void fake_safe_access_reset(void);

/** Puts @p bytes at the virtual address @p start (at most 8 buffers); it must outlive its use.
 *  An access that is not all inside one buffer faults; so does a store where it is read-only. */
void fake_safe_access_map(uint64_t start, void *bytes, size_t size_bytes, bool is_writable);

/** Makes the register @p msr (at most 8) with @p value. */
void fake_safe_access_add_msr(uint32_t msr, uint64_t value);

struct fake_safe_access_log fake_safe_access_log(void);

#endif
