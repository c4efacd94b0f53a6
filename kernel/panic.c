/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See panic.h. Owner of the panic policy (command line word `panic=`). A panic inside a panic
 * prints its two lines and stops; one inside that one only stops.
 */
#include "panic.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <arch/cpu.h>

#include "arch/x86_64/backtrace.h"
#include "arch/x86_64/crash_dump.h"
#include "arch/x86_64/gdb_server.h"
#include "arch/x86_64/power.h"
#include "black_box.h"
#include "console.h"
#include "lib/format.h"
#include "panic_policy.h"
#include "printk.h"
#include "printk_control.h"

static struct panic_policy policy = { .action = PANIC_EXIT };
static unsigned depth; /* panics that began; more than one is one inside another */

/* The one inside the one inside: from here on nothing is printed. */
#define DEPTH_SILENT 3U

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
    black_box_end(BLACK_BOX_PANIC);
    gdb_server_panic(); /* before the machine is gone */
    switch (policy.action) {
    case PANIC_EXIT:
        power_debug_exit(POWER_VERDICT_PANIC);
        break;
    case PANIC_REBOOT:
        if (depth < DEPTH_SILENT) {
            pr_emerg("rebooting in %u s (panic=%u)", policy.seconds, policy.seconds);
        }
        wait_seconds(policy.seconds);
        power_reset(policy.ticks_per_second);
    case PANIC_STAY:
        break;
    }
    power_halt();
}

bool panic_begin(void)
{
    depth++;
    if (depth > DEPTH_SILENT) {
        power_halt(); /* not even stop() works */
    }
    if (depth == DEPTH_SILENT) {
        stop(); /* printing itself faults */
    }
    console_set_tap(NULL, NULL); /* whoever takes the output may be what broke */
    printk_set_deferred(false);
    return depth == 1;
}

static PRINTF_LIKE(3, 0) void announce(const char *file, int line, const char *format,
                                       va_list arguments)
{
    char text[192];
    (void)format_text_v(text, sizeof(text), format, arguments); /* cut text is still a message */
    pr_emerg("%s", text);
    pr_emerg("at %s:%d%s", file, line, depth > 1 ? ", inside another panic" : "");
}

void panic_at(const char *file, int line, const char *format, ...)
{
    if (panic_begin()) {
        const struct backtrace_start here = backtrace_of_frame(__builtin_frame_address(0));
        crash_dump_head();
        crash_dump_backtrace(&here);
    }
    va_list arguments;
    va_start(arguments, format);
    announce(file, line, format, arguments);
    va_end(arguments);
    stop();
}

void panic_after_dump_at(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    announce(file, line, format, arguments);
    va_end(arguments);
    stop();
}
