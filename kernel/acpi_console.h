/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Where ACPI says that a console's UART is: the tables SPCR and DBG2, as bytes that nobody promises
 * anything about. Only 16550-style UARTs are taken. Pure; loader and host.
 */
#ifndef KERNEL_ACPI_CONSOLE_H
#define KERNEL_ACPI_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dev/serial8250.h"

/**
 * The UART of a Serial Port Console Redirection table of @p size_bytes bytes.
 * @return whether it names one (@p place is sound then)
 * @spec "Serial Port Console Redirection Table (SPCR)", revision 1.10; ACPI 6.5, 5.2.3.2 "Generic
 *       Address Structure"
 */
bool acpi_spcr_place(const uint8_t *table, size_t size_bytes, struct serial8250_place *place);

/**
 * The next UART of a Debug Port Table 2.
 * @param cursor  0 for the first; moved behind what was read
 * @return whether there was one
 * @spec "Microsoft Debug Port Table 2 (DBG2)", "Debug Device Information Structure"
 */
bool acpi_dbg2_next_place(const uint8_t *table, size_t size_bytes, size_t *cursor,
                          struct serial8250_place *place);

#endif
