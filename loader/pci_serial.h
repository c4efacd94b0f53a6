/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Serial ports on PCI (class 07/00), found by reading configuration space through the ports 0xcf8
 * and 0xcfc. The firmware has given them addresses. Loader and host.
 */
#ifndef LOADER_PCI_SERIAL_H
#define LOADER_PCI_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/serial8250.h"

/** A function on PCI, as a number that counts them all. */
struct pci_serial {
    uint32_t number; /* bus * 256 + device * 8 + function */
    struct serial8250_place place;
};

/**
 * Finds the next 16550-style port from function @p from on and lets it answer (I/O or memory space
 * on in its command register).
 * @return whether there was one
 * @spec PCI Local Bus 3.0, 3.2.2.3.2 "Software Generation of Configuration Transactions", 6.1, 6.2
 *       "Device Control", 6.2.5 "Base Addresses", appendix D "Class Codes"
 */
bool pci_serial_find(uint32_t from, struct pci_serial *found);

#endif
