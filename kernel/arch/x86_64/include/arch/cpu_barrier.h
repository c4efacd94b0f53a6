/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A memory barrier on every running CPU at once: lets the common side of a flag protocol do without
 * one (kernel/mm/buddy_cache.c). The host build has a file of the same name.
 */
#ifndef ARCH_CPU_BARRIER_H
#define ARCH_CPU_BARRIER_H

#include <arch/cpu.h>

/**
 * When this returns, every CPU has executed a full barrier since the call.
 * Only CPU 0 runs so far. Once others do, this must interrupt them and wait, and must reach those
 * with interrupts masked too (by NMI): a caller may hold a lock that they spin on.
 */
static inline void arch_barrier_all_cpus(void)
{
    arch_mfence();
}

#endif
