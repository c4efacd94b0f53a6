/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See control_registers.h. SDM vol 3A, "Control Registers" and "IA32_PAT MSR", vol 4 for EFER
 * (ed. 2023-12).
 */
#include "monitor/control_registers.h"

#include <arch/cpu.h>

#include "console.h"
#include "lib/bits.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "msr.h"

static const struct bit_name cr0_names[] = {
    { 0, "PE" },  { 1, "MP" },  { 2, "EM" },  { 3, "TS" },  { 4, "ET" },  { 5, "NE" },
    { 16, "WP" }, { 18, "AM" }, { 29, "NW" }, { 30, "CD" }, { 31, "PG" },
};

static const struct bit_name cr4_names[] = {
    { 0, "VME" },         { 1, "PVI" },    { 2, "TSD" },      { 3, "DE" },    { 4, "PSE" },
    { 5, "PAE" },         { 6, "MCE" },    { 7, "PGE" },      { 8, "PCE" },   { 9, "OSFXSR" },
    { 10, "OSXMMEXCPT" }, { 11, "UMIP" },  { 12, "LA57" },    { 13, "VMXE" }, { 14, "SMXE" },
    { 16, "FSGSBASE" },   { 17, "PCIDE" }, { 18, "OSXSAVE" }, { 19, "KL" },   { 20, "SMEP" },
    { 21, "SMAP" },       { 22, "PKE" },   { 23, "CET" },     { 24, "PKS" },
};

static const struct bit_name efer_names[] = {
    { 0, "SCE" }, { 8, "LME" }, { 10, "LMA" }, { 11, "NXE" }, { 12, "SVME" }, { 14, "FFXSR" },
};

void print_bit_names(uint64_t value, const struct bit_name *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if ((value & BIT(names[i].position)) != 0) {
            console_printf(" %s", names[i].name);
        }
    }
    console_printf("\n");
}

static void print_register(const char *name, uint64_t value, const struct bit_name *names,
                           size_t count)
{
    console_printf("%-4s 0x%016" FMTx64, name, value);
    print_bit_names(value, names, count);
}

/* The memory type of each slot, the lowest first. */
static void print_pat(uint64_t pat)
{
    static const char types[8][4] = { "uc", "wc", "?", "?", "wt", "wp", "wb", "uc-" };
    console_printf("PAT  0x%016" FMTx64, pat);
    for (unsigned slot = 0; slot < 8; slot++) {
        console_printf(" %.3s", types[(pat >> (8 * slot)) & 7]);
    }
    console_printf("\n");
}

void control_registers_print(void)
{
    print_register("CR0", x86_read_cr0(), cr0_names, ARRAY_COUNT(cr0_names));
    print_register("CR2", x86_read_cr2(), NULL, 0);
    print_register("CR3", x86_read_cr3(), NULL, 0);
    print_register("CR4", x86_read_cr4(), cr4_names, ARRAY_COUNT(cr4_names));
    print_register("EFER", x86_rdmsr(X86_MSR_EFER), efer_names, ARRAY_COUNT(efer_names));
    print_pat(x86_rdmsr(X86_MSR_PAT));
}
