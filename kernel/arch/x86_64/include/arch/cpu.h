/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Every privileged or special instruction that this project executes, one static inline each, but
 * for port I/O (<arch/io.h>). x86_* is private to x86-64 code; arch_* is what generic code may
 * call. The host build finds a fake of the same name under tests/fake/include/arch/.
 *
 * References: SDM vol 2 (ed. 2023-12), the instruction's own page.
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

/** CPUID with EAX = @p leaf and ECX = @p subleaf. The caller checks that the leaf exists. */
static inline struct x86_cpuid_registers x86_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct x86_cpuid_registers r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t x86_rdmsr(uint32_t msr)
{
    uint32_t low;
    uint32_t high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return ((uint64_t)high << 32) | low;
}

static inline void x86_wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)(value & UINT32_MAX)), "d"((uint32_t)(value >> 32))
                     : "memory");
}

static inline uint64_t x86_read_cr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value) : : "memory");
    return value;
}

static inline void x86_write_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

/** The address of the last page fault. */
static inline uint64_t x86_read_cr2(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value) : : "memory");
    return value;
}

static inline uint64_t x86_read_cr3(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value) : : "memory");
    return value;
}

static inline void x86_write_cr3(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline uint64_t x86_read_cr4(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value) : : "memory");
    return value;
}

static inline void x86_write_cr4(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

/** The debug status: why the last debug exception came (SDM vol 3B, "Debug Status Register"). */
static inline uint64_t x86_read_dr6(void)
{
    uint64_t value;
    __asm__ volatile("mov %%dr6, %0" : "=r"(value) : : "memory");
    return value;
}

static inline void x86_write_dr6(uint64_t value)
{
    __asm__ volatile("mov %0, %%dr6" : : "r"(value) : "memory");
}

/** The debug control register: which of the address registers 0 to 3 stop the CPU, and when. */
static inline void x86_write_dr7(uint64_t value)
{
    __asm__ volatile("mov %0, %%dr7" : : "r"(value) : "memory");
}

static inline void x86_write_dr0(uint64_t address)
{
    __asm__ volatile("mov %0, %%dr0" : : "r"(address) : "memory");
}

static inline void x86_write_dr1(uint64_t address)
{
    __asm__ volatile("mov %0, %%dr1" : : "r"(address) : "memory");
}

static inline void x86_write_dr2(uint64_t address)
{
    __asm__ volatile("mov %0, %%dr2" : : "r"(address) : "memory");
}

static inline void x86_write_dr3(uint64_t address)
{
    __asm__ volatile("mov %0, %%dr3" : : "r"(address) : "memory");
}

static inline uint64_t x86_read_dr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%dr0, %0" : "=r"(value) : : "memory");
    return value;
}

static inline uint64_t x86_read_dr1(void)
{
    uint64_t value;
    __asm__ volatile("mov %%dr1, %0" : "=r"(value) : : "memory");
    return value;
}

static inline uint64_t x86_read_dr2(void)
{
    uint64_t value;
    __asm__ volatile("mov %%dr2, %0" : "=r"(value) : : "memory");
    return value;
}

static inline uint64_t x86_read_dr3(void)
{
    uint64_t value;
    __asm__ volatile("mov %%dr3, %0" : "=r"(value) : : "memory");
    return value;
}

static inline uint64_t x86_read_dr7(void)
{
    uint64_t value;
    __asm__ volatile("mov %%dr7, %0" : "=r"(value) : : "memory");
    return value;
}

static inline uint16_t x86_read_cs(void)
{
    uint16_t selector;
    __asm__ volatile("mov %%cs, %0" : "=r"(selector));
    return selector;
}

static inline uint16_t x86_read_ss(void)
{
    uint16_t selector;
    __asm__ volatile("mov %%ss, %0" : "=r"(selector));
    return selector;
}

static inline uint16_t x86_read_ds(void)
{
    uint16_t selector;
    __asm__ volatile("mov %%ds, %0" : "=r"(selector));
    return selector;
}

static inline uint16_t x86_read_es(void)
{
    uint16_t selector;
    __asm__ volatile("mov %%es, %0" : "=r"(selector));
    return selector;
}

static inline uint16_t x86_read_fs(void)
{
    uint16_t selector;
    __asm__ volatile("mov %%fs, %0" : "=r"(selector));
    return selector;
}

static inline uint16_t x86_read_gs(void)
{
    uint16_t selector;
    __asm__ volatile("mov %%gs, %0" : "=r"(selector));
    return selector;
}

static inline void x86_invlpg(uint64_t virtual_address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(virtual_address) : "memory");
}

/** Writes the cache line of @p address to memory and drops it (SDM vol 2A, "CLFLUSH"). */
static inline void x86_clflush(const void *address)
{
    __asm__ volatile("clflush (%0)" : : "r"(address) : "memory");
}

/** Write back and invalidate all caches: needed when the PAT changes (SDM vol 3A, 12.12.4). */
static inline void x86_wbinvd(void)
{
    __asm__ volatile("wbinvd" : : : "memory");
}

static inline uint64_t x86_rdtsc(void)
{
    uint32_t low;
    uint32_t high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return ((uint64_t)high << 32) | low;
}

/** RDRAND into @p value; false where the generator had nothing. Only where CPUID says RDRAND. */
static inline bool x86_rdrand64(uint64_t *value) /* NOLINT(readability-non-const-parameter): asm */
{
    bool ok;
    __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
    return ok;
}

/** Operand of LGDT and LIDT. */
struct x86_table_register {
    uint16_t limit; /* bytes - 1 */
    uint64_t base;
} __attribute__((packed));

static inline void x86_lgdt(const struct x86_table_register *table)
{
    __asm__ volatile("lgdt %0" : : "m"(*table) : "memory");
}

static inline void x86_lidt(const struct x86_table_register *table)
{
    __asm__ volatile("lidt %0" : : "m"(*table) : "memory");
}

/** The table register as loaded (SDM vol 2, SGDT, SIDT). */
static inline void x86_sgdt(struct x86_table_register *table)
{
    __asm__ volatile("sgdt %0" : "=m"(*table) : : "memory");
}

static inline void x86_sidt(struct x86_table_register *table)
{
    __asm__ volatile("sidt %0" : "=m"(*table) : : "memory");
}

/** Selectors of the task register and of the local descriptor table (SDM vol 2, STR, SLDT). */
static inline uint16_t x86_str(void)
{
    uint16_t selector;
    __asm__ volatile("str %0" : "=r"(selector));
    return selector;
}

static inline uint16_t x86_sldt(void)
{
    uint16_t selector;
    __asm__ volatile("sldt %0" : "=r"(selector));
    return selector;
}

static inline void x86_ltr(uint16_t selector)
{
    __asm__ volatile("ltr %0" : : "r"(selector) : "memory");
}

static inline uint64_t x86_read_rflags(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
    return flags;
}

static inline void x86_cli(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void x86_sti(void)
{
    __asm__ volatile("sti" : : : "memory");
}

/** INT3: a breakpoint exception, after which execution goes on. */
static inline void x86_breakpoint(void)
{
    __asm__ volatile("int3" : : : "memory");
}

static inline void x86_hlt(void)
{
    __asm__ volatile("hlt" : : : "memory");
}

/** Memory barriers (S08). */
static inline void arch_mfence(void)
{
    __asm__ volatile("mfence" : : : "memory");
}

static inline void arch_lfence(void)
{
    __asm__ volatile("lfence" : : : "memory");
}

static inline void arch_sfence(void)
{
    __asm__ volatile("sfence" : : : "memory");
}

/** Orders the compiler only. */
static inline void arch_compiler_fence(void)
{
    __asm__ volatile("" : : : "memory");
}

#define X86_RFLAGS_IF (UINT64_C(1) << 9)

/** Masks interrupts. @return a token for arch_irq_restore(). */
static inline uint64_t arch_irq_save(void)
{
    const uint64_t flags = x86_read_rflags();
    x86_cli();
    return flags;
}

/** Undoes the arch_irq_save() that returned @p token. */
static inline void arch_irq_restore(uint64_t token)
{
    if ((token & X86_RFLAGS_IF) != 0) {
        x86_sti();
    }
}

/** Inside a spin loop. */
static inline void arch_cpu_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

/** Number of this CPU, from 0, dense. Only CPU 0 runs so far: the others stay parked. */
static inline uint32_t arch_cpu_number(void)
{
    return 0;
}

/** Ticks of a counter that never goes back on one CPU. */
static inline uint64_t arch_timestamp(void)
{
    return x86_rdtsc();
}

#endif
