/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host side of the seam: the same names as the kernel's <arch/cpu.h>, over the fake CPU of
 * tests/fake/fake_cpu.h.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct x86_cpuid_registers {
    uint32_t eax;
    uint32_t ebx;
    uint32_t ecx;
    uint32_t edx;
};

struct x86_cpuid_registers x86_cpuid(uint32_t leaf, uint32_t subleaf);
uint64_t x86_rdmsr(uint32_t msr);
void x86_wrmsr(uint32_t msr, uint64_t value);
uint64_t x86_read_cr0(void);
void x86_write_cr0(uint64_t value);
uint64_t x86_read_cr2(void);
uint64_t x86_read_cr3(void);
void x86_write_cr3(uint64_t value);
uint64_t x86_read_cr4(void);
void x86_write_cr4(uint64_t value);
uint64_t x86_read_dr6(void);
uint16_t x86_read_ds(void);
uint16_t x86_read_es(void);
uint16_t x86_read_fs(void);
uint16_t x86_read_gs(void);
void x86_invlpg(uint64_t virtual_address);
void x86_wbinvd(void);
void x86_clflush(const void *address);
uint64_t x86_rdtsc(void);
bool x86_rdrand64(uint64_t *value);

/** Operand of SGDT and SIDT. */
struct x86_table_register {
    uint16_t limit; /* bytes - 1 */
    uint64_t base;
} __attribute__((packed));

void x86_sgdt(struct x86_table_register *table);
void x86_sidt(struct x86_table_register *table);
uint16_t x86_str(void);
uint16_t x86_sldt(void);

static inline void arch_mfence(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void arch_lfence(void)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void arch_sfence(void)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void arch_compiler_fence(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/** Counts nesting, so that a test can see that interrupts were off and came back. */
uint64_t arch_irq_save(void);
void arch_irq_restore(uint64_t token);
void arch_cpu_relax(void);
/** The fake's number of the calling thread (fake_cpu_set_number). */
uint32_t arch_cpu_number(void);
uint64_t arch_timestamp(void);

#endif
