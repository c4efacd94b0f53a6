/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The loader's own writer for a 16550-style port: for lines that no firmware console would carry
 * to the serial line, and for everything after ExitBootServices. Polled, no interrupts. A port that
 * is not there, or stops taking bytes, costs a bounded number of reads and is then left alone.
 * The caller owns the struct. Loader and host (ports only through <arch/io.h>).
 */
#ifndef LOADER_UART_H
#define LOADER_UART_H

#include <stdbool.h>
#include <stdint.h>

#define UART_COM1_PORT 0x3f8U

struct uart {
    uint16_t port;
    bool present;
};

/**
 * Looks for a UART at @p port without changing how it is set up.
 * @spec 16550D data sheet, "Scratchpad Register"; an empty ISA port reads 0xff
 */
void uart_probe(struct uart *uart, uint16_t port);

/** Programs 115200 baud, 8N1, FIFOs on, interrupts off (S96); nothing where none is present. */
void uart_setup(const struct uart *uart);

/** Sends @p text; LF goes out as CR LF. A transmitter that never empties ends the port's use. */
void uart_write(struct uart *uart, const char *text);

/** Whether a byte waits to be read; the byte is taken. */
bool uart_take_byte(const struct uart *uart);

#endif
