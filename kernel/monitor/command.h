/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What a command of the monitor is, and how a line becomes a call of one. A command is a function
 *
 *     void NAME_command(const char *argument)
 *
 * in kernel/monitor/ with a line in command_table.c; `help`, tab completion and docs/commands.md
 * are made from that table. A command prints with console_printf(), answers every argument however
 * wrong, and where it can take longer than half a second asks monitor_interrupted() on the way
 * (monitor/progress.h does, and shows how far it is).
 *
 * State: command_input.c keeps what was typed while a command ran.
 */
#ifndef MONITOR_COMMAND_H
#define MONITOR_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct monitor_command {
    const char *name;
    const char *arguments;             /* as a person reads them: "ADDR [COUNT]"; "" for none */
    const char *summary;               /* one line, without a full stop */
    const char *details;               /* more lines, each with its newline; "" for none */
    void (*run)(const char *argument); /* the rest of the line without spaces in front */
};

struct monitor_command_table {
    const struct monitor_command *commands;
    size_t count;
};

/** All commands of the kernel's monitor, sorted by what they are about. */
extern const struct monitor_command_table monitor_commands;

/** Runs a line of the kernel's monitor; an empty one does nothing. Never panics, never waits for
 *  input. Context: after the boot; not from inside a command. */
void monitor_execute(const char *line);

/** Prints how command @p name is called, from its line in the table: the answer to wrong
 *  arguments. */
void monitor_usage(const char *name);

/** The command called exactly @p name (@p length bytes), or NULL: a part of a name is none. */
const struct monitor_command *command_find(const struct monitor_command_table *table,
                                           const char *name, size_t length);

/** Runs @p line with the commands of @p table; an unknown name gets a line with those that begin
 *  like it, and none of them is run. */
void command_run(const struct monitor_command_table *table, const char *line);

/** The list, or with a name in @p argument all that is known about that command. */
void command_help(const struct monitor_command_table *table, const char *argument);

/** The command `help`, over monitor_commands. */
void help_command(const char *argument);

/* ---- input while a command runs (command_input.c) ---------------------------------------------
 */

/**
 * Whether the user wants the running command to stop: true from the Ctrl-C on until the next
 * command begins. Polls the input; other bytes are kept for monitor_read_byte(), up to 256, and
 * dropped by Ctrl-C as a terminal does.
 */
bool monitor_interrupted(void);

/** The next typed byte, those that were kept first; -1 where there is none. */
int monitor_read_byte(void);

/** Forgets an old Ctrl-C. Called before each command. */
void monitor_begin_command(void);

#endif
