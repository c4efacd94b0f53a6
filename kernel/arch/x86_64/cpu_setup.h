/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Control registers and PAT from constants: nothing is inherited from the firmware (design.md
 * section 3, "State at _start"). State: the features of this CPU, read once.
 */
#ifndef ARCH_X86_64_CPU_SETUP_H
#define ARCH_X86_64_CPU_SETUP_H

#include "cpu_features.h"

/** Reads CPUID, then writes CR0, CR4, EFER and PAT. Context: first act of the kernel, IF = 0. */
void cpu_setup(void);

/** Features of this CPU. Context: after cpu_setup(). */
const struct cpu_features *cpu_setup_features(void);

#endif
