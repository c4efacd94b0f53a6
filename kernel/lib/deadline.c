/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See deadline.h. Stateless.
 */
#include "lib/deadline.h"

#include <arch/cpu.h>

void deadline_set(struct deadline *deadline, uint64_t tsc_hz, uint32_t timeout_ms, uint32_t looks)
{
    *deadline = (struct deadline){
        .start = arch_timestamp(),
        .ticks = tsc_hz / 1000 * timeout_ms,
        .looks_left = looks,
    };
}

bool deadline_passed(struct deadline *deadline)
{
    if (deadline->ticks != 0) {
        return arch_timestamp() - deadline->start >= deadline->ticks;
    }
    if (deadline->looks_left == 0) {
        return true;
    }
    deadline->looks_left--;
    return false;
}

void deadline_wait(uint64_t tsc_hz, uint32_t timeout_ms, uint32_t looks)
{
    struct deadline deadline;
    deadline_set(&deadline, tsc_hz, timeout_ms, looks);
    while (!deadline_passed(&deadline)) {
        arch_cpu_relax();
    }
}
