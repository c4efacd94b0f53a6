/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's commands about the session itself: tests again, the report again, the way out.
 */
#ifndef MONITOR_SESSION_COMMANDS_H
#define MONITOR_SESSION_COMMANDS_H

/** Runs the self-tests that match. */
void test_command(const char *argument);

/** Prints the @report line again. */
void report_command(const char *argument);

/** Resets the machine: ACPI's reset register, then power_reset(). */
void reboot_command(const char *argument);

/** Switches the machine off (ACPI S5); returns with a message where that does not work. */
void poweroff_command(const char *argument);

/** Measures the bring-up's parts; Ctrl-C stops between two measures. */
void bench_command(const char *argument);

/** When the stages of the boot were reached. */
void stages_command(const char *argument);

/** Leaves QEMU with the verdict; returns where there is no such device. */
void exit_command(const char *argument);

#endif
