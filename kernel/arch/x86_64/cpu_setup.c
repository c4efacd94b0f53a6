/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See cpu_setup.h. FPU and SSE stay off (CR0.EM set, CR4.OSFXSR clear): kernel code is compiled
 * with general registers only, and a stray SSE instruction then faults at once.
 */
#include "cpu_setup.h"

#include <arch/cpu.h>

#include "control.h"
#include "msr.h"
#include "paging.h"

static struct cpu_features features;

static uint64_t wanted_cr4(void)
{
    uint64_t cr4 = CR4_DE | CR4_PAE | CR4_MCE;
    cr4 |= features.pge ? CR4_PGE : 0;
    cr4 |= features.umip ? CR4_UMIP : 0;
    cr4 |= features.smep ? CR4_SMEP : 0;
    cr4 |= features.smap ? CR4_SMAP : 0;
    return cr4;
}

static void write_pat(void)
{
    if (!features.pat || x86_rdmsr(X86_MSR_PAT) == X86_PAT_VALUE) {
        return;
    }
    /* Lines cached under an old type must not survive: SDM vol 3A, "Programming the PAT". */
    x86_wbinvd();
    x86_wrmsr(X86_MSR_PAT, X86_PAT_VALUE);
    x86_wbinvd();
    x86_write_cr3(x86_read_cr3());
}

void cpu_setup(void)
{
    cpu_features_read(&features);
    x86_write_cr0(CR0_PE | CR0_MP | CR0_EM | CR0_ET | CR0_NE | CR0_WP | CR0_PG);
    x86_write_cr4(wanted_cr4());
    uint64_t efer = X86_EFER_LME | X86_EFER_LMA;
    efer |= features.nx ? X86_EFER_NXE : 0;
    x86_wrmsr(X86_MSR_EFER, efer);
    write_pat();
}

const struct cpu_features *cpu_setup_features(void)
{
    return &features;
}
