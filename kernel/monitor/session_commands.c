/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See session_commands.h. No state.
 */
#include "monitor/session_commands.h"

#include <arch/cpu.h>

#include "arch/x86_64/power.h"
#include "console.h"
#include "machine_report.h"
#include "monitor/command.h"
#include "selftest/selftest.h"
#include "verdict.h"

void test_command(const char *argument)
{
    const struct ktest_totals totals =
        selftest_run_until(argument, arch_timestamp(), monitor_interrupted);
    if (monitor_interrupted()) {
        console_printf("stopped\n");
    } else if (totals.passed + totals.failed + totals.skipped == 0) {
        console_printf("no test matches \"%s\"\n", argument);
    }
}

void report_command(const char *argument)
{
    (void)argument;
    if (!machine_report_print()) {
        console_printf("the report is not complete: no memory for the audit\n");
    }
}

void reboot_command(const char *argument)
{
    (void)argument;
    console_printf("resetting\n");
    power_reset();
}

void exit_command(const char *argument)
{
    (void)argument;
    power_debug_exit(verdict_now());
    console_printf("exit works only inside QEMU with isa-debug-exit; `reboot` resets\n");
}
