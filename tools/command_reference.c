/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Prints docs/commands.md from the monitor's table of commands. Linked without the commands
 * themselves (Makefile): nothing here may call one. Host only.
 */
#include <stdio.h>

#include "monitor/command.h"

static void print_indented(const char *text)
{
    const char *start = text;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\n') {
            printf("    %.*s\n", (int)(c - start), start); /* a line of a table: fits an int */
            start = c + 1;
        }
    }
}

/* The same words as `help NAME`. */
static void print_command(const struct monitor_command *command)
{
    printf("\n## %s\n\n", command->name);
    printf("    %s%s%s\n", command->name, *command->arguments != '\0' ? " " : "",
           command->arguments);
    printf("    %s\n", command->summary);
    print_indented(command->details);
}

int main(void)
{
    puts("# Commands of the prompt\n\n"
         "Made from `kernel/monitor/command_table.c` by `make command-reference`; `help` and\n"
         "`help NAME` show the same. How the prompt works: "
         "[debugging.md](debugging.md#the-prompt).");
    for (size_t i = 0; i < monitor_commands.count; i++) {
        print_command(&monitor_commands.commands[i]);
    }
    return 0;
}
