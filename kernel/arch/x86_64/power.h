/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The ways out: QEMU's isa-debug-exit with a verdict, a reset, or a halt.
 */
#ifndef ARCH_X86_64_POWER_H
#define ARCH_X86_64_POWER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"

/** What the guest writes to port 0xf4; QEMU's exit status is then (value << 1) | 1. */
enum power_verdict {
    POWER_VERDICT_PASS = 0x10,
    POWER_VERDICT_FAILED = 0x11,
    POWER_VERDICT_PANIC = 0x12,
    POWER_VERDICT_NOTHING_RAN = 0x13,
};

/** Leaves QEMU with @p verdict; does nothing on a machine whose CPUID shows no hypervisor, and
 *  returns where there is no such device. */
void power_debug_exit(enum power_verdict verdict);

/** Resets the machine: keyboard controller, PCI reset register, then a triple fault. Each of the
 *  first two gets two seconds. @param tsc_hz  ticks of arch_timestamp() per second, 0 = unknown */
NORETURN void power_reset(uint64_t tsc_hz);

/** Interrupts off, for ever. */
NORETURN void power_halt(void);

#endif
