/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host stand-in for kernel/monitor/command_table.c, whose table names commands that no host has:
 * a line that is executed, and a usage that is asked for, are printed on the fake console. And for
 * kernel/symbols.c: one symbol, test_symbol.
 */
#include <string.h>

#include "console.h"
#include "monitor/command.h"
#include "symbols.h"

void monitor_execute(const char *line)
{
    console_printf("executed: %s\n", line);
}

void monitor_usage(const char *name)
{
    console_printf("usage: %s\n", name);
}

bool symbols_find(const char *name, virt_addr_t *start)
{
    *start = virt_addr(PHYS_OFFSET + SIZE_2M);
    return strcmp(name, "test_symbol") == 0;
}
