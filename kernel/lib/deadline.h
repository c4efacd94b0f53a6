/* SPDX-License-Identifier: GPL-2.0-only
 *
 * How long a device is waited for: by the TSC, or by a number of looks where nobody knows how fast
 * that is. A look at a port takes from a microsecond to, where the firmware traps it, a tenth of a
 * millisecond: looks are no clock. Kernel and host.
 */
#ifndef LIB_DEADLINE_H
#define LIB_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
    uint64_t start;      /* arch_timestamp() */
    uint64_t ticks;      /* from there; 0: unknown, and the looks count */
    uint32_t looks_left; /* before it has passed */
};

/**
 * Starts a wait of @p timeout_ms (up to a minute).
 * @param tsc_hz  ticks of arch_timestamp() per second, 0 = unknown
 * @param looks   how often deadline_passed() says no then
 */
void deadline_set(struct deadline *deadline, uint64_t tsc_hz, uint32_t timeout_ms, uint32_t looks);

/** Whether the time is over. */
bool deadline_passed(struct deadline *deadline);

/** Returns when a wait of deadline_set()'s parameters has passed. */
void deadline_wait(uint64_t tsc_hz, uint32_t timeout_ms, uint32_t looks);

#endif
