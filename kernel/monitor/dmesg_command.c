/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See dmesg_command.h. No state.
 */
#include "monitor/dmesg_command.h"

#include "console.h"
#include "dev/serial8250.h"
#include "kstatus.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "monitor/arguments.h"
#include "monitor/command.h"
#include "printk.h"
#include "printk_control.h"

static const struct {
    const char *name;
    int level;
} level_names[] = {
    { "panic", LOG_LEVEL_EMERGENCY }, { "error", LOG_LEVEL_ERROR },
    { "warning", LOG_LEVEL_WARNING }, { "info", LOG_LEVEL_INFO },
    { "debug", LOG_LEVEL_DEBUG },
};

/* A level by name or number, and nothing behind it. */
static bool read_level(const char *argument, int *level)
{
    const char *cursor = argument;
    for (size_t i = 0; i < ARRAY_COUNT(level_names); i++) {
        if (argument_take(&cursor, level_names[i].name)) {
            *level = level_names[i].level;
            return argument_is_end(cursor);
        }
    }
    uint64_t number;
    if (argument_u64(&cursor, &number) != K_OK || number > LOG_LEVEL_DEBUG ||
        !argument_is_end(cursor)) {
        return false;
    }
    *level = (int)number; /* at most 7 */
    return true;
}

static bool print_line(const char *line, size_t size_bytes)
{
    console_write(line, size_bytes);
    return !monitor_interrupted();
}

void dmesg_command(const char *argument)
{
    int level = LOG_LEVEL_DEBUG;
    if (!argument_is_end(argument) && !read_level(argument, &level)) {
        monitor_usage("dmesg");
        return;
    }
    printk_history(level, print_line);
}

static void print_state(void)
{
    struct printk_counts counts;
    printk_counts(&counts);
    const struct serial8250 *const serial = console_serial();
    console_printf("level %d; %" FMTu64 " lines logged, %" FMTu64 " never shown\n", printk_level(),
                   counts.lines, counts.missed);
    console_printf("serial port at 0x%" FMTx64 "%s, FIFO %u; dropped %u; received: overruns %u, "
                   "garbled %u, breaks %u\n",
                   serial->place.base, serial->place.is_mmio ? " (memory)" : "", serial->fifo_bytes,
                   serial->dropped, serial->overruns, serial->garbled, serial->breaks);
}

void log_command(const char *argument)
{
    int level;
    if (argument_is_end(argument)) {
        print_state();
    } else if (read_level(argument, &level)) {
        printk_set_level(level);
    } else {
        monitor_usage("log");
    }
}
