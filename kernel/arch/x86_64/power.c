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

#define PORT_DEBUG_EXIT    0xf4
#define PORT_RESET_CONTROL 0xcf9
#define PORT_KEYBOARD      0x64

#define RESET_HARD       0x02
#define RESET_NOW        0x06
#define KEYBOARD_RESET   0xfe
#define RESET_WAIT_POLLS 10000000U

void power_debug_exit(enum power_verdict verdict)
{
    struct cpu_features features;
    cpu_features_read(&features); /* also before cpu_setup(): a panic can come at any time */
    if (features.hypervisor) {
        console_drain();
        x86_outl(PORT_DEBUG_EXIT, (uint32_t)verdict);
    }
}

static void wait_for_reset(void)
{
    for (uint32_t i = 0; i < RESET_WAIT_POLLS; i++) {
        arch_cpu_relax();
    }
}

void power_reset(void)
{
    console_drain();
    x86_cli();
    x86_outb(PORT_KEYBOARD, KEYBOARD_RESET);
    wait_for_reset();
    x86_outb(PORT_RESET_CONTROL, RESET_HARD);
    x86_outb(PORT_RESET_CONTROL, RESET_NOW);
    wait_for_reset();
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
