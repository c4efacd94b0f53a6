/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See efer.h. The seed takes a clear NXE as "reserved" (S20); we first try to set it, because
 * clear only means that nobody did. The emulator ignores the write on a CPU without NX and real
 * hardware faults, so it is written only where CPUID says that it exists, and read back.
 */
#include "efer.h"

#include <stdatomic.h>
#include <stdint.h>

#include <arch/cpu.h>

#include "msr.h"
#include "printk.h"

static atomic_bool xd_reserved;

bool efer_nxe_is_set(void)
{
    return (x86_rdmsr(X86_MSR_EFER) & X86_EFER_NXE) != 0;
}

void init_xd_rsvd(bool cpu_has_nx)
{
    if (cpu_has_nx && !efer_nxe_is_set()) {
        pr_debug("efer: NO_EXECUTE_ENABLE is clear: setting it");
        x86_wrmsr(X86_MSR_EFER, x86_rdmsr(X86_MSR_EFER) | X86_EFER_NXE);
    }
    const bool reserved = !cpu_has_nx || !efer_nxe_is_set();
    atomic_store_explicit(&xd_reserved, reserved, memory_order_relaxed);
    if (reserved) {
        pr_warn("efer: this CPU has no NX: XD is reserved, every mapped page is executable");
    }
}

bool is_xd_reserved(void)
{
    return atomic_load_explicit(&xd_reserved, memory_order_relaxed);
}
