/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See session_commands.h. No state.
 */
#include "monitor/session_commands.h"

#include <arch/cpu.h>

#include "acpi_machine.h"
#include "arch/x86_64/power.h"
#include "bench/bench.h"
#include "console.h"
#include "lib/format.h"
#include "machine_report.h"
#include "mm/mm_init.h"
#include "monitor/command.h"
#include "selftest/selftest.h"
#include "stages.h"
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

/* A reason to try the next way, and what there was. */
static void print_failure(const char *what, enum kstatus status)
{
    console_printf("%s: %s\n", what, kstatus_name(status));
    console_drain();
}

void reboot_command(const char *argument)
{
    (void)argument;
    console_printf("resetting\n");
    console_drain();
    print_failure("ACPI reset", acpi_reset());
    power_reset(mm_bootinfo()->tsc_hz);
}

void poweroff_command(const char *argument)
{
    (void)argument;
    console_printf("switching off\n");
    console_drain();
    print_failure("ACPI soft-off", acpi_power_off());
    console_printf("the machine is still on; `reboot` resets it\n");
}

void bench_command(const char *argument)
{
    (void)argument;
    bench_run(monitor_interrupted);
}

void stages_command(const char *argument)
{
    (void)argument;
    uint32_t count;
    const struct stage *const stages = stages_list(&count);
    const uint64_t ticks_per_ms = mm_bootinfo()->tsc_hz / 1000;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t ticks = stages[i].tsc - stages[0].tsc;
        console_printf("%12" FMTu64 " %s %s\n",
                       ticks_per_ms == 0 ? ticks : ticks * 1000 / ticks_per_ms,
                       ticks_per_ms == 0 ? "ticks" : "us", stages[i].name);
    }
}

void exit_command(const char *argument)
{
    (void)argument;
    power_debug_exit(verdict_now());
    console_printf("exit works only inside QEMU with isa-debug-exit; `reboot` resets\n");
}
