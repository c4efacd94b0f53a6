/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host side of the seam: a barrier on every CPU that runs a thread of this process.
 */
#ifndef ARCH_CPU_BARRIER_H
#define ARCH_CPU_BARRIER_H

void arch_barrier_all_cpus(void);

#endif
