/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See efi_time.h. Stateless. A measured value is the smaller of two: whatever interrupts a Stall()
 * makes it longer, never shorter.
 */
#include "efi_time.h"

#include <stdbool.h>

#include <arch/cpu.h>

#include "lib/bits.h"

#define LEAF_TSC_CRYSTAL    0x15U
#define LEAF_BASE_FREQUENCY 0x16U
#define STALL_MICROSECONDS  5000U
#define STALLS_PER_SECOND   (1000000U / STALL_MICROSECONDS)
#define HZ_MIN              UINT64_C(10000000)     /* 10 MHz */
#define HZ_MAX              UINT64_C(100000000000) /* 100 GHz */

static bool is_believable(uint64_t hz)
{
    return hz >= HZ_MIN && hz <= HZ_MAX;
}

/* TSC = crystal * EBX / EAX; many CPUs leave the crystal's frequency out. */
static uint64_t hz_from_crystal(void)
{
    const struct x86_cpuid_registers leaf = x86_cpuid(LEAF_TSC_CRYSTAL, 0);
    if (leaf.eax == 0 || leaf.ebx == 0 || leaf.ecx == 0) {
        return 0;
    }
    return (uint64_t)leaf.ecx * leaf.ebx / leaf.eax;
}

static uint64_t ticks_of_one_stall(EFI_BOOT_SERVICES *services)
{
    const uint64_t start = x86_rdtsc();
    if (EFI_ERROR(services->Stall(STALL_MICROSECONDS))) {
        return 0;
    }
    return x86_rdtsc() - start;
}

static uint64_t hz_from_stall(EFI_BOOT_SERVICES *services)
{
    const uint64_t first = ticks_of_one_stall(services);
    const uint64_t second = ticks_of_one_stall(services);
    const uint64_t ticks = bits_min(first, second);
    return ticks <= HZ_MAX / STALLS_PER_SECOND ? ticks * STALLS_PER_SECOND : 0;
}

uint64_t efi_time_tsc_hz(EFI_BOOT_SERVICES *services, enum bootinfo_tsc_source *source)
{
    const uint32_t last_leaf = x86_cpuid(0, 0).eax;
    uint64_t hz = last_leaf >= LEAF_TSC_CRYSTAL ? hz_from_crystal() : 0;
    *source = BOOTINFO_TSC_CPUID_15;
    if (!is_believable(hz)) {
        hz = last_leaf >= LEAF_BASE_FREQUENCY
                 ? (x86_cpuid(LEAF_BASE_FREQUENCY, 0).eax & 0xffffU) * UINT64_C(1000000)
                 : 0;
        *source = BOOTINFO_TSC_CPUID_16;
    }
    if (!is_believable(hz)) {
        hz = hz_from_stall(services);
        *source = BOOTINFO_TSC_STALL;
    }
    if (!is_believable(hz)) {
        *source = BOOTINFO_TSC_UNKNOWN;
        return 0;
    }
    return hz;
}
