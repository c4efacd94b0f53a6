/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See panic.h. Owner of the panic policy (command line word `panic=`). A panic inside a panic
 * prints its one line and stops.
 */
#include "panic.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <arch/cpu.h>

#include "arch/x86_64/backtrace.h"
#include "arch/x86_64/gdb_server.h"
#include "arch/x86_64/power.h"
#include "console.h"
#include "lib/format.h"
#include "panic_policy.h"
#include "printk.h"
#include "printk_control.h"

static struct panic_policy policy = { .action = PANIC_EXIT };
static bool is_panicking;

void panic_set_policy(struct panic_policy new_policy)
{
    policy = new_policy;
}

static void wait_seconds(uint32_t seconds)
{
    if (policy.ticks_per_second == 0) {
        return;
    }
    const uint64_t start = arch_timestamp();
    while (arch_timestamp() - start < seconds * policy.ticks_per_second) {
        arch_cpu_relax();
    }
}

static NORETURN void stop(void)
{
    gdb_server_panic(); /* before the machine is gone */
    switch (policy.action) {
    case PANIC_EXIT:
        power_debug_exit(POWER_VERDICT_PANIC);
        break;
    case PANIC_REBOOT:
        pr_emerg("rebooting in %u s (panic=%u)", policy.seconds, policy.seconds);
        wait_seconds(policy.seconds);
        power_reset();
    case PANIC_STAY:
        break;
    }
    power_halt();
}

/* Prints the message; returns whether this is the first panic. */
static PRINTF_LIKE(3, 0) bool announce(const char *file, int line, const char *format,
                                       va_list arguments)
{
    char text[192];
    (void)format_text_v(text, sizeof(text), format, arguments); /* cut text is still a message */
    const bool nested = is_panicking;
    is_panicking = true;
    console_set_tap(NULL, NULL); /* whoever took the console's output: a person needs it now */
    printk_set_deferred(false);
    pr_emerg("%s", text);
    pr_emerg("at %s:%d%s", file, line, nested ? ", inside another panic" : "");
    return !nested;
}

void panic_at(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const bool first = announce(file, line, format, arguments);
    va_end(arguments);
    if (first) {
        backtrace_print_here();
    }
    stop();
}

void panic_after_dump_at(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)announce(file, line, format, arguments); /* nested or not: nothing more to print */
    va_end(arguments);
    stop();
}
