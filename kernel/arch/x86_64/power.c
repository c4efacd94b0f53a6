/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See power.h. Ports: QEMU's isa-debug-exit as run-ovmf.sh places it (0xf4), the reset control
 * register of Intel's and QEMU's chipsets (0xcf9), the 8042 keyboard controller (0x64).
 */
#include "power.h"

#include <arch/cpu.h>
#include <arch/io.h>

#include "console.h"
#include "cpu_features.h"
#include "lib/deadline.h"

#define PORT_DEBUG_EXIT    0xf4
#define PORT_RESET_CONTROL 0xcf9
#define PORT_KEYBOARD      0x64

#define RESET_HARD       0x02
#define RESET_NOW        0x06
#define KEYBOARD_RESET   0xfe
#define RESET_WAIT_MS    2000U
#define RESET_WAIT_LOOKS 10000000U /* where no clock is known */

void power_debug_exit(enum power_verdict verdict)
{
    struct cpu_features features;
    cpu_features_read(&features); /* also before cpu_setup(): a panic can come at any time */
    if (features.hypervisor) {
        console_drain();
        x86_outl(PORT_DEBUG_EXIT, (uint32_t)verdict);
    }
}

void power_reset(uint64_t tsc_hz)
{
    console_drain();
    x86_cli();
    x86_outb(PORT_KEYBOARD, KEYBOARD_RESET);
    deadline_wait(tsc_hz, RESET_WAIT_MS, RESET_WAIT_LOOKS);
    x86_outb(PORT_RESET_CONTROL, RESET_HARD);
    x86_outb(PORT_RESET_CONTROL, RESET_NOW);
    deadline_wait(tsc_hz, RESET_WAIT_MS, RESET_WAIT_LOOKS);
    const struct x86_table_register no_idt = { .limit = 0, .base = 0 };
    x86_lidt(&no_idt);
    *(volatile uint8_t *)(uintptr_t)UINT64_C(0xfffff00000000000) = 0; /* fault without an IDT */
    power_halt();
}

void power_halt(void)
{
    console_drain();
    for (;;) {
        x86_cli();
        x86_hlt();
    }
}
