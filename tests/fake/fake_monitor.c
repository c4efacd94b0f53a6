/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host stand-in for kernel/monitor/command_table.c, whose table names commands that no host has:
 * a line that is executed, and a usage that is asked for, are printed on the fake console.
 */
#include "console.h"
#include "monitor/command.h"

void monitor_execute(const char *line)
{
    console_printf("executed: %s\n", line);
}

void monitor_usage(const char *name)
{
    console_printf("usage: %s\n", name);
}
