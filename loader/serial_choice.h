/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Which UART the log goes to. Found, not assumed; the first that answers is taken:
 *
 *     1  ACPI's SPCR, then DBG2        not with the word acpi=nospcr
 *     2  earlycon=, then console=ttySN
 *     3  COM1, COM2, COM3, COM4
 *     4  serial ports on PCI
 *
 * Registers in memory are refused where the firmware's map has RAM there, where the CPU has no such
 * address, and under lock-down where only the command line names them. Loader and host.
 */
#ifndef LOADER_SERIAL_CHOICE_H
#define LOADER_SERIAL_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "dev/serial8250.h"
#include "efi_map.h"

/** What is known by then. */
struct serial_choice_input {
    const struct bootinfo *info; /* its rsdp_copy and phys_bits */
    const char *command_line;
    const struct efi_map *map; /* checked */
    bool locked_down;          /* Secure Boot, or the word `lockdown` */
};

struct serial_choice {
    enum bootinfo_serial_source source;
    struct serial8250_place place;
    uint32_t pci_number; /* with BOOTINFO_SERIAL_PCI: bus * 256 + device * 8 + function */
};

/** Finds the port; @p serial is probed, not set up. @return false where none answers (source NONE).
 *  Says on the console what was refused. */
bool serial_choice_find(const struct serial_choice_input *input, struct serial8250 *serial,
                        struct serial_choice *choice);

/** "SPCR", "COM1-4", ... */
const char *serial_choice_source_name(enum bootinfo_serial_source source);

#endif
