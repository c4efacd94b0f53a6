/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Which PCI devices may still write to memory: those whose bus mastering the firmware left on at
 * the exit. Reads configuration space through the ports of mechanism 1 and changes nothing there.
 * Devices in other segments than 0 are not seen. Loader (behind the exit: nobody else uses the
 * ports then) and host.
 */
#ifndef LOADER_PCI_MASTERS_H
#define LOADER_PCI_MASTERS_H

#include <stdint.h>

struct pci_master {
    uint8_t bus;
    uint8_t device;
    uint8_t function;
    uint16_t vendor;
    uint16_t product;
    uint32_t class_code; /* class, subclass, interface: 0xccssii */
};

/**
 * Calls @p found for each function, but for bridges, that has its bus master bit set, in the order
 * of their addresses.
 * @return how many there are
 * @spec PCI Local Bus Specification 3.0, 3.2.2.3.2 "Software Generation of Configuration
 *       Transactions", 6.2.2 "Device Control"
 */
uint32_t pci_masters_list(void (*found)(void *context, const struct pci_master *master),
                          void *context);

#endif
