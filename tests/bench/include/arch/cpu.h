/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host side of the seam for build/host/libmm.a: a CPU is a thread, its number is the harness's
 * `my_cpu`, and there are no interrupts to mask.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdint.h>

#include "tests/bench/pa.h"

static inline uint64_t arch_irq_save(void)
{
    return 0;
}

static inline void arch_irq_restore(uint64_t token)
{
    (void)token;
}

static inline void arch_cpu_relax(void)
{
    __builtin_ia32_pause();
}

static inline uint32_t arch_cpu_number(void)
{
    return (uint32_t)my_cpu; /* never negative */
}

/** The program's own. */
uint64_t arch_timestamp(void);

#endif
