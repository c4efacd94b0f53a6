/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's `vm` commands on a machine after its bring-up: what they print of sound tables, and
 * that any line, however wrong, gets an answer and changes nothing.
 */
#include "monitor/vm_commands.h"

#include <stdio.h>
#include <string.h>

#include "mm/mm_init.h"
#include "mm/page_mapper.h"
#include "monitor/command.h"
#include "tests/fake/fake_console.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_machine.h"
#include "tests/fake/table_print.h"
#include "tests/ktest.h"

static struct fake_machine machine;

static bool answer_has(const char *argument, const char *text)
{
    fake_console_clear();
    vm_command(argument);
    return strstr(fake_console.text, text) != NULL;
}

static void vm_audit_of_sound_tables_says_no_violation(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    KTEST_TRUE(t, answer_has("audit", "\n0 violations\n"));
    KTEST_TRUE(t, answer_has("audit", "  writable-alias                0\n"));
}

static void vm_audit_counts_a_violation_under_its_name(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    struct page_mapper mapper;
    page_mapper_open(&mapper, mm_state()->root, NULL, &mm_state()->features);
    struct page_flush flush;
    KTEST_STATUS(
        t, page_mapper_unmap_phys(&mapper, virt_addr(PHYS_OFFSET + 2 * PAGE_SIZE), false, &flush),
        K_OK);
    page_flush_ignore(&flush);
    KTEST_TRUE(t, answer_has("audit", "\n1 violations\n"));
    KTEST_TRUE(t, answer_has("audit", "  not-mapped                    1\n"));
}

static void vm_walk_draws_every_level_down_to_the_page(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    KTEST_TRUE(t, answer_has("walk 0xffff800000400abc", "CR3 0x"));
    const char *const text = fake_console.text;
    KTEST_TRUE(t, strstr(text, "\n+- PML4[256] 0x") != NULL);
    KTEST_TRUE(t, strstr(text, "\n   +- PDPT[0] 0x") != NULL);
    KTEST_TRUE(t, strstr(text, "\n      +- PD[2] 0x") != NULL);
    KTEST_TRUE(t, strstr(text, "\n         +- PT[0] 0x0000000000400") != NULL);
    KTEST_TRUE(t, strstr(text, "\n0xffff800000400abc -> 0x0000000000400abc 4K r-xs") != NULL);
    KTEST_TRUE(t, answer_has("walk ffff800001000abc", " 2M page 0x0000000001000000: P W"));
    KTEST_TRUE(t, strstr(text, "\n0xffff800001000abc -> 0x0000000001000abc 2M rw-s") != NULL);
}

static void vm_walk_of_an_unmapped_address_ends_where_the_tables_end(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    KTEST_TRUE(t, answer_has("walk ffff800000000000", "PT[0] 0x0000000000000000 not present\n"));
    KTEST_TRUE(t, strstr(fake_console.text, "0xffff800000000000 is not mapped\n") != NULL);
    KTEST_TRUE(t, answer_has("walk 0", "is not mapped\n"));
    KTEST_TRUE(t, answer_has("walk FFFFFFFFFFFFFFFF", "is not mapped\n"));
}

static void vm_walk_refuses_what_is_no_address(struct ktest *t)
{
    static const char *const bad[] = {
        "",   " ",     "0x",    "x",      "0xg",  "12 34", "12z",       "-1",
        "+1", "0x0x1", "1 # 2", "%s%s%n", "\xff", "1\x01", "ffff_8000", "11111111111111111",
    };
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    const struct table_print before = table_print(mm_state()->root);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        char line[64];
        (void)snprintf(line, sizeof(line), "walk %s", bad[i]); /* all fit */
        if (!KTEST_TRUE(t, answer_has(line, "vm walk takes one address"))) {
            ktest_output("    # %s\n", line);
        }
    }
    KTEST_TRUE(t, answer_has("walk 0000800000000000", "is not canonical"));
    KTEST_TRUE(t, answer_has("walk ffff7fffffffffff", "is not canonical"));
    KTEST_TRUE(t, answer_has("walk 0000010000000000   ", "is not mapped"));
    KTEST_TRUE(t, table_print_equal(table_print(mm_state()->root), before));
}

static void vm_unknown_words_get_the_list(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    static const char *const lines[] = { "", "x", "audits", "walk0", "Walk 0", "leaves\t" };
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        KTEST_TRUE(
            t, answer_has(lines[i], "vm audit | vm walk ADDR | vm map | vm leaves | vm regs\n"));
    }
}

static void count_leaf(void *context, uint64_t virt, uint64_t word, unsigned level)
{
    char line[64];
    (void)snprintf(line, sizeof(line), "0x%016llx 0x%016llx ", (unsigned long long)virt,
                   (unsigned long long)(word & UINT64_C(0x000ffffffffff000) &
                                        ~((UINT64_C(1) << (12 + 9 * (level - 1))) - 1)));
    unsigned *const missing = context;
    *missing += strstr(fake_console.text, line) == NULL ? 1 : 0;
}

static void vm_leaves_lists_every_leaf(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    const struct table_print tables = table_print(mm_state()->root);
    char last[32];
    (void)snprintf(last, sizeof(last), "\n%llu leaves\n", (unsigned long long)tables.leaves);
    KTEST_TRUE(t, answer_has("leaves", last));
    unsigned missing = 0;
    (void)table_walk(mm_state()->root, count_leaf, &missing);
    KTEST_EQ(t, missing, 0);
}

static void vm_leaves_stops_at_ctrl_c(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    fake_console_clear();
    monitor_begin_command();
    fake_console.typed = "ab\x03";
    vm_command("leaves");
    KTEST_TRUE(t, strstr(fake_console.text, "\n1 leaves\n") != NULL);
    monitor_begin_command();
}

static void vm_regs_names_the_bits(struct ktest *t)
{
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    fake_cpu.cr0 = 0x80010001;
    fake_cpu.cr4 = 0x300080;
    fake_cpu.efer = 0xd00;
    KTEST_TRUE(t, answer_has("regs", "CR0  0x0000000080010001 PE WP PG\n"));
    KTEST_TRUE(t, answer_has("regs", "CR4  0x0000000000300080 PGE SMEP SMAP\n"));
    KTEST_TRUE(t, answer_has("regs", "EFER 0x0000000000000d00 LME LMA NXE\n"));
}

static const struct ktest_case cases[] = {
    KTEST_CASE(vm_audit_of_sound_tables_says_no_violation),
    KTEST_CASE(vm_audit_counts_a_violation_under_its_name),
    KTEST_CASE(vm_walk_draws_every_level_down_to_the_page),
    KTEST_CASE(vm_walk_of_an_unmapped_address_ends_where_the_tables_end),
    KTEST_CASE(vm_walk_refuses_what_is_no_address),
    KTEST_CASE(vm_unknown_words_get_the_list),
    KTEST_CASE(vm_leaves_lists_every_leaf),
    KTEST_CASE(vm_leaves_stops_at_ctrl_c),
    KTEST_CASE(vm_regs_names_the_bits),
};
KTEST_SUITE(monitor_vm, "monitor.vm", cases);
