/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The monitor's command `pci`: what is on the buses. Kernel and host.
 */
#ifndef MONITOR_PCI_COMMAND_H
#define MONITOR_PCI_COMMAND_H

/** Lists the functions of segment 0: identity, class, base addresses, whether they are bus masters.
 *  Reads configuration space only; writes nothing but the address port. */
void pci_command(const char *argument);

#endif
