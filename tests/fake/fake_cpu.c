/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_cpu.h. CPUID bits: SDM vol 2, CPUID (ed. 2023-12).
 */
#include "tests/fake/fake_cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/cpu.h>
#include <sched.h>

#define MSR_EFER     0xc0000080U
#define MSR_PAT      0x277U
#define EFER_NXE     (UINT64_C(1) << 11)
#define PAT_AT_RESET UINT64_C(0x0007040600070406)

struct fake_cpu fake_cpu;

static _Thread_local uint32_t cpu_number;
static _Thread_local uint32_t irq_depth;

void fake_cpu_reset(void)
{
    memset(&fake_cpu, 0, sizeof(fake_cpu));
    fake_cpu.cr0 = 0x80010033;
    fake_cpu.cr4 = 0x668;
    fake_cpu.efer = 0xd00;
    fake_cpu.pat = PAT_AT_RESET;
    fake_cpu.has_long_mode = true;
    fake_cpu.has_nx = true;
    fake_cpu.has_pages_1g = true;
    fake_cpu.has_pat = true;
    fake_cpu.phys_bits = 46;
    fake_cpu.rdrand_state = 1;
    cpu_number = 0;
    irq_depth = 0;
}

void fake_cpu_set_number(uint32_t number)
{
    cpu_number = number;
}

uint32_t fake_cpu_irq_depth(void)
{
    return irq_depth;
}

static uint32_t bit(bool set, unsigned position)
{
    return set ? UINT32_C(1) << position : 0;
}

static struct x86_cpuid_registers usual_leaf(uint32_t leaf, uint32_t subleaf)
{
    struct x86_cpuid_registers r = { 0 };
    switch (leaf) {
    case 0:
        r.eax = 7;
        memcpy(&r.ebx, "Fake", 4);
        memcpy(&r.edx, "CpuF", 4);
        memcpy(&r.ecx, "orXs", 4);
        break;
    case 1:
        r.eax = fake_cpu.signature;
        r.ecx = bit(fake_cpu.has_rdrand, 30) | bit(fake_cpu.hypervisor, 31);
        r.edx = bit(true, 4) | bit(true, 5) | bit(true, 6) | bit(fake_cpu.has_pge, 13) |
                bit(fake_cpu.has_pat, 16);
        break;
    case 7:
        if (subleaf == 0) {
            r.ebx = bit(fake_cpu.has_smep, 7) | bit(fake_cpu.has_smap, 20);
            r.ecx = bit(fake_cpu.has_umip, 2);
        }
        break;
    case 0x80000000U:
        r.eax = 0x80000008U;
        break;
    case 0x80000001U:
        r.edx = bit(fake_cpu.has_nx, 20) | bit(fake_cpu.has_pages_1g, 26) |
                bit(fake_cpu.has_long_mode, 29);
        break;
    case 0x80000002U:
    case 0x80000003U:
    case 0x80000004U:
        if (fake_cpu.brand != NULL) {
            memcpy(&r, fake_cpu.brand + 16 * (leaf - 0x80000002U), sizeof(r));
        }
        break;
    case 0x80000008U:
        r.eax = fake_cpu.phys_bits | (48U << 8);
        break;
    default:
        break;
    }
    return r;
}

struct x86_cpuid_registers x86_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct x86_cpuid_registers r = usual_leaf(leaf, subleaf);
    for (uint32_t i = 0; i < fake_cpu.cpuid_count && subleaf == 0; i++) {
        const struct fake_cpuid *const more = &fake_cpu.cpuid[i];
        if (more->leaf == leaf) {
            r.eax |= more->eax;
            r.ebx |= more->ebx;
            r.ecx |= more->ecx;
            r.edx |= more->edx;
        }
    }
    return r;
}

uint64_t x86_rdmsr(uint32_t msr)
{
    for (uint32_t i = 0; i < fake_cpu.msr_count; i++) {
        if (fake_cpu.msrs[i].number == msr) {
            return fake_cpu.msrs[i].value;
        }
    }
    switch (msr) {
    case MSR_EFER:
        return fake_cpu.efer;
    case MSR_PAT:
        return fake_cpu.pat;
    default:
        fprintf(stderr, "fake_cpu: rdmsr %#x\n", msr);
        abort();
    }
}

void x86_wrmsr(uint32_t msr, uint64_t value)
{
    switch (msr) {
    case MSR_EFER:
        /* A CPU without NX faults on NXE; the emulator ignores it. Ignore, as the milder one. */
        fake_cpu.efer = fake_cpu.has_nx ? value : value & ~EFER_NXE;
        return;
    case MSR_PAT:
        fake_cpu.pat = value;
        return;
    default:
        fprintf(stderr, "fake_cpu: wrmsr %#x\n", msr);
        abort();
    }
}

uint64_t x86_read_cr0(void)
{
    return fake_cpu.cr0;
}

void x86_write_cr0(uint64_t value)
{
    fake_cpu.cr0 = value;
}

uint64_t x86_read_cr2(void)
{
    return fake_cpu.cr2;
}

uint64_t x86_read_cr3(void)
{
    return fake_cpu.cr3;
}

void x86_write_cr3(uint64_t value)
{
    fake_cpu.cr3 = value;
    fake_cpu.cr3_writes++;
    if (fake_cpu.on_cr3_write != NULL) {
        fake_cpu.on_cr3_write();
    }
}

uint64_t x86_read_cr4(void)
{
    return fake_cpu.cr4;
}

void x86_write_cr4(uint64_t value)
{
    fake_cpu.cr4 = value;
    fake_cpu.cr4_writes++;
}

uint64_t x86_read_dr6(void)
{
    return fake_cpu.dr6;
}

uint16_t x86_read_ds(void)
{
    return 0x10;
}

uint16_t x86_read_es(void)
{
    return 0x10;
}

uint16_t x86_read_fs(void)
{
    return 0x10;
}

uint16_t x86_read_gs(void)
{
    return 0x10;
}

void x86_sgdt(struct x86_table_register *table)
{
    table->base = fake_cpu.gdt_base;
    table->limit = fake_cpu.gdt_limit;
}

void x86_sidt(struct x86_table_register *table)
{
    table->base = fake_cpu.idt_base;
    table->limit = fake_cpu.idt_limit;
}

uint16_t x86_str(void)
{
    return 0x18;
}

uint16_t x86_sldt(void)
{
    return 0;
}

void x86_invlpg(uint64_t virtual_address)
{
    fake_cpu.invlpg_count++;
    fake_cpu.invlpg_last = virtual_address;
}

void x86_wbinvd(void) {}

void x86_clflush(const void *address)
{
    fake_cpu.clflush_count++;
    fake_cpu.clflush_last = address;
}

uint64_t x86_rdtsc(void)
{
    fake_cpu.tsc += fake_cpu.tsc_step;
    return fake_cpu.tsc++;
}

bool x86_rdrand64(uint64_t *value)
{
    if (fake_cpu.rdrand_fails) {
        return false;
    }
    fake_cpu.rdrand_state = fake_cpu.rdrand_state * UINT64_C(6364136223846793005) + 1;
    *value = fake_cpu.rdrand_state;
    return true;
}

uint64_t arch_irq_save(void)
{
    return irq_depth++;
}

void arch_irq_restore(uint64_t token)
{
    irq_depth = (uint32_t)token;
}

static void run_once(void (**hook)(void))
{
    void (*const action)(void) = *hook;
    if (action != NULL) {
        *hook = NULL;
        action();
    }
}

void arch_cpu_relax(void)
{
    run_once(&fake_cpu.on_relax);
    (void)sched_yield(); /* so that a spinning test thread lets the holder run */
}

uint32_t arch_cpu_number(void)
{
    run_once(&fake_cpu.on_cpu_number);
    return cpu_number;
}

uint64_t arch_timestamp(void)
{
    return x86_rdtsc();
}
