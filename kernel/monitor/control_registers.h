/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The registers that govern paging, printed with the names of their bits: for the monitor's `cr`
 * and `vm regs`. No state. Kernel and host.
 */
#ifndef MONITOR_CONTROL_REGISTERS_H
#define MONITOR_CONTROL_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

/** Names lie inside: a pointer would cost a relocation. */
struct bit_name {
    uint8_t position;
    char name[11];
};

/** Prints " NAME" for each bit of @p value that is set and has a name, then ends the line. */
void print_bit_names(uint64_t value, const struct bit_name *names, size_t count);

/** Prints CR0, CR2, CR3, CR4, EFER and PAT, a line each. */
void control_registers_print(void);

#endif
