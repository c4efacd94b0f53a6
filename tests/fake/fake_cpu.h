/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A fake x86-64 CPU for host builds: control registers, EFER, PAT, CPUID of a chosen feature set,
 * and a log of what was invalidated. One per process; the CPU number is per thread.
 */
#ifndef FAKE_CPU_H
#define FAKE_CPU_H

#include <stdbool.h>
#include <stdint.h>

/** Bits that CPUID has at a leaf (subleaf 0) besides those that follow from the fields. */
struct fake_cpuid {
    uint32_t leaf;
    uint32_t eax;
    uint32_t ebx;
    uint32_t ecx;
    uint32_t edx;
};

struct fake_msr {
    uint32_t number;
    uint64_t value;
};

struct fake_cpu {
    uint64_t cr0;
    uint64_t cr2;
    uint64_t cr3;
    uint64_t cr4;
    uint64_t dr6;
    uint64_t efer;
    uint64_t pat;
    uint64_t tsc;      /* grows by one a read */
    uint64_t tsc_step; /* and by this */

    /* What CPUID says. */
    bool has_long_mode;
    bool has_nx;
    bool has_pages_1g;
    bool has_smep;
    bool has_smap;
    bool has_umip;
    bool has_pge;
    bool has_pat;
    bool has_rdrand;
    bool hypervisor;
    uint8_t phys_bits;
    uint32_t signature; /* leaf 1, EAX */
    const char *brand;  /* 48 bytes, or NULL: no such leaves */

    /* What SGDT and SIDT say: base and limit. */
    uint64_t gdt_base;
    uint64_t idt_base;
    uint16_t gdt_limit;
    uint16_t idt_limit;

    /* What there is besides: CPUID bits, registers. An MSR that is not there ends the test. */
    const struct fake_cpuid *cpuid;
    uint32_t cpuid_count;
    const struct fake_msr *msrs;
    uint32_t msr_count;

    /* What was done. */
    uint32_t invlpg_count;
    uint64_t invlpg_last;
    uint32_t clflush_count;
    const void *clflush_last;
    uint32_t cr3_writes;
    uint32_t cr4_writes;
    void (*on_cr3_write)(void); /* called when CR3 has its new value; may be NULL */
    /* Called once, at the next such call: what another CPU does at that point; may be NULL. */
    void (*on_relax)(void);
    void (*on_cpu_number)(void);
    uint64_t rdrand_state;
    bool rdrand_fails;
};

/** State after fake_cpu_reset(): long mode, NX and 1 GiB pages, 46 bits, no RDRAND, no PGE. */
extern struct fake_cpu fake_cpu;

void fake_cpu_reset(void);

/** The number that arch_cpu_number() gives in the calling thread; 0 at its start. */
void fake_cpu_set_number(uint32_t number);

/** How deep arch_irq_save() is nested in the calling thread. */
uint32_t fake_cpu_irq_depth(void);

#endif
