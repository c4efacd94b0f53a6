/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host side of the seam: port I/O goes to the device that a test plugged in (fake_io.h).
 */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include <stdint.h>

void x86_outb(uint16_t port, uint8_t value);
uint8_t x86_inb(uint16_t port);
void x86_outl(uint16_t port, uint32_t value);

#endif
