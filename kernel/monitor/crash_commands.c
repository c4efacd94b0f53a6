/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See crash_commands.h. No state.
 */
#include "monitor/crash_commands.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "arch/x86_64/backtrace.h"
#include "arch/x86_64/fault.h"
#include "console.h"
#include "lib/format.h"
#include "lockdown.h"
#include "monitor/arguments.h"
#include "monitor/command.h"
#include "panic.h"
#include "symbols.h"

#define RETURN_SUFFIX ",return"

static const struct fault_kind *find_kind(const char *name, size_t length)
{
    size_t count;
    const struct fault_kind *const kinds = fault_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        if (strlen(kinds[i].name) == length && strncmp(kinds[i].name, name, length) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

static void list_kinds(void)
{
    size_t count;
    const struct fault_kind *const kinds = fault_kinds(&count);
    monitor_usage("fault");
    for (size_t i = 0; i < count; i++) {
        console_printf("%s%s", kinds[i].name, i % 10 == 9 || i + 1 == count ? "\n" : " ");
    }
}

void fault_command(const char *argument)
{
    if (lockdown_refuses("fault")) {
        return;
    }
    struct monitor_word word;
    if (!argument_word(&argument, &word) || !argument_is_end(argument)) {
        list_kinds();
        return;
    }
    const size_t suffix = strlen(RETURN_SUFFIX);
    const bool returns = word.length > suffix &&
                         strncmp(word.text + word.length - suffix, RETURN_SUFFIX, suffix) == 0;
    const struct fault_kind *const kind =
        find_kind(word.text, word.length - (returns ? suffix : 0));
    if (kind == NULL) {
        list_kinds();
        return;
    }
    fault_provoke(kind, returns);
    if (!returns) {
        console_printf("the kernel goes on: a breakpoint, or a CPU that does not mind\n");
    }
}

void panic_command(const char *argument)
{
    panic("monitor: %s", *argument != '\0' ? argument : "panic");
}

void stack_command(const char *argument)
{
    if (!argument_is_end(argument)) {
        monitor_usage("stack");
        return;
    }
    struct backtrace trace;
    const struct backtrace_start here = backtrace_here();
    backtrace_collect(&here, &trace);
    for (unsigned i = 0; i < trace.count; i++) {
        char text[220]; /* cut text is still a text */
        backtrace_describe(&trace, i, text, sizeof(text));
        console_printf("  #%u %s\n", i, text);
    }
}

/* A function's name is tried first: `add` reads as a number too. */
void sym_command(const char *argument)
{
    struct monitor_word word;
    const char *cursor = argument;
    char name[SYMBOL_NAME_BYTES];
    if (!argument_word(&cursor, &word) || !argument_is_end(cursor) || word.length >= sizeof(name)) {
        monitor_usage("sym");
        return;
    }
    memcpy(name, word.text, word.length);
    name[word.length] = '\0';
    virt_addr_t virt;
    if (!symbols_find(name, &virt) && argument_hex(&argument, &virt.value) != K_OK) {
        console_printf("no function \"%s\", and no hexadecimal number\n", name);
        return;
    }
    char text[220]; /* cut text is still a text */
    (void)symbols_describe(virt, text, sizeof(text));
    console_printf(PRIvirt " %s\n", virt.value, text);
}
