/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See vm_commands.h. No state. Reads the tables that CR3 names, under the kernel mapper's lock, and
 * not what anybody remembers of them.
 */
#include "monitor/vm_commands.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <arch/mmu.h>

#include "console.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "mm/kernel_mapper.h"
#include "mm/mm_audit.h"
#include "mm/page_walk.h"
#include "monitor/arguments.h"
#include "monitor/command.h"
#include "monitor/control_registers.h"
#include "monitor/vm_map.h"

/* ---- words for bits ----------------------------------------------------------------------------
 */

static const struct bit_name entry_names[] = {
    { 0, "P" }, { 1, "W" },      { 2, "U" }, { 3, "PWT" },  { 4, "PCD" }, { 5, "A" },
    { 6, "D" }, { 7, "PS/PAT" }, { 8, "G" }, { 9, "boot" }, { 63, "NX" },
};

static const char *size_name(unsigned level)
{
    static const char *const names[] = { "?", "4K", "2M", "1G" };
    return level < ARRAY_COUNT(names) ? names[level] : names[0];
}

static const char *cache_name(enum page_cache cache)
{
    static const char *const names[] = {
        [PAGE_CACHE_WRITE_BACK] = "wb",
        [PAGE_CACHE_WRITE_THROUGH] = "wt",
        [PAGE_CACHE_UNCACHED] = "uc",
        [PAGE_CACHE_WRITE_COMBINING] = "wc",
    };
    return names[cache];
}

/* Rights and kind of a leaf, e.g. "rw-s- wb": write, execute, user or supervisor, global; cache. */
static void print_flags(page_flags_t flags)
{
    console_printf("r%c%c%c%c %s", flags.write ? 'w' : '-', flags.execute ? 'x' : '-',
                   flags.user ? 'u' : 's', flags.global ? 'g' : '-', cache_name(flags.cache));
}

/* ---- vm audit ----------------------------------------------------------------------------------
 */

static void print_permissions(const struct page_audit_report *report)
{
    for (unsigned write = 0; write < 2; write++) {
        for (unsigned execute = 0; execute < 2; execute++) {
            const struct page_audit_permission *const p = &report->permission[write][execute];
            console_printf("  r%c%c %10" FMTu64 " leaves %14" FMTu64 " KiB\n", write ? 'w' : '-',
                           execute ? 'x' : '-', p->leaves, p->size_bytes / 1024);
        }
    }
}

static void print_violations(const struct page_audit_report *report)
{
    for (unsigned kind = 0; kind < PAGE_AUDIT_KIND_COUNT; kind++) {
        console_printf("  %-20s %10" FMTu64 "\n", page_audit_kind_name((enum page_audit_kind)kind),
                       report->violations[kind]); /* the cast: a loop over all members */
    }
    console_printf("%" FMTu64 " violations\n", report->violation_count);
}

static void run_audit(const char *argument)
{
    (void)argument;
    struct page_audit_report report;
    const enum kstatus status = mm_audit(&report);
    if (status != K_OK) {
        console_printf("no audit: %s\n", kstatus_name(status));
        return;
    }
    console_printf("%" FMTu64 " tables; leaves: %" FMTu64 " x 4K, %" FMTu64 " x 2M, %" FMTu64
                   " x 1G; %" FMTu64 " user, %" FMTu64 " global\n",
                   report.table_frames, report.leaves_4k, report.leaves_2m, report.leaves_1g,
                   report.user_leaves, report.global_leaves);
    print_permissions(&report);
    print_violations(&report);
}

/* ---- vm walk -----------------------------------------------------------------------------------
 */

static void print_step(const struct page_step *step)
{
    static const char *const table_names[] = { "?", "PT", "PD", "PDPT", "PML4" };
    const unsigned level = step->table.level;
    console_printf("%*s+- %s[%u] " PRIphys, (int)(3 * (PAGE_LEVELS - level)), "",
                   table_names[level], step->index, step->entry.value); /* 0..9 spaces */
    if (!page_entry_present(step->entry)) {
        console_printf(" not present\n");
        return;
    }
    if (page_entry_is_leaf(step->entry, level)) {
        console_printf(" %s page " PRIphys ":", size_name(level),
                       page_entry_leaf_address(step->entry, level).value);
    } else {
        console_printf(" table   " PRIphys ":", page_entry_table_address(step->entry).value);
    }
    print_bit_names(step->entry.value, entry_names, ARRAY_COUNT(entry_names));
}

static void print_path(virt_addr_t virt, const struct page_path *path)
{
    console_printf("CR3 " PRIphys "\n", path->step[0].table.phys.value);
    for (unsigned i = 0; i < path->count; i++) {
        print_step(&path->step[i]);
    }
    struct page_leaf leaf;
    if (page_walk_leaf(path, &leaf) != K_OK) {
        console_printf(PRIvirt " is not mapped\n", virt.value);
        return;
    }
    console_printf(PRIvirt " -> " PRIphys " %s ", virt.value,
                   leaf.phys.value + (virt.value - leaf.virt.value), size_name(leaf.level));
    print_flags(leaf.flags);
    console_printf("\n");
}

static void run_walk(const char *argument)
{
    struct monitor_address address;
    const char *cursor = argument;
    if (argument_address(&cursor, &address) != K_OK || address.physical ||
        !argument_is_end(cursor)) {
        console_printf("vm walk takes one address of up to 16 hex digits, not \"%s\"\n", argument);
        return;
    }
    const virt_addr_t virt = virt_addr(address.value);
    struct page_path path;
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    const enum kstatus status = page_walk_path(arch_table_root(), virt, &path);
    kernel_mapper_unlock(&guard);
    if (status != K_OK) {
        console_printf(PRIvirt " is not canonical: its bits 47 to 63 differ\n", virt.value);
        return;
    }
    print_path(virt, &path);
}

/* ---- vm leaves ---------------------------------------------------------------------------------
 */

static void print_leaf(const struct page_leaf *leaf)
{
    console_printf(PRIvirt " " PRIphys " %s ", leaf->virt.value, leaf->phys.value,
                   size_name(leaf->level));
    print_flags(leaf->flags);
    console_printf("\n");
}

/* Prints leaves up to the last one or Ctrl-C: a large machine has hundreds of thousands. */
static uint64_t print_leaves(phys_addr_t root)
{
    struct page_leaf leaf;
    virt_addr_t from = virt_addr(0);
    uint64_t count = 0;
    while (page_walk_next(root, from, &leaf) == K_OK) {
        print_leaf(&leaf);
        count++;
        if (page_walk_after(&leaf, &from) != K_OK || monitor_interrupted()) {
            break;
        }
    }
    return count;
}

static void run_leaves(const char *argument)
{
    (void)argument;
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    const uint64_t count = print_leaves(arch_table_root());
    kernel_mapper_unlock(&guard);
    console_printf("%" FMTu64 " leaves\n", count);
}

/* ---- vm regs -----------------------------------------------------------------------------------
 */

static void run_regs(const char *argument)
{
    (void)argument;
    control_registers_print();
}

/* ---- the command -------------------------------------------------------------------------------
 */

struct vm_verb {
    const char *name;
    void (*run)(const char *argument); /* the rest of the line, "" for none */
};

static const struct vm_verb verbs[] = {
    { "audit", run_audit },   { "walk", run_walk }, { "map", vm_map },
    { "leaves", run_leaves }, { "regs", run_regs },
};

void vm_command(const char *argument)
{
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        const size_t length = strlen(verbs[i].name);
        const char *rest = argument + length;
        if (strncmp(argument, verbs[i].name, length) != 0 || (*rest != '\0' && *rest != ' ')) {
            continue;
        }
        while (*rest == ' ') {
            rest++;
        }
        verbs[i].run(rest);
        return;
    }
    console_printf("vm audit | vm walk ADDR | vm map | vm leaves | vm regs\n");
}
