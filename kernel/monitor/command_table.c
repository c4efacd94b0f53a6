/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The one table of the monitor's commands: what is typed, what `help` says, what runs. The host
 * program behind docs/commands.md links this file without the functions. One line of help has at
 * most 80 columns.
 */
#include <string.h>

#include "console.h"
#include "lib/compiler.h"
#include "monitor/buddy_command.h"
#include "monitor/command.h"
#include "monitor/dmesg_command.h"
#include "monitor/memory_commands.h"
#include "monitor/session_commands.h"
#include "monitor/vm_commands.h"

static const struct monitor_command commands[] = {
    { "help", "[NAME]", "this list, or all about one command", "", help_command },
    { "memmap", "", "the memory map with the reason for every entry", "", memmap_command },
    { "areas", "", "the usable areas", "", areas_command },
    { "usage", "", "where every byte of RAM went", "", usage_command },
    { "buddy", "[check]", "the page-frame allocator: free blocks, caches, fragmentation",
      "With `check` every invariant of its metadata is checked.\n", buddy_command },
    { "vm", "audit | walk ADDR | leaves | regs", "the live page tables",
      "audit      walks all tables, counts, names every violation\n"
      "walk ADDR  the entries from the top-level table to the page of ADDR\n"
      "leaves     every leaf: address, memory, size, rights; Ctrl-C ends the list\n"
      "regs       CR0, CR2, CR3, CR4, EFER, PAT\n",
      vm_command },
    { "dmesg", "[LEVEL]", "the log: all lines, or those up to a level",
      "LEVEL is panic, error, warning, info, debug, or 0 to 7. Lines that the console does not\n"
      "show are kept as well; Ctrl-C ends the list.\n",
      dmesg_command },
    { "log", "[LEVEL]", "the level up to which the console shows lines",
      "LEVEL as for dmesg. Without one: what the log and the serial line lost.\n", log_command },
    { "test", "[PATTERN]", "runs self-tests",
      "PATTERN is a glob over suite.case, or a suite; without one all tests run.\n", test_command },
    { "report", "", "prints the @report line again", "", report_command },
    { "reboot", "", "resets the machine", "", reboot_command },
    { "exit", "", "leaves QEMU with the verdict of the last tests", "", exit_command },
};

const struct monitor_command_table monitor_commands = { commands, ARRAY_COUNT(commands) };

void monitor_execute(const char *line)
{
    command_run(&monitor_commands, line);
}

void help_command(const char *argument)
{
    command_help(&monitor_commands, argument);
}

void monitor_usage(const char *name)
{
    for (size_t i = 0; i < monitor_commands.count; i++) {
        if (strcmp(monitor_commands.commands[i].name, name) == 0) {
            console_printf("usage: %s %s\n", name, monitor_commands.commands[i].arguments);
        }
    }
}
