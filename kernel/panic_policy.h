/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What happens after a panic's lines are out (`panic=` of the command line).
 */
#ifndef KERNEL_PANIC_POLICY_H
#define KERNEL_PANIC_POLICY_H

#include <stdint.h>

enum panic_action {
    PANIC_EXIT,   /* leave QEMU with the panic verdict; on real hardware: stay */
    PANIC_STAY,   /* panic=0 */
    PANIC_REBOOT, /* panic=N */
};

struct panic_policy {
    enum panic_action action;
    uint32_t seconds;          /* PANIC_REBOOT: before the reset */
    uint64_t ticks_per_second; /* of arch_timestamp(); 0 = unknown: reset at once */
};

void panic_set_policy(struct panic_policy policy);

#endif
