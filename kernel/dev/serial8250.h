/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A polled 8250/16550 UART behind I/O ports: 115200 8N1 (S96). A port that is not there, or stops
 * to answer, costs a bounded number of polls once and nothing afterwards. No interrupts, no lock:
 * the caller serialises. The caller owns the struct. From the first line of kernel_main; host.
 */
#ifndef DEV_SERIAL8250_H
#define DEV_SERIAL8250_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kstatus.h"

#define SERIAL8250_COM1 UINT16_C(0x3f8)
#define SERIAL8250_COM2 UINT16_C(0x2f8)

/** Polls that a transmit waits: about a second of port reads. A byte takes 87 us. */
#define SERIAL8250_TRANSMIT_POLLS 1000000U

struct serial8250 {
    uint16_t port; /* base of its eight ports */
    bool present;
};

/**
 * Finds out whether there is a UART at @p port and sets it up.
 * @return K_OK; K_ENOENT where there is none. @p serial is usable either way: without a UART
 *         every write is a no-op.
 */
MUST_CHECK enum kstatus serial8250_init(struct serial8250 *serial, uint16_t port);

/** Sends one byte as it is. */
void serial8250_put_byte(struct serial8250 *serial, uint8_t byte);

/** Sends one character; a newline goes out as CR LF. */
void serial8250_putc(struct serial8250 *serial, char c);

/** Sends @p size_bytes characters as serial8250_putc() does. */
void serial8250_write(struct serial8250 *serial, const char *text, size_t size_bytes);

/**
 * Takes a received byte without waiting.
 * @return K_OK; K_EAGAIN where nothing has come; K_ENOENT where there is no UART
 */
MUST_CHECK enum kstatus serial8250_getc(struct serial8250 *serial, uint8_t *byte);

#endif
