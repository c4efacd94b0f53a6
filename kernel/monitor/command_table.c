/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The one table of the monitor's commands: what is typed, what `help` says, what runs. The host
 * program behind docs/commands.md links this file without the functions. One line of help has at
 * most 80 columns.
 */
#include <string.h>

#include "console.h"
#include "lib/compiler.h"
#include "monitor/access_commands.h"
#include "monitor/alloc_commands.h"
#include "monitor/buddy_command.h"
#include "monitor/command.h"
#include "monitor/cpu_commands.h"
#include "monitor/crash_commands.h"
#include "monitor/descriptor_commands.h"
#include "monitor/dmesg_command.h"
#include "monitor/explain_command.h"
#include "monitor/firmware_commands.h"
#include "monitor/memory_commands.h"
#include "monitor/memtest_command.h"
#include "monitor/pci_command.h"
#include "monitor/picture_command.h"
#include "monitor/regs_command.h"
#include "monitor/search_command.h"
#include "monitor/session_commands.h"
#include "monitor/vm_commands.h"

static const struct monitor_command commands[] = {
    { "help", "[NAME]", "this list, or all about one command", "", help_command },
    { "memmap", "[derived | efi]", "the memory map with the reason for every entry",
      "derived  as the kernel uses it: base, end, size, type, reason\n"
      "efi      as the firmware gave it: base, last byte, size, type, attributes\n",
      memmap_command },
    { "explain", "ADDR | map", "what an address is, and why it is not usable",
      "ADDR is physical; one of the kernel half is followed through the page tables.\n"
      "Shown are the map's entry and its reason, the firmware's descriptors, repairs,\n"
      "pins, what the loader had there, and what the frame is used for.\n"
      "`explain map` gives the reason of every range in words.\n",
      explain_command },
    { "areas", "", "the usable areas", "", areas_command },
    { "usage", "", "where every byte of RAM went", "", usage_command },
    { "buddy", "[check]", "the page-frame allocator: free blocks, caches, fragmentation",
      "With `check` every invariant of its metadata is checked.\n", buddy_command },
    { "alloc", "[N]", "takes a block of N page frames; lists what was taken",
      "N is 1, 2, 4, ... 262144. The prompt holds up to 64 blocks.\n", alloc_command },
    { "free", "ADDR N", "gives back a block that `alloc` took",
      "A bad free is refused with the allocator's words, and changes nothing.\n", free_command },
    { "vm", "audit | walk ADDR | map | leaves | regs", "the live page tables",
      "audit      walks all tables, counts, names every violation\n"
      "walk ADDR  the entries from the top-level table to the page of ADDR\n"
      "map        what is mapped, as ranges of equal rights\n"
      "leaves     every leaf: address, memory, size, rights; Ctrl-C ends the list\n"
      "regs       CR0, CR2, CR3, CR4, EFER, PAT\n",
      vm_command },
    { "cpuid", "[LEAF [SUBLEAF]]", "the CPU in words, or the registers of a leaf (hex)", "",
      cpuid_command },
    { "msr", "ADDR [VALUE]", "reads or writes a model-specific register (hex)",
      "One that the CPU does not have is a message. No writes under lock-down.\n", msr_command },
    { "cr", "", "CR0 to CR4, EFER and PAT with the names of their bits", "", cr_command },
    { "regs", "", "all registers, as of this command", "", regs_command },
    { "gdt", "", "the segment descriptors in use", "", gdt_command },
    { "idt", "", "the interrupt gates in use, with their handlers", "", idt_command },
    { "pci", "", "what is on the PCI buses",
      "bus:device.function vendor:device class. Configuration space is only read, so base\n"
      "addresses have no sizes. Segment 0.\n",
      pci_command },
    { "acpi", "[SIGNATURE]", "the ACPI tables and their checksums; those of a name as a dump",
      "SIGNATURE has four characters: `acpi APIC`.\n", acpi_command },
    { "smbios", "", "firmware, system, processors, memory as SMBIOS tells", "", smbios_command },
    { "dmesg", "[LEVEL]", "the log: all lines, or those up to a level",
      "LEVEL is panic, error, warning, info, debug, or 0 to 7. Lines that the console does not\n"
      "show are kept as well; Ctrl-C ends the list.\n",
      dmesg_command },
    { "log", "[LEVEL]", "the level up to which the console shows lines",
      "LEVEL as for dmesg. Without one: what the log and the serial line lost.\n", log_command },
    { "peek", "ADDR [WIDTH]", "reads memory",
      "WIDTH is 1, 2, 4 or 8 bytes (8): exactly one access of that width.\n"
      "p:ADDR is a physical address; RAM is read through the direct map, anything\n"
      "else through an uncached mapping for the one access.\n",
      peek_command },
    { "poke", "ADDR VALUE [WIDTH]", "writes memory; refused under lock-down",
      "VALUE is in hex. Nothing protects you from overwriting what the kernel needs,\n"
      "but for what is mapped read-only.\n",
      poke_command },
    { "dump", "ADDR [SIZE [WIDTH]]", "shows memory in hex and as text",
      "SIZE is 256 bytes where it is not given, WIDTH 1. ?? cannot be read.\n", dump_command },
    { "search", "RANGE PATTERN", "finds bytes or a text in memory",
      "RANGE is START-END or START SIZE; p:START is physical. PATTERN is \"TEXT\" or\n"
      "bytes in hex, up to 64. Device memory and what is not mapped is passed over.\n"
      "What was typed is in memory too: the prompt's own buffers match.\n",
      search_command },
    { "memtest", "[SECONDS]", "tests the free memory with patterns",
      "One pass of 7 patterns, or passes until the time is over; Ctrl-C stops.\n"
      "Memory that is in use is not touched; all is given back.\n",
      memtest_command },
    { "picture", "[plain]", "a picture of the memory by class, and of fragmentation",
      "`plain` is without colours.\n", picture_command },
    { "test", "[PATTERN]", "runs self-tests",
      "PATTERN is a glob over suite.case, or a suite; without one all tests run.\nCtrl-C stops "
      "between two tests.\n",
      test_command },
    { "report", "", "prints the @report line again", "", report_command },
    { "stack", "", "where the kernel stands: the backtrace of this command", "", stack_command },
    { "sym", "ADDR | NAME", "function and line of an address, or the address of a function", "",
      sym_command },
    { "fault", "KIND[,return]", "provokes an exception; without KIND the kinds are listed",
      "The kernel crashes. With `,return` the same dump is printed, and the prompt\n"
      "comes back. Refused under lock-down.\n",
      fault_command },
    { "panic", "[TEXT]", "panics", "", panic_command },
    { "bench", "", "costs of the bring-up's parts in ticks, as the word `bench` does", "",
      bench_command },
    { "stages", "", "when the stages of the boot were reached", "", stages_command },
    { "reboot", "", "resets the machine",
      "By ACPI's reset register, the keyboard controller, port 0xcf9, a triple fault:\n"
      "the first that works.\n",
      reboot_command },
    { "poweroff", "", "switches the machine off (ACPI S5)",
      "No AML is run: firmware that wants to be told first is not.\n", poweroff_command },
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
