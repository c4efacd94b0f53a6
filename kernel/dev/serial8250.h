/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A polled 8250/16550 UART (S96) behind I/O ports or memory-mapped registers of any stride. Every
 * wait is bounded. A transmitter that takes no byte for about a second (a stopped terminal) is
 * asked once a byte from then on: what it does not take is dropped and counted, and it is back as
 * soon as it takes bytes again. Received bytes are moved to a buffer whenever the line status is
 * read, so that a sender at full speed loses nothing while text goes out. No interrupts, no lock:
 * the caller serialises. The caller owns the struct. Loader, kernel, host.
 *
 *     static struct serial8250 uart;
 *     const struct serial8250_place place = SERIAL8250_PLACE_PORT(SERIAL8250_COM2);
 *     if (serial8250_open(&uart, &place, 0) == K_OK) ...
 */
#ifndef DEV_SERIAL8250_H
#define DEV_SERIAL8250_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kstatus.h"

#define SERIAL8250_COM1 UINT16_C(0x3f8)
#define SERIAL8250_COM2 UINT16_C(0x2f8)
#define SERIAL8250_COM3 UINT16_C(0x3e8)
#define SERIAL8250_COM4 UINT16_C(0x2e8)

/** Polls that a transmit waits: about a second of port reads. A byte takes 87 us. */
#define SERIAL8250_TRANSMIT_POLLS 1000000U

#define SERIAL8250_REGISTERS     8U
#define SERIAL8250_BAUD_MAX      115200U
#define SERIAL8250_RECEIVE_BYTES 1024U

/** Where a UART is and how it is spoken to. */
struct serial8250_place {
    uint64_t base;        /* its first I/O port, or the physical address of its first register */
    uint32_t baud;        /* a divisor of 115200; 0: as the firmware left it */
    bool is_mmio;         /* memory, not I/O ports */
    uint8_t stride_bytes; /* from one register to the next: 1, 2, 4, 8 or 16 */
    uint8_t width_bytes;  /* of one access: 1, or 4 (memory only) */
};

/** The usual eight I/O ports at @p port, 115200 8N1. */
#define SERIAL8250_PLACE_PORT(port)                                                      \
    {                                                                                    \
        .base = (port), .baud = SERIAL8250_BAUD_MAX, .stride_bytes = 1, .width_bytes = 1 \
    }

/** Members but the counters are private to serial8250.c. */
struct serial8250 {
    struct serial8250_place place;
    uint64_t registers; /* first port, or virtual address of the first register */
    bool present;
    bool stalled;       /* the last wait for the transmitter was in vain */
    uint8_t fifo_bytes; /* that the transmitter takes when it is empty: 16 or 1 */
    uint8_t room;       /* of them, bytes not used yet */

    uint32_t dropped;  /* bytes that a stalled transmitter did not take */
    uint32_t overruns; /* times that received bytes were lost in the UART */
    uint32_t breaks;   /* break conditions */
    uint32_t garbled;  /* bytes with a parity or framing error: thrown away */

    uint32_t received_first; /* index into `received` */
    uint32_t received_count;
    uint8_t received[SERIAL8250_RECEIVE_BYTES];
};

/** Bytes from the first register to the end of the last one. */
uint64_t serial8250_span_bytes(const struct serial8250_place *place);

/** Whether strides, widths, baud rate and end of the registers make sense. */
bool serial8250_place_is_sound(const struct serial8250_place *place);

/**
 * Finds out whether there is a UART, without changing how it is set up.
 * @param registers  virtual address of the first register; not used for I/O ports
 * @return K_OK; K_ENOENT where there is none; K_EINVAL for a place that makes no sense. @p serial
 *         is usable either way: without a UART every write is a no-op.
 * @spec PC16550D data sheet, "Scratchpad Register"; an empty bus reads as 0xff
 */
MUST_CHECK enum kstatus serial8250_probe(struct serial8250 *serial,
                                         const struct serial8250_place *place, uint64_t registers);

/** Programs 8N1, the baud rate, FIFOs on, interrupts off; nothing where none is present. What is on
 *  its way out leaves first. @return K_OK; K_ENOENT absent, or its transmitter hangs */
MUST_CHECK enum kstatus serial8250_setup(struct serial8250 *serial);

/** serial8250_probe(), serial8250_setup() and a byte in loopback. @return as serial8250_probe() */
MUST_CHECK enum kstatus serial8250_open(struct serial8250 *serial,
                                        const struct serial8250_place *place, uint64_t registers);

/**
 * Whether what @p write writes goes out here, by somebody else's driver: with the port in loopback
 * it comes back, and nothing of it reaches the wire. Bytes received before are kept; the line is
 * deaf meanwhile. False where there is no UART or its transmitter hangs.
 * @param write  writes at least one byte, and fewer than a FIFO holds
 */
bool serial8250_carries(struct serial8250 *serial, void (*write)(void *context), void *context);

/** serial8250_open() of the I/O ports at @p port with 115200 8N1. */
MUST_CHECK enum kstatus serial8250_init(struct serial8250 *serial, uint16_t port);

/** Sends one byte if the transmitter takes it now: at most one read of the line status.
 *  @return whether it was taken; true where there is no UART, for nothing will ever change */
bool serial8250_try_put(struct serial8250 *serial, uint8_t byte);

/** Waits until the transmitter takes a byte, about a second at most, and only once while it stands
 *  still. @return whether it does */
bool serial8250_wait(struct serial8250 *serial);

/** Waits until the last byte is on the wire, some milliseconds at most: before the machine stops.
 */
void serial8250_drain(struct serial8250 *serial);

/** Sends one byte as it is; drops it where the transmitter stands still. */
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
