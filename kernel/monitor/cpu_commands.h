/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's commands about the CPU itself: `cpuid`, `msr`, `cr`. Kernel and host.
 */
#ifndef MONITOR_CPU_COMMANDS_H
#define MONITOR_CPU_COMMANDS_H

/** What CPUID says in words, or the raw registers of the leaf (and subleaf) in @p argument. */
void cpuid_command(const char *argument);

/** Reads a model-specific register, or writes it (not under lock-down). One that the CPU refuses is
 *  a message. */
void msr_command(const char *argument);

/** CR0, CR2, CR3, CR4, EFER, PAT with the names of their bits. */
void cr_command(const char *argument);

#endif
