/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's `cpuid`, `msr`, `cr`, `gdt`, `idt` over the fake CPU: words for known numbers, and
 * an answer for whatever is typed.
 */
#include "monitor/cpu_commands.h"

#include <string.h>

#include "arch/x86_64/descriptor_text.h"
#include "lockdown.h"
#include "monitor/command.h"
#include "monitor/descriptor_commands.h"
#include "tests/fake/fake_console.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_image.h"
#include "tests/fake/fake_safe_access.h"
#include "tests/ktest.h"

static bool has(void (*command)(const char *argument), const char *argument, const char *text)
{
    fake_console_clear();
    monitor_begin_command();
    command(argument);
    const bool found = strstr(fake_console.text, text) != NULL;
    if (!found) {
        ktest_output("    # %s\n", fake_console.text);
    }
    return found;
}

static void cpuid_says_who_the_cpu_is(struct ktest *t)
{
    fake_cpu_reset();
    fake_cpu.signature = 0x000906ea; /* family 6, model 0x9e, stepping 10 */
    static const char brand[48] = "      A CPU of tests\x01 @ 1 MHz";
    fake_cpu.brand = brand;
    KTEST_TRUE(t, has(cpuid_command, "", "vendor  FakeCpuForXs, leaves up to 0x7 and 0x80000008"));
    KTEST_TRUE(t, has(cpuid_command, "", "\nbrand   A CPU of tests? @ 1 MHz\n"));
    KTEST_TRUE(t, has(cpuid_command, "", "\nfamily 6 model 158 stepping 10 (0x000906ea)\n"));
    KTEST_TRUE(t, has(cpuid_command, "", "\naddress bits: 46 physical, 48 virtual\n"));
    fake_cpu.brand = NULL;
    fake_cpu.signature = 0x00a20f12; /* family 0xf + 0xa, model 0x21 */
    KTEST_TRUE(t, has(cpuid_command, " ", "\nbrand   (none)\nfamily 25 model 33 stepping 2 "));
    fake_cpu.signature = 0x000f0543; /* an old family has no more than four bits of model */
    KTEST_TRUE(t, has(cpuid_command, "", "\nfamily 5 model 4 stepping 3 "));
}

static void cpuid_names_features_that_are_there_and_that_are_not(struct ktest *t)
{
    fake_cpu_reset();
    fake_cpu.has_smap = true;
    fake_cpu.hypervisor = true;
    fake_cpu.has_nx = false;
    KTEST_TRUE(t, has(cpuid_command, "",
                      "\nhas     msr pae pat hypervisor smap 1gpages lm\nhas not pse "));
    KTEST_TRUE(t, has(cpuid_command, "", " rdtscp invtsc\n"));
    KTEST_TRUE(t, strstr(strstr(fake_console.text, "has not"), " nx ") != NULL);
}

static void cpuid_prints_the_registers_of_a_leaf(struct ktest *t)
{
    fake_cpu_reset();
    fake_cpu.has_smap = true;
    fake_cpu.has_umip = true;
    KTEST_TRUE(t, has(cpuid_command, "7",
                      "0x00000007 0x0: eax 0x00000000 ebx 0x00100000 ecx 0x00000004 "
                      "edx 0x00000000\n"));
    KTEST_TRUE(t, has(cpuid_command, "0x7 1", "0x00000007 0x1: eax 0x00000000 ebx 0x00000000"));
    KTEST_TRUE(t, has(cpuid_command, "80000009", " (no such leaf)\n"));
    KTEST_TRUE(t, has(cpuid_command, "8", " (no such leaf)\n"));
    KTEST_TRUE(t, has(cpuid_command, "ffffffff ffffffff", " (no such leaf)\n"));
}

static void cpu_commands_refuse_what_is_no_number(struct ktest *t)
{
    static const char *const bad[] = { "x", "100000000", "1 2 3", "1 x", "-1", "%s", "1 \x80" };
    fake_cpu_reset();
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        KTEST_TRUE(t, has(cpuid_command, bad[i], "usage: cpuid"));
        KTEST_TRUE(t, has(msr_command, bad[i], "usage: msr"));
    }
    KTEST_TRUE(t, has(msr_command, "", "usage: msr"));
}

static void msr_reads_and_writes_and_says_what_faults(struct ktest *t)
{
    fake_cpu_reset();
    fake_safe_access_reset();
    fake_safe_access_add_msr(0x1b, 0xfee00900);
    lockdown_init(false, false);
    KTEST_TRUE(t, has(msr_command, "1b", "msr 0x1b = 0x00000000fee00900\n"));
    KTEST_TRUE(t, has(msr_command, "0x1b fee00800", ""));
    KTEST_STRING(t, fake_console.text, "");
    KTEST_TRUE(t, has(msr_command, "1b", "= 0x00000000fee00800\n"));
    KTEST_TRUE(t, has(msr_command, "c0000103", "msr 0xc0000103: the CPU has no such register\n"));
    KTEST_TRUE(t, has(msr_command, "c0000103 1", "msr 0xc0000103: the CPU refuses 0x1\n"));
}

static void msr_writes_are_refused_under_lock_down(struct ktest *t)
{
    fake_cpu_reset();
    fake_safe_access_reset();
    fake_safe_access_add_msr(0x1b, 1);
    lockdown_init(false, true);
    KTEST_TRUE(t, has(msr_command, "1b 2", "msr write"));
    KTEST_TRUE(t, has(msr_command, "1b", "= 0x0000000000000001\n"));
    lockdown_init(false, false);
}

static void cr_names_bits_and_memory_types(struct ktest *t)
{
    fake_cpu_reset();
    fake_cpu.cr0 = 0xe0050033;
    fake_cpu.pat = 0x0007010600070406;
    KTEST_TRUE(t, has(cr_command, "", "CR0  0x00000000e0050033 PE MP ET NE WP AM NW CD PG\n"));
    KTEST_TRUE(t, has(cr_command, "", "PAT  0x0007010600070406 wb wt uc- uc wb wc uc- uc\n"));
}

/* ---- descriptors -------------------------------------------------------------------------------
 */

static void gdt_lists_what_the_register_points_at(struct ktest *t)
{
    /* The kernel's own: code, data, a busy TSS above 4 GiB; then 32-bit code, cut by the limit. */
    static uint64_t table[] = { 0,
                                0x00af9a000000ffff,
                                0x00cf92000000ffff,
                                0x80008b3456780067,
                                0x00000000ffff8000,
                                0x00cf9a000000ffff };
    fake_cpu_reset();
    fake_safe_access_reset();
    fake_safe_access_map(0xffff800000123000, table, sizeof(table), false);
    fake_cpu.gdt_base = 0xffff800000123000;
    fake_cpu.gdt_limit = 5 * 8 - 1;
    KTEST_TRUE(t, has(gdt_command, "", "GDT 0xffff800000123000 limit 0x27; TR 0x18 LDTR 0x0\n"));
    KTEST_STRING(t, strchr(fake_console.text, '\n') + 1,
                 "0x0008 0x00af9a000000ffff 64-bit code readable ring 0 base 0x0 limit 0xffffffff\n"
                 "0x0010 0x00cf92000000ffff data writable ring 0 base 0x0 limit 0xffffffff\n"
                 "0x0018 0x80008b3456780067 TSS, busy ring 0 base 0xffff800080345678 limit 0x67\n");
    fake_cpu.gdt_limit = 5 * 8 + 6; /* a descriptor that is cut is none */
    KTEST_TRUE(t, has(gdt_command, "", "limit 0x2e"));
    KTEST_TRUE(t, strstr(fake_console.text, "0x0028") == NULL);
    fake_cpu.gdt_limit = 0xffff; /* behind the table is nothing: an answer, not a crash */
    KTEST_TRUE(t, has(gdt_command, "", "\n0x0028 0x00cf9a000000ffff 32-bit code readable"));
    KTEST_TRUE(t, has(gdt_command, "", "\n0xffff800000123030 cannot be read\n"));
}

static const char *segment(uint64_t low)
{
    static char text[128];
    (void)x86_segment_describe(low, UINT64_MAX, text, sizeof(text));
    return text;
}

static void segments_of_all_kinds_have_words(struct ktest *t)
{
    KTEST_STRING(t, segment(0x0000fe000000ffff),
                 "16-bit code readable conforming ring 3 base 0x0 limit 0xffff");
    KTEST_STRING(t, segment(0x1240b43456781000),
                 "data read-only expand-down ring 1 base 0x12345678 limit 0x1000");
    KTEST_STRING(t, segment(0x00cf18000000ffff),
                 "32-bit code execute-only ring 0 base 0x0 limit 0xffffffff not present");
    KTEST_STRING(t, segment(0x000082000000000f), "LDT ring 0 base 0xffffffff00000000 limit 0xf");
    KTEST_STRING(t, segment(0x0000850000000000), "system ring 0 base 0x0 limit 0x0");
    KTEST_TRUE(t, x86_segment_is_wide(0x0000890000000000));
    KTEST_FALSE(t, x86_segment_is_wide(0x0000990000000000));
}

static void idt_lists_present_gates_with_their_handlers(struct ktest *t)
{
    static uint64_t table[] = {
        0x00408e0000080310, 0xffff8000, /* fake_3+0x10 */
        0x00000e0000080000, 0,          /* not present */
        0x1234ef0200105678, 0xffff9000, /* outside; trap gate, ring 3, interrupt stack 2 */
    };
    fake_cpu_reset();
    fake_safe_access_reset();
    fake_safe_access_map(0xffff800000124000, table, sizeof(table), false);
    fake_cpu.idt_base = 0xffff800000124000;
    fake_cpu.idt_limit = sizeof(table) - 1;
    idt_command("");
    KTEST_TRUE(t, has(idt_command, "", "IDT 0xffff800000124000 limit 0x2f\n"));
    KTEST_STRING(t, strchr(fake_console.text, '\n') + 1,
                 "  0 interrupt 0x08:0xffff800000400310 ring 0 ist 0 fake_3+0x10\n"
                 "  2 trap 0x10:0xffff900012345678 ring 3 ist 2\n");
    fake_cpu.idt_limit = 0xffff;
    KTEST_TRUE(t, has(idt_command, "", "\n0xffff800000124030 cannot be read\n"));
    fake_cpu.idt_base = 0;
    KTEST_TRUE(t, has(idt_command, "", "\n0x0000000000000000 cannot be read\n"));
}

static const struct ktest_case cases[] = {
    KTEST_CASE(cpuid_says_who_the_cpu_is),
    KTEST_CASE(cpuid_names_features_that_are_there_and_that_are_not),
    KTEST_CASE(cpuid_prints_the_registers_of_a_leaf),
    KTEST_CASE(cpu_commands_refuse_what_is_no_number),
    KTEST_CASE(msr_reads_and_writes_and_says_what_faults),
    KTEST_CASE(msr_writes_are_refused_under_lock_down),
    KTEST_CASE(cr_names_bits_and_memory_types),
    KTEST_CASE(gdt_lists_what_the_register_points_at),
    KTEST_CASE(segments_of_all_kinds_have_words),
    KTEST_CASE(idt_lists_present_gates_with_their_handlers),
};
KTEST_SUITE(monitor_cpu, "monitor.cpu", cases);
