/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See command.h. Pure over the table that is given.
 */
#include "monitor/command.h"

#include <string.h>

#include "console.h"
#include "lib/bits.h"
#include "monitor/arguments.h"

#define SHOWN_NAME_BYTES 40U /* of an unknown name: a line of junk need not come back whole */

const struct monitor_command *command_find(const struct monitor_command_table *table,
                                           const char *name, size_t length)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct monitor_command *const command = &table->commands[i];
        if (strlen(command->name) == length && strncmp(name, command->name, length) == 0) {
            return command;
        }
    }
    return NULL;
}

static void refuse_name(const struct monitor_command_table *table, const struct monitor_word *word)
{
    const char *separator = "; did you mean ";
    console_printf("unknown command \"%.*s\"", (int)bits_min(word->length, SHOWN_NAME_BYTES),
                   word->text); /* at most 40: fits an int */
    for (size_t i = 0; i < table->count; i++) {
        if (strncmp(word->text, table->commands[i].name, word->length) == 0) {
            console_printf("%s%s", separator, table->commands[i].name);
            separator = ", ";
        }
    }
    console_printf("; `help` lists them\n");
}

void command_run(const struct monitor_command_table *table, const char *line)
{
    struct monitor_word word;
    const char *cursor = line;
    if (!argument_word(&cursor, &word)) {
        return;
    }
    const struct monitor_command *const command = command_find(table, word.text, word.length);
    if (command == NULL) {
        refuse_name(table, &word);
        return;
    }
    monitor_begin_command();
    command->run(argument_skip_spaces(cursor));
}

static void print_call(const struct monitor_command *command)
{
    console_printf("%s%s%s\n", command->name, *command->arguments != '\0' ? " " : "",
                   command->arguments);
}

static void print_list(const struct monitor_command_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        console_printf("  %-10s %s\n", table->commands[i].name, table->commands[i].summary);
    }
    console_printf("`help NAME` tells more about one; addresses are in hex, or a symbol\n");
}

void command_help(const struct monitor_command_table *table, const char *argument)
{
    struct monitor_word word;
    const char *cursor = argument;
    if (!argument_word(&cursor, &word)) {
        print_list(table);
        return;
    }
    const struct monitor_command *const command = command_find(table, word.text, word.length);
    if (command == NULL) {
        refuse_name(table, &word);
        return;
    }
    print_call(command);
    console_printf("%s\n", command->summary);
    console_write(command->details, strlen(command->details));
}
