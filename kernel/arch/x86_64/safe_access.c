/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See <arch/safe_access.h>: picks the instruction of probe.S by width. No state.
 */
#include <arch/safe_access.h>

#include "probe.h"

static enum kstatus status_of(uint64_t fault)
{
    return fault == 0 ? K_OK : K_EFAULT;
}

enum kstatus arch_safe_load(virt_addr_t virt, unsigned width_bytes, uint64_t *value)
{
    switch (width_bytes) {
    case 1:
        return status_of(x86_safe_load_1(virt.value, value));
    case 2:
        return status_of(x86_safe_load_2(virt.value, value));
    case 4:
        return status_of(x86_safe_load_4(virt.value, value));
    case 8:
        return status_of(x86_safe_load_8(virt.value, value));
    default:
        return K_EINVAL;
    }
}

enum kstatus arch_safe_store(virt_addr_t virt, unsigned width_bytes, uint64_t value)
{
    switch (width_bytes) {
    case 1:
        return status_of(x86_safe_store_1(virt.value, value));
    case 2:
        return status_of(x86_safe_store_2(virt.value, value));
    case 4:
        return status_of(x86_safe_store_4(virt.value, value));
    case 8:
        return status_of(x86_safe_store_8(virt.value, value));
    default:
        return K_EINVAL;
    }
}

enum kstatus arch_safe_rdmsr(uint32_t msr, uint64_t *value)
{
    return status_of(x86_safe_rdmsr(msr, value));
}

enum kstatus arch_safe_wrmsr(uint32_t msr, uint64_t value)
{
    return status_of(x86_safe_wrmsr(msr, value));
}
