/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Which PCI devices may still write to memory: those whose bus mastering the firmware left on at
 * the exit. Network cards are told to stop: some receive on, into memory that is no longer the
 * firmware's, whatever comes in from outside. All others are left as they are (the screen, the USB
 * controller behind a keyboard that the firmware emulates, disks). Configuration space through the
 * ports of mechanism 1; devices in other segments than 0 are not seen. Loader (behind the exit:
 * nobody else uses the ports then) and host.
 */
#ifndef LOADER_PCI_MASTERS_H
#define LOADER_PCI_MASTERS_H

#include <stdbool.h>
#include <stdint.h>

struct pci_master {
    uint8_t bus;
    uint8_t device;
    uint8_t function;
    uint16_t vendor;
    uint16_t product;
    uint32_t class_code; /* class, subclass, interface: 0xccssii */
    bool is_stopped;     /* it was a master and is none any more */
};

/**
 * Calls @p found for each function, but for bridges, that has its bus master bit set, in the order
 * of their addresses, after network cards were stopped.
 * @return how many still master the bus
 * @spec PCI Local Bus Specification 3.0, 3.2.2.3.2 "Software Generation of Configuration
 *       Transactions", 6.2.2 "Device Control", appendix D "Class Codes"; a card that receives on:
 *       Linux commit abb2bafd295f (BCM4331 in Macs)
 */
uint32_t pci_masters_stop(void (*found)(void *context, const struct pci_master *master),
                          void *context);

#endif
