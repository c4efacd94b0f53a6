/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See uart.h. Register numbers and bits: 16550D data sheet, "Register Addresses" and the pages of
 * the single registers.
 */
#include "uart.h"

#include <arch/io.h>

enum uart_register {
    UART_DATA = 0,
    UART_INTERRUPT_ENABLE = 1,
    UART_FIFO_CONTROL = 2,
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
    UART_SCRATCH = 7,
};

#define LINE_CONTROL_8N1       0x03U
#define LINE_CONTROL_DIVISOR   0x80U
#define FIFO_ENABLE_AND_CLEAR  0x07U
#define MODEM_CONTROL_DTR_RTS  0x03U
#define LINE_STATUS_DATA_READY 0x01U
#define LINE_STATUS_THR_EMPTY  0x20U
#define DIVISOR_115200         1U
#define EMPTY_BUS              0xffU
/* One character at 115200 baud takes 87 us and one port read about 1 us; 100 times as many reads
 * as that needs is 10 ms for a port that hangs. */
#define TRANSMIT_POLLS_MAX 10000U

static uint8_t read_register(const struct uart *uart, enum uart_register number)
{
    return x86_inb((uint16_t)(uart->port + (unsigned)number));
}

static void write_register(const struct uart *uart, enum uart_register number, uint8_t value)
{
    x86_outb((uint16_t)(uart->port + (unsigned)number), value);
}

static bool scratch_holds(const struct uart *uart, uint8_t value)
{
    write_register(uart, UART_SCRATCH, value);
    return read_register(uart, UART_SCRATCH) == value;
}

void uart_probe(struct uart *uart, uint16_t port)
{
    uart->port = port;
    const uint8_t before = read_register(uart, UART_SCRATCH);
    uart->present = scratch_holds(uart, 0x5a) && scratch_holds(uart, 0xa5) &&
                    read_register(uart, UART_LINE_STATUS) != EMPTY_BUS;
    if (uart->present) {
        write_register(uart, UART_SCRATCH, before);
    }
}

void uart_setup(const struct uart *uart)
{
    if (!uart->present) {
        return;
    }
    write_register(uart, UART_INTERRUPT_ENABLE, 0);
    write_register(uart, UART_LINE_CONTROL, LINE_CONTROL_DIVISOR);
    write_register(uart, UART_DATA, DIVISOR_115200);
    write_register(uart, UART_INTERRUPT_ENABLE, 0); /* high byte of the divisor */
    write_register(uart, UART_LINE_CONTROL, LINE_CONTROL_8N1);
    write_register(uart, UART_FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
    write_register(uart, UART_MODEM_CONTROL, MODEM_CONTROL_DTR_RTS);
}

static bool wait_for_room(const struct uart *uart)
{
    for (unsigned polls = 0; polls < TRANSMIT_POLLS_MAX; polls++) {
        const uint8_t status = read_register(uart, UART_LINE_STATUS);
        if (status == EMPTY_BUS) {
            return false; /* unplugged: it reads as nothing now */
        }
        if ((status & LINE_STATUS_THR_EMPTY) != 0) {
            return true;
        }
    }
    return false;
}

static void write_byte(struct uart *uart, uint8_t byte)
{
    uart->present = uart->present && wait_for_room(uart);
    if (uart->present) {
        write_register(uart, UART_DATA, byte);
    }
}

void uart_write(struct uart *uart, const char *text)
{
    for (; *text != '\0' && uart->present; text++) {
        if (*text == '\n') {
            write_byte(uart, '\r');
        }
        write_byte(uart, (uint8_t)*text);
    }
}

bool uart_take_byte(const struct uart *uart)
{
    if (!uart->present || (read_register(uart, UART_LINE_STATUS) & LINE_STATUS_DATA_READY) == 0) {
        return false;
    }
    (void)read_register(uart, UART_DATA); /* which byte does not matter */
    return true;
}
