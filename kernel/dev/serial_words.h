/* SPDX-License-Identifier: GPL-2.0-only
 *
 * UARTs as the command line names them, with Linux's words. Pure; loader and host.
 *
 *     earlycon=uart8250,io,0x3f8[,115200n8]      eight I/O ports
 *     earlycon=uart8250,mmio,0xfe040000          registers in memory, bytes, one apart
 *     earlycon=uart8250,mmio32,0xfe040000        four bytes wide, four apart
 *     earlycon=mmio32,0xfe040000                 the same
 *     console=ttyS0[,115200n8]                   COM1; to ttyS3
 */
#ifndef DEV_SERIAL_WORDS_H
#define DEV_SERIAL_WORDS_H

#include <stddef.h>

#include "dev/serial8250.h"
#include "kstatus.h"

/** Reads the value of `earlycon=`. @return K_OK; K_EINVAL for anything else than the above */
MUST_CHECK enum kstatus serial_words_earlycon(const char *text, size_t length,
                                              struct serial8250_place *place);

/** Reads the value of `console=`. @return K_OK; K_ENOENT where it names no ttyS (a screen);
 * K_EINVAL for a ttyS that is not as above */
MUST_CHECK enum kstatus serial_words_console(const char *text, size_t length,
                                             struct serial8250_place *place);

#endif
