/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See cpu_commands.h. No state. Leaves and bits: SDM vol 2, CPUID (ed. 2023-12); AMD64 APM vol 3,
 * appendix E, for what only AMD has.
 */
#include "monitor/cpu_commands.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arch/cpu.h>
#include <arch/safe_access.h>

#include "console.h"
#include "cpu_features.h"
#include "lib/bits.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "lib/printable.h"
#include "lockdown.h"
#include "monitor/arguments.h"
#include "monitor/command.h"
#include "monitor/control_registers.h"

#define LEAF_EXTENDED   0x80000000U
#define LEAF_BRAND      0x80000002U /* and the two behind it */
#define LEAF_BRAND_LAST 0x80000004U
#define LEAF_ADDRESSES  0x80000008U
#define FAMILY_EXTENDED 0xfU

/* ---- cpuid -------------------------------------------------------------------------------------
 */

enum {
    EAX,
    EBX,
    ECX,
    EDX
};

/* What matters to paging, exceptions and time; the name lies inside, so that nothing needs a
 * relocation. */
struct feature {
    uint32_t leaf;
    uint8_t reg;
    uint8_t bit;
    char name[10];
};

static const struct feature features[] = {
    { 1, EDX, 3, "pse" },
    { 1, EDX, 5, "msr" },
    { 1, EDX, 6, "pae" },
    { 1, EDX, 7, "mce" },
    { 1, EDX, 9, "apic" },
    { 1, EDX, 12, "mtrr" },
    { 1, EDX, 13, "pge" },
    { 1, EDX, 16, "pat" },
    { 1, ECX, 17, "pcid" },
    { 1, ECX, 21, "x2apic" },
    { 1, ECX, 24, "deadline" },
    { 1, ECX, 26, "xsave" },
    { 1, ECX, 30, "rdrand" },
    { 1, ECX, 31, "hypervisor" },
    { 7, EBX, 0, "fsgsbase" },
    { 7, EBX, 7, "smep" },
    { 7, EBX, 10, "invpcid" },
    { 7, EBX, 18, "rdseed" },
    { 7, EBX, 20, "smap" },
    { 7, ECX, 2, "umip" },
    { 7, ECX, 3, "pku" },
    { 7, ECX, 7, "cet_ss" },
    { 7, ECX, 16, "la57" },
    { 7, ECX, 31, "pks" },
    { 0x80000001, EDX, 11, "syscall" },
    { 0x80000001, EDX, 20, "nx" },
    { 0x80000001, EDX, 26, "1gpages" },
    { 0x80000001, EDX, 27, "rdtscp" },
    { 0x80000001, EDX, 29, "lm" },
    { 0x80000007, EDX, 8, "invtsc" },
};

/* Whether the CPU has the leaf: what it says of others is nothing (Intel: the highest basic one).
 */
static bool has_leaf(uint32_t leaf)
{
    const uint32_t last = x86_cpuid(leaf & LEAF_EXTENDED, 0).eax;
    return leaf <= last && (last & LEAF_EXTENDED) == (leaf & LEAF_EXTENDED);
}

static bool has_feature(const struct feature *feature)
{
    if (!has_leaf(feature->leaf)) {
        return false;
    }
    const struct x86_cpuid_registers r = x86_cpuid(feature->leaf, 0);
    const uint32_t values[] = { r.eax, r.ebx, r.ecx, r.edx };
    return (values[feature->reg] & BIT(feature->bit)) != 0;
}

/* Printable characters only: a hypervisor's user chose them. */
static void print_brand(void)
{
    char text[49] = "";
    char *to = text;
    for (uint32_t leaf = LEAF_BRAND; leaf <= LEAF_BRAND_LAST && has_leaf(LEAF_BRAND_LAST); leaf++) {
        const struct x86_cpuid_registers r = x86_cpuid(leaf, 0);
        memcpy(to, &r, sizeof(r));
        to += sizeof(r);
    }
    for (char *c = text; *c != '\0'; c++) {
        *c = printable((uint8_t)*c); /* as a byte */
    }
    const char *const brand = argument_skip_spaces(text);
    console_printf("brand   %s\n", *brand != '\0' ? brand : "(none)");
}

/* SDM vol 2, CPUID, "Version Information Returned by CPUID in EAX". */
static void print_version(uint32_t signature)
{
    uint32_t family = (signature >> 8) & 0xf;
    uint32_t model = (signature >> 4) & 0xf;
    if (family == 6 || family == FAMILY_EXTENDED) {
        model |= (signature >> 12) & 0xf0;
    }
    if (family == FAMILY_EXTENDED) {
        family += (signature >> 20) & 0xff;
    }
    console_printf("family %u model %u stepping %u (0x%08x)\n", family, model, signature & 0xf,
                   signature);
}

static void print_features(const char *title, bool present)
{
    console_printf("%s", title);
    for (size_t i = 0; i < ARRAY_COUNT(features); i++) {
        if (has_feature(&features[i]) == present) {
            console_printf(" %.10s", features[i].name);
        }
    }
    console_printf("\n");
}

static void print_summary(void)
{
    struct cpu_features known;
    cpu_features_read(&known);
    console_printf("vendor  %s, leaves up to 0x%x and 0x%x\n", known.vendor, x86_cpuid(0, 0).eax,
                   x86_cpuid(LEAF_EXTENDED, 0).eax);
    print_brand();
    print_version(x86_cpuid(1, 0).eax);
    const uint32_t sizes = has_leaf(LEAF_ADDRESSES) ? x86_cpuid(LEAF_ADDRESSES, 0).eax : 0;
    console_printf("address bits: %u physical, %u virtual\n", known.phys_bits, (sizes >> 8) & 0xff);
    print_features("has    ", true);
    print_features("has not", false);
}

static bool take_u32(const char **cursor, uint32_t *value)
{
    uint64_t wide;
    if (argument_hex(cursor, &wide) != K_OK || wide > UINT32_MAX) {
        return false;
    }
    *value = (uint32_t)wide; /* checked */
    return true;
}

void cpuid_command(const char *argument)
{
    if (argument_is_end(argument)) {
        print_summary();
        return;
    }
    uint32_t leaf;
    uint32_t subleaf = 0;
    if (!take_u32(&argument, &leaf) ||
        (!argument_is_end(argument) && !take_u32(&argument, &subleaf)) ||
        !argument_is_end(argument)) {
        monitor_usage("cpuid");
        return;
    }
    const struct x86_cpuid_registers r = x86_cpuid(leaf, subleaf);
    console_printf("0x%08x 0x%x: eax 0x%08x ebx 0x%08x ecx 0x%08x edx 0x%08x%s\n", leaf, subleaf,
                   r.eax, r.ebx, r.ecx, r.edx, has_leaf(leaf) ? "" : " (no such leaf)");
}

/* ---- msr, cr -----------------------------------------------------------------------------------
 */

static void write_msr(uint32_t msr, uint64_t value)
{
    if (lockdown_refuses("msr write")) {
        return;
    }
    if (arch_safe_wrmsr(msr, value) != K_OK) {
        console_printf("msr 0x%x: the CPU refuses 0x%" FMTx64 "\n", msr, value);
    }
}

static void read_msr(uint32_t msr)
{
    uint64_t value;
    if (arch_safe_rdmsr(msr, &value) == K_OK) {
        console_printf("msr 0x%x = 0x%016" FMTx64 "\n", msr, value);
    } else {
        console_printf("msr 0x%x: the CPU has no such register\n", msr);
    }
}

void msr_command(const char *argument)
{
    uint32_t msr;
    uint64_t value;
    const bool has_number = take_u32(&argument, &msr);
    if (has_number && argument_is_end(argument)) {
        read_msr(msr);
    } else if (has_number && argument_hex(&argument, &value) == K_OK && argument_is_end(argument)) {
        write_msr(msr, value);
    } else {
        monitor_usage("msr");
    }
}

void cr_command(const char *argument)
{
    (void)argument;
    control_registers_print();
}
