/* SPDX-License-Identifier: GPL-2.0-only
 *
 * CPUID -> struct cpu_features. Loader, kernel and host.
 */
#include "cpu_features.h"

#include <arch/cpu.h>

#include "lib/bits.h"

#define LEAF_EXTENDED_MAX  0x80000000U
#define LEAF_EXTENDED      0x80000001U
#define LEAF_ADDRESS_SIZES 0x80000008U
#define PHYS_BITS_DEFAULT  36U

static bool has(uint32_t value, unsigned bit)
{
    return (value & BIT(bit)) != 0;
}

static void store_text(char *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        to[i] = (char)((value >> (8 * i)) & 0x7fU);
    }
}

static void read_basic(struct cpu_features *features)
{
    const struct x86_cpuid_registers leaf0 = x86_cpuid(0, 0);
    store_text(features->vendor, leaf0.ebx);
    store_text(features->vendor + 4, leaf0.edx);
    store_text(features->vendor + 8, leaf0.ecx);
    features->vendor[12] = '\0';

    const struct x86_cpuid_registers leaf1 = x86_cpuid(1, 0);
    features->msr = has(leaf1.edx, 5);
    features->pae = has(leaf1.edx, 6);
    features->pge = has(leaf1.edx, 13);
    features->pat = has(leaf1.edx, 16);
    features->rdrand = has(leaf1.ecx, 30);
    features->hypervisor = has(leaf1.ecx, 31);

    if (leaf0.eax >= 7) {
        const struct x86_cpuid_registers leaf7 = x86_cpuid(7, 0);
        features->smep = has(leaf7.ebx, 7);
        features->smap = has(leaf7.ebx, 20);
        features->umip = has(leaf7.ecx, 2);
    }
}

static void read_extended(struct cpu_features *features)
{
    const uint32_t last = x86_cpuid(LEAF_EXTENDED_MAX, 0).eax;
    if (last >= LEAF_EXTENDED) {
        const struct x86_cpuid_registers leaf = x86_cpuid(LEAF_EXTENDED, 0);
        features->nx = has(leaf.edx, 20);
        features->pages_1g = has(leaf.edx, 26);
        features->long_mode = has(leaf.edx, 29);
    }
    if (last >= LEAF_ADDRESS_SIZES) {
        features->phys_bits = (uint8_t)(x86_cpuid(LEAF_ADDRESS_SIZES, 0).eax & 0xffU);
    }
    if (features->phys_bits < 32 || features->phys_bits > 52) {
        features->phys_bits = PHYS_BITS_DEFAULT; /* nonsense or absent */
    }
}

void cpu_features_read(struct cpu_features *features)
{
    *features = (struct cpu_features){ .phys_bits = 0 };
    read_basic(features);
    read_extended(features);
}
