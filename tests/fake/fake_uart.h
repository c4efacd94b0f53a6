/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A fake 16550 UART behind fake_io: a register state machine that notes what goes out and what a
 * driver does wrong. Time is counted in reads of the line status register. A test sets the faults
 * after fake_uart_plug().
 */
#ifndef FAKE_UART_H
#define FAKE_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/fake/fake_io.h"

#define FAKE_UART_SENT_MAX    65536U
#define FAKE_UART_RECEIVE_MAX 64U

struct fake_uart {
    struct fake_io_device device;
    struct fake_io_mmio mmio;

    /* Faults and timing, for the test to choose. */
    bool no_scratch;     /* the scratch register reads as 0 */
    bool no_loopback;    /* the loopback bit is ignored */
    bool odd_interrupts; /* IER reads with a bit that is always 0 */
    bool odd_identify;   /* IIR reads with a bit that is always 0 */
    bool stuck;          /* a byte once begun never leaves */
    bool no_fifo;        /* an 8250: it takes one byte at a time */
    bool unplugged;      /* the line status reads as 0xff */
    uint32_t byte_polls; /* line status reads until a byte has left */
    uint8_t line_errors; /* error bits of the next line status read */

    /* Registers. */
    uint8_t interrupts;
    uint8_t fifo_control;
    uint8_t line_control;
    uint8_t modem_control;
    uint8_t scratch;
    uint16_t divisor;

    /* What happened. */
    uint32_t busy_polls;                     /* until the byte being sent has left; 0: idle */
    uint32_t queued;                         /* bytes in the transmitter, that one among them */
    uint8_t received[FAKE_UART_RECEIVE_MAX]; /* waiting for the driver */
    uint32_t received_count;
    char sent[FAKE_UART_SENT_MAX + 1]; /* on the wire, NUL-terminated */
    uint32_t sent_count;
    uint32_t line_status_reads;
    uint32_t lost;    /* bytes written while the transmitter was full */
    uint32_t cut;     /* bytes on their way when the line was set up anew */
    uint32_t garbled; /* bytes sent with another setting than 115200 8N1 */
};

/** Resets @p uart and plugs it in at @p port. It must outlive its use (fake_io_reset()). */
void fake_uart_plug(struct fake_uart *uart, uint16_t port);

/** The same behind registers in memory: at @p address, @p stride_bytes apart, @p width_bytes wide.
 */
void fake_uart_plug_mmio(struct fake_uart *uart, uint64_t address, uint32_t stride_bytes,
                         uint32_t width_bytes);

/** Time passes: @p bytes bytes of the transmitter's leave. */
void fake_uart_send_queued(struct fake_uart *uart, uint32_t bytes);

/** Lets @p size_bytes bytes arrive from the other end. */
void fake_uart_receive(struct fake_uart *uart, const void *bytes, size_t size_bytes);

#endif
