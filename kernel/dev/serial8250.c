/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See serial8250.h. An empty port answers 0xff to every read. The probe therefore asks for things
 * that 0xff cannot be, from the cheapest on, and only a port that passes them all is waited for:
 *
 *   line status 0xff          no UART has all errors and all ready bits at once
 *   scratch register          keeps two different bytes
 *   IER, IIR                  bits that are always 0 read as 0
 *   loopback                  a byte that is sent comes back
 *
 * Failure plan: `present` goes false, for good, and every later call returns at once.
 * @spec National Semiconductor PC16550D data sheet (June 1995), sections 6.7.3 and 8
 */
#include "dev/serial8250.h"

#include <arch/io.h>

/* Offsets from the base port. */
enum serial8250_register {
    SERIAL8250_DATA = 0,          /* read: received byte; write: byte to send */
    SERIAL8250_DIVISOR_LOW = 0,   /* while DLAB is set */
    SERIAL8250_INTERRUPTS = 1,    /* IER */
    SERIAL8250_DIVISOR_HIGH = 1,  /* while DLAB is set */
    SERIAL8250_IDENTIFY = 2,      /* IIR, read */
    SERIAL8250_FIFO_CONTROL = 2,  /* FCR, write */
    SERIAL8250_LINE_CONTROL = 3,  /* LCR */
    SERIAL8250_MODEM_CONTROL = 4, /* MCR */
    SERIAL8250_LINE_STATUS = 5,   /* LSR */
    SERIAL8250_SCRATCH = 7,       /* SCR */
};

#define LINE_STATUS_DATA_READY        0x01U
#define LINE_STATUS_HOLDING_EMPTY     0x20U
#define LINE_STATUS_TRANSMITTER_EMPTY 0x40U
#define LINE_CONTROL_8N1              0x03U
#define LINE_CONTROL_DLAB             0x80U
#define MODEM_CONTROL_DTR_RTS         0x03U
#define MODEM_CONTROL_LOOPBACK        0x10U
#define FIFO_ENABLE_AND_CLEAR         0xc7U /* both FIFOs, trigger at 14 bytes */
#define INTERRUPTS_ALWAYS_ZERO        0xf0U
#define IDENTIFY_ALWAYS_ZERO          0x10U /* bit 5 too in a 16550, but not in a 16750 */
#define DIVISOR_115200                1U
#define NOTHING_THERE                 0xffU

/* Enough for the 17 bytes that a FIFO and its shift register hold (1.5 ms), at a microsecond or
 * less a port read. */
#define PROBE_POLLS 20000U

static uint8_t read_register(const struct serial8250 *serial, enum serial8250_register index)
{
    return x86_inb((uint16_t)(serial->port + (uint16_t)index));
}

static void write_register(const struct serial8250 *serial, enum serial8250_register index,
                           uint8_t value)
{
    x86_outb((uint16_t)(serial->port + (uint16_t)index), value);
}

/* Polls until one of @p bits is set in the line status. @return whether it was, in @p polls. */
static bool wait_for_line_status(const struct serial8250 *serial, uint8_t bits, uint32_t polls)
{
    for (uint32_t i = 0; i < polls; i++) {
        if ((read_register(serial, SERIAL8250_LINE_STATUS) & bits) != 0) {
            return true;
        }
    }
    return false;
}

static bool scratch_keeps(const struct serial8250 *serial, uint8_t value)
{
    write_register(serial, SERIAL8250_SCRATCH, value);
    /* A read between: an empty bus may give back what was last on it. */
    (void)read_register(serial, SERIAL8250_LINE_STATUS);
    return read_register(serial, SERIAL8250_SCRATCH) == value;
}

/* Whether the registers that can be asked without sending look like a UART. */
static bool registers_answer(const struct serial8250 *serial)
{
    if (read_register(serial, SERIAL8250_LINE_STATUS) == NOTHING_THERE ||
        !scratch_keeps(serial, 0x5a) || !scratch_keeps(serial, 0xa5)) {
        return false;
    }
    write_register(serial, SERIAL8250_LINE_CONTROL, LINE_CONTROL_8N1); /* DLAB off: IER is there */
    write_register(serial, SERIAL8250_INTERRUPTS, 0);
    return (read_register(serial, SERIAL8250_INTERRUPTS) & INTERRUPTS_ALWAYS_ZERO) == 0 &&
           (read_register(serial, SERIAL8250_IDENTIFY) & IDENTIFY_ALWAYS_ZERO) == 0;
}

static void set_line(const struct serial8250 *serial)
{
    write_register(serial, SERIAL8250_LINE_CONTROL, LINE_CONTROL_DLAB | LINE_CONTROL_8N1);
    write_register(serial, SERIAL8250_DIVISOR_LOW, DIVISOR_115200);
    write_register(serial, SERIAL8250_DIVISOR_HIGH, 0);
    write_register(serial, SERIAL8250_LINE_CONTROL, LINE_CONTROL_8N1);
    write_register(serial, SERIAL8250_FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
}

/* Sends a byte to ourselves; nothing of it reaches the wire. */
static bool loopback_works(const struct serial8250 *serial)
{
    const uint8_t probe = 0xae;
    write_register(serial, SERIAL8250_MODEM_CONTROL, MODEM_CONTROL_LOOPBACK);
    write_register(serial, SERIAL8250_DATA, probe);
    const bool came_back = wait_for_line_status(serial, LINE_STATUS_DATA_READY, PROBE_POLLS) &&
                           read_register(serial, SERIAL8250_DATA) == probe;
    write_register(serial, SERIAL8250_MODEM_CONTROL, MODEM_CONTROL_DTR_RTS);
    return came_back;
}

enum kstatus serial8250_init(struct serial8250 *serial, uint16_t port)
{
    serial->port = port;
    serial->present = false;
    if (!registers_answer(serial)) {
        return K_ENOENT;
    }
    /* What the firmware printed last may still be on its way; the set-up below would cut it. */
    if (!wait_for_line_status(serial, LINE_STATUS_TRANSMITTER_EMPTY, PROBE_POLLS)) {
        return K_ENOENT;
    }
    set_line(serial);
    serial->present = loopback_works(serial);
    return serial->present ? K_OK : K_ENOENT;
}

void serial8250_put_byte(struct serial8250 *serial, uint8_t byte)
{
    if (!serial->present) {
        return;
    }
    if (!wait_for_line_status(serial, LINE_STATUS_HOLDING_EMPTY, SERIAL8250_TRANSMIT_POLLS)) {
        serial->present = false;
        return;
    }
    write_register(serial, SERIAL8250_DATA, byte);
}

void serial8250_putc(struct serial8250 *serial, char c)
{
    if (c == '\n') {
        serial8250_put_byte(serial, '\r');
    }
    serial8250_put_byte(serial, (uint8_t)c);
}

void serial8250_write(struct serial8250 *serial, const char *text, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++) {
        serial8250_putc(serial, text[i]);
    }
}

enum kstatus serial8250_getc(struct serial8250 *serial, uint8_t *byte)
{
    if (!serial->present) {
        return K_ENOENT;
    }
    const uint8_t status = read_register(serial, SERIAL8250_LINE_STATUS);
    if (status == NOTHING_THERE) { /* unplugged: else the reader would see 0xff for ever */
        serial->present = false;
        return K_ENOENT;
    }
    if ((status & LINE_STATUS_DATA_READY) == 0) {
        return K_EAGAIN;
    }
    *byte = read_register(serial, SERIAL8250_DATA);
    return K_OK;
}
