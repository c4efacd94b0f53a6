/* SPDX-License-Identifier: GPL-2.0-only
 *
 * PCI configuration space through the ports 0xcf8 and 0xcfc (PCI Local Bus Specification 3.0,
 * 3.2.2.3.2 "Software Generation of Configuration Transactions"): segment 0, the first 256 bytes of
 * a function. A function that is not there reads as all ones. One user at a time; interrupts are
 * off between address and data, for a handler of the firmware may use the ports too while boot
 * services run. Loader, kernel and host, ports only through <arch/io.h>.
 */
#ifndef DEV_PCI_CONFIG_H
#define DEV_PCI_CONFIG_H

#include <stdint.h>

#include <arch/cpu.h>
#include <arch/io.h>

#define PCI_CONFIG_ADDRESS 0xcf8U
#define PCI_CONFIG_DATA    0xcfcU
#define PCI_CONFIG_ENABLE  (UINT32_C(1) << 31)

/** Context: interrupts off until the data port was used. The address register for @p function (bus
 * << 8 | device << 3 | function) and @p offset (bytes, 0 to 255), whose lowest two bits the data
 * port takes. */
static inline void pci_config_select(uint32_t function, uint32_t offset)
{
    x86_outl(PCI_CONFIG_ADDRESS, PCI_CONFIG_ENABLE | function << 8 | (offset & 0xfcU));
}

/** Reads 32 bits at @p offset, a multiple of 4. */
static inline uint32_t pci_config_read(uint32_t function, uint32_t offset)
{
    const uint64_t token = arch_irq_save();
    pci_config_select(function, offset);
    const uint32_t value = x86_inl(PCI_CONFIG_DATA);
    arch_irq_restore(token);
    return value;
}

/** Writes 32 bits at @p offset, a multiple of 4. */
static inline void pci_config_write(uint32_t function, uint32_t offset, uint32_t value)
{
    const uint64_t token = arch_irq_save();
    pci_config_select(function, offset);
    x86_outl(PCI_CONFIG_DATA, value);
    arch_irq_restore(token);
}

/** Writes the one byte at @p offset. */
static inline void pci_config_write_byte(uint32_t function, uint32_t offset, uint8_t value)
{
    const uint64_t token = arch_irq_save();
    pci_config_select(function, offset);
    x86_outb((uint16_t)(PCI_CONFIG_DATA + (offset & 3)), value);
    arch_irq_restore(token);
}

#endif
