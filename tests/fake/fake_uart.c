/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_uart.h. @spec PC16550D data sheet (June 1995), section 8.
 */
#include "tests/fake/fake_uart.h"

#include <string.h>

#define LCR_DLAB         0x80U
#define LCR_8N1          0x03U
#define MCR_LOOPBACK     0x10U
#define LSR_READY        0x01U
#define LSR_EMPTY        0x60U /* holding register and transmitter */
#define FCR_ENABLE       0x01U
#define FCR_CLEAR_TX     0x04U
#define IIR_NO_INTERRUPT 0x01U
#define IIR_FIFOS_ON     0xc0U

static bool divisor_is_open(const struct fake_uart *uart)
{
    return (uart->line_control & LCR_DLAB) != 0;
}

static void store_received(struct fake_uart *uart, uint8_t byte)
{
    if (uart->received_count < FAKE_UART_RECEIVE_MAX) {
        uart->received[uart->received_count] = byte;
        uart->received_count++;
    }
}

static uint8_t take_received(struct fake_uart *uart)
{
    if (uart->received_count == 0) {
        return 0;
    }
    const uint8_t byte = uart->received[0];
    uart->received_count--;
    memmove(uart->received, uart->received + 1, uart->received_count);
    return byte;
}

static void put_on_wire(struct fake_uart *uart, uint8_t byte)
{
    if (uart->divisor != 1 || uart->line_control != LCR_8N1) {
        uart->garbled++;
    }
    if (uart->sent_count < FAKE_UART_SENT_MAX) {
        uart->sent[uart->sent_count] = (char)byte;
        uart->sent_count++;
    }
}

static uint32_t transmitter_bytes(const struct fake_uart *uart)
{
    return (uart->fifo_control & FCR_ENABLE) != 0 && !uart->no_fifo ? 16 : 1;
}

static void transmit(struct fake_uart *uart, uint8_t byte)
{
    if (uart->queued == transmitter_bytes(uart)) {
        uart->lost++;
        return;
    }
    if (uart->byte_polls > 0) {
        uart->busy_polls = uart->queued == 0 ? uart->byte_polls : uart->busy_polls;
        uart->queued++;
    }
    if ((uart->modem_control & MCR_LOOPBACK) != 0 && !uart->no_loopback) {
        store_received(uart, byte);
    } else {
        put_on_wire(uart, byte);
    }
}

void fake_uart_send_queued(struct fake_uart *uart, uint32_t bytes)
{
    uart->queued -= bytes < uart->queued ? bytes : uart->queued;
    uart->busy_polls = uart->queued == 0 ? 0 : uart->byte_polls;
}

/* A line status read is a tick of the clock. */
static void tick(struct fake_uart *uart)
{
    if (uart->busy_polls == 0 || uart->stuck) {
        return;
    }
    uart->busy_polls--;
    if (uart->busy_polls == 0) {
        fake_uart_send_queued(uart, 1);
    }
}

static uint8_t read_line_status(struct fake_uart *uart)
{
    uart->line_status_reads++;
    if (uart->unplugged) {
        return 0xff;
    }
    const uint8_t ready = uart->received_count > 0 ? LSR_READY : 0;
    const uint8_t empty = uart->busy_polls == 0 ? LSR_EMPTY : 0;
    const uint8_t errors = uart->line_errors;
    uart->line_errors = 0; /* reading clears them */
    tick(uart);
    return ready | empty | errors;
}

static uint8_t read_identify(const struct fake_uart *uart)
{
    const uint8_t fifos = transmitter_bytes(uart) > 1 ? IIR_FIFOS_ON : 0;
    return (uint8_t)(IIR_NO_INTERRUPT | fifos | (uart->odd_identify ? 0x10 : 0));
}

static uint8_t uart_read(void *context, uint16_t offset)
{
    struct fake_uart *const uart = context;
    switch (offset) {
    case 0:
        return divisor_is_open(uart) ? (uint8_t)uart->divisor : take_received(uart);
    case 1:
        return divisor_is_open(uart)
                   ? (uint8_t)(uart->divisor >> 8)
                   : (uint8_t)(uart->interrupts | (uart->odd_interrupts ? 0x80 : 0));
    case 2:
        return read_identify(uart);
    case 3:
        return uart->line_control;
    case 4:
        return uart->modem_control;
    case 5:
        return read_line_status(uart);
    case 7:
        return uart->no_scratch ? 0 : uart->scratch;
    default:
        return 0; /* modem status */
    }
}

/* What is on its way is cut when its bits change length or the FIFO is cleared under it. */
static void disturb(struct fake_uart *uart)
{
    if (uart->busy_polls > 0) {
        uart->cut++;
        uart->busy_polls = 0;
        uart->queued = 0;
    }
}

static void write_divisor(struct fake_uart *uart, uint16_t divisor)
{
    disturb(uart);
    uart->divisor = divisor;
}

static void write_fifo_control(struct fake_uart *uart, uint8_t value)
{
    if ((value & FCR_CLEAR_TX) != 0) {
        disturb(uart);
    }
    uart->fifo_control = value;
}

static void uart_write(void *context, uint16_t offset, uint8_t value)
{
    struct fake_uart *const uart = context;
    switch (offset) {
    case 0:
        if (divisor_is_open(uart)) {
            write_divisor(uart, (uint16_t)((uart->divisor & 0xff00U) | value));
        } else {
            transmit(uart, value);
        }
        break;
    case 1:
        if (divisor_is_open(uart)) {
            write_divisor(uart, (uint16_t)((uart->divisor & 0xffU) | ((unsigned)value << 8)));
        } else {
            uart->interrupts = value & 0x0f;
        }
        break;
    case 2:
        write_fifo_control(uart, value);
        break;
    case 3:
        uart->line_control = value;
        break;
    case 4:
        uart->modem_control = value & 0x1f;
        break;
    case 7:
        uart->scratch = value;
        break;
    default: /* status registers: writes do nothing */
        break;
    }
}

static void reset(struct fake_uart *uart, uint16_t port)
{
    memset(uart, 0, sizeof(*uart));
    uart->divisor = 384; /* 300 baud: the driver has to change both halves */
    uart->interrupts = 0x0f;
    uart->device = (struct fake_io_device){ port, 8, uart_read, uart_write, uart };
}

void fake_uart_plug(struct fake_uart *uart, uint16_t port)
{
    reset(uart, port);
    fake_io_plug(&uart->device);
}

void fake_uart_plug_mmio(struct fake_uart *uart, uint64_t address, uint32_t stride_bytes,
                         uint32_t width_bytes)
{
    reset(uart, 0);
    uart->mmio = (struct fake_io_mmio){ address, stride_bytes, width_bytes, &uart->device };
    fake_io_plug_mmio(&uart->mmio);
}

void fake_uart_receive(struct fake_uart *uart, const void *bytes, size_t size_bytes)
{
    const uint8_t *const from = bytes;
    for (size_t i = 0; i < size_bytes; i++) {
        store_received(uart, from[i]);
    }
}
