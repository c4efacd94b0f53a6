/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host side of the seam: port I/O goes to the device that a test plugged in (fake_io.h).
 */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include <stdint.h>

void x86_outb(uint16_t port, uint8_t value);
uint8_t x86_inb(uint16_t port);
/* Two bytes, at the port and the one behind it, as a bus does it. */
void x86_outw(uint16_t port, uint16_t value);
uint16_t x86_inw(uint16_t port);
void x86_outl(uint16_t port, uint32_t value);
uint32_t x86_inl(uint16_t port);

/* Registers in memory: the device that fake_io_plug_mmio() put there. */
uint8_t arch_mmio_read8(uint64_t address);
uint32_t arch_mmio_read32(uint64_t address);
void arch_mmio_write8(uint64_t address, uint8_t value);
void arch_mmio_write32(uint64_t address, uint32_t value);

#endif
