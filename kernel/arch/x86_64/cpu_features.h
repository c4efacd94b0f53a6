/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What CPUID says, read once: by the loader before it builds tables, by the kernel at its start,
 * by the host from the fake CPU. No state here; the caller keeps the struct.
 */
#ifndef ARCH_X86_64_CPU_FEATURES_H
#define ARCH_X86_64_CPU_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

struct cpu_features {
    char vendor[13];
    bool nx;           /* 8000_0001h EDX.20 */
    bool pages_1g;     /* 8000_0001h EDX.26 */
    bool long_mode;    /* 8000_0001h EDX.29 */
    bool smep;         /* 7.0 EBX.7 */
    bool smap;         /* 7.0 EBX.20 */
    bool umip;         /* 7.0 ECX.2 */
    bool pge;          /* 1 EDX.13 */
    bool pat;          /* 1 EDX.16 */
    bool msr;          /* 1 EDX.5 */
    bool pae;          /* 1 EDX.6 */
    bool rdrand;       /* 1 ECX.30 */
    bool hypervisor;   /* 1 ECX.31 */
    uint8_t phys_bits; /* MAXPHYADDR: 8000_0008h EAX[7:0], 36 where the leaf is missing */
};

/** Reads CPUID into @p features. Context: any. SDM vol 2, CPUID (ed. 2023-12). */
void cpu_features_read(struct cpu_features *features);

#endif
