/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See monitor.h. One function per command, found through the table at the end; the line editor
 * takes care of what is typed. Without a serial port there is nobody to talk to: the CPU rests.
 */
#include "monitor/monitor.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <arch/cpu.h>

#include "shared/mmap_names.h"

#include "arch/x86_64/power.h"
#include "console.h"
#include "lib/format.h"
#include "machine_report.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_init.h"
#include "monitor/buddy_command.h"
#include "monitor/line_editor.h"
#include "monitor/vm_commands.h"
#include "selftest/selftest.h"
#include "verdict.h"

#define PROMPT "firstlight> "

struct command {
    const char *name;
    const char *help;
    void (*run)(const char *argument); /* the rest of the line, "" for none */
};

static void run_memmap(const char *argument)
{
    (void)argument;
    const struct memory_map map = mm_memory_map();
    console_printf("            base               end        KiB   type reason\n");
    for (uint32_t i = 0; i < map.count; i++) {
        const struct multiboot2_mmap_entry *const e = &map.entries[i];
        console_printf(PRIphys " " PRIphys " %10" FMTu64 " %#6x %s\n", e->address,
                       e->address + e->length, e->length / 1024, e->type,
                       mmap_reason_name(map.reasons[i]));
    }
    console_printf("%u entries\n", map.count);
}

static void run_areas(const char *argument)
{
    (void)argument;
    const struct phys_memory_areas *const areas = &mm_state()->areas;
    for (uint32_t i = 0; i < areas->count; i++) {
        console_printf("area %3u " PRIphys " " PRIphys " %10" FMTu64 " KiB\n", i,
                       areas->area[i].base.value, phys_memory_area_end(&areas->area[i]),
                       areas->area[i].size_bytes / 1024);
    }
    console_printf("%u areas, %" FMTu64 " KiB\n", areas->count,
                   phys_memory_areas_bytes(areas) / 1024);
}

static void print_class(const char *name, uint64_t bytes)
{
    console_printf("  %-12s %20" FMTu64 "\n", name, bytes);
}

static void run_usage(const char *argument)
{
    (void)argument;
    struct mm_books books;
    mm_read_books(&books);
    const struct memory_accounting *const c = &books.classes;
    console_printf("bytes of the firmware's RAM: %s\n",
                   books.classes_balance ? "balanced" : "NOT BALANCED");
    print_class("firmware_ram", c->firmware_ram);
    print_class("usable", c->usable);
    print_class("kernel", c->kernel);
    print_class("loader", c->loader);
    print_class("low", c->low);
    print_class("acpi", c->acpi);
    print_class("nvs", c->nvs);
    print_class("reserved", c->reserved);
    print_class("bad", c->bad);
    print_class("dropped", c->dropped);
    console_printf("frames of the usable RAM: %s\n",
                   books.frames_balance ? "balanced" : "NOT BALANCED");
    print_class("usable", books.usable_frames);
    print_class("bump used", books.bump_used_frames);
    print_class("page tables", books.page_table_frames);
    print_class("metadata", books.metadata_frames);
    print_class("free", books.free_frames);
    print_class("allocated", books.allocated_frames);
}

static void run_test(const char *argument)
{
    const struct ktest_totals totals = selftest_run(argument, arch_timestamp());
    if (totals.passed + totals.failed + totals.skipped == 0) {
        console_printf("no test matches \"%s\"\n", argument);
    }
}

static void run_report(const char *argument)
{
    (void)argument;
    if (!machine_report_print()) {
        console_printf("the report is not complete: no memory for the audit\n");
    }
}

static void run_reboot(const char *argument)
{
    (void)argument;
    console_printf("resetting\n");
    power_reset();
}

static void run_exit(const char *argument)
{
    (void)argument;
    power_debug_exit(verdict_now());
    console_printf("exit works only inside QEMU with isa-debug-exit; `reboot` resets\n");
}

static void run_help(const char *argument);

static const struct command commands[] = {
    { "help", "this list", run_help },
    { "memmap", "the memory map with the reason for every entry", run_memmap },
    { "areas", "the usable areas", run_areas },
    { "usage", "where every byte of RAM went", run_usage },
    { "buddy", "the page-frame allocator: buddy [check]", buddy_command },
    { "vm", "page tables: vm audit | walk ADDR | leaves | regs", vm_command },
    { "test", "run self-tests: test [GLOB of suite.case]", run_test },
    { "report", "print the @report line again", run_report },
    { "reboot", "reset the machine", run_reboot },
    { "exit", "leave QEMU with the verdict of the last tests", run_exit },
};

static void run_help(const char *argument)
{
    (void)argument;
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        console_printf("  %-8s %s\n", commands[i].name, commands[i].help);
    }
}

static const char *skip_spaces(const char *text)
{
    while (*text == ' ') {
        text++;
    }
    return text;
}

static void run_line(const char *line)
{
    const char *const name = skip_spaces(line);
    size_t length = 0;
    while (name[length] != '\0' && name[length] != ' ') {
        length++;
    }
    if (length == 0) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        if (strlen(commands[i].name) == length && strncmp(name, commands[i].name, length) == 0) {
            commands[i].run(skip_spaces(name + length));
            return;
        }
    }
    console_printf("unknown command \"%.*s\"; `help` lists them\n", (int)length, name);
}

static void echo(void *context, const char *text, size_t size_bytes)
{
    (void)context;
    console_write(text, size_bytes);
}

static void handle_byte(struct line_editor *editor, uint8_t byte)
{
    switch (line_editor_feed(editor, byte)) {
    case LINE_EDITOR_NOTHING:
        return;
    case LINE_EDITOR_LINE:
        run_line(line_editor_text(editor));
        break;
    case LINE_EDITOR_CANCELLED:
        break;
    case LINE_EDITOR_TOO_LONG:
        console_printf("line too long: dropped\n");
        break;
    }
    console_printf(PROMPT);
}

void monitor_run(void)
{
    static struct line_editor editor;
    if (!console_has_serial()) {
        power_halt();
    }
    line_editor_init(&editor, echo, NULL);
    console_printf(PROMPT);
    for (;;) {
        const int byte = console_read();
        if (byte >= 0) {
            handle_byte(&editor, (uint8_t)byte);
        } else {
            arch_cpu_relax();
        }
    }
}
