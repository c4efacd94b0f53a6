/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See serial8250.h. An empty port answers 0xff to every read. The probe therefore asks for things
 * that 0xff cannot be, from the cheapest on, and only a port that passes them all is waited for:
 *
 *   line status 0xff          no UART has all errors and all ready bits at once
 *   scratch register          keeps two different bytes
 *   IER, IIR                  bits that are always 0 read as 0
 *   loopback (open only)      a byte that is sent comes back
 *
 * Transmitter: "holding register empty" of a 16550 means that its whole FIFO is, so one read of the
 * line status pays for 16 bytes. The count goes down before a byte goes out: an exception between
 * the two that prints as well sends less than there is room for, never more.
 *
 * Failure plan: a UART that is not there stays absent. One that goes silent later, or reads as
 * 0xff, is `stalled`: no more waiting until it takes a byte again.
 * @spec National Semiconductor PC16550D data sheet (June 1995), sections 6.7.3 and 8
 */
#include "dev/serial8250.h"

#include <arch/io.h>

/* Register numbers. */
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
#define LINE_STATUS_OVERRUN           0x02U
#define LINE_STATUS_PARITY            0x04U
#define LINE_STATUS_FRAMING           0x08U
#define LINE_STATUS_BREAK             0x10U
#define LINE_STATUS_BAD_BYTE          (LINE_STATUS_PARITY | LINE_STATUS_FRAMING | LINE_STATUS_BREAK)
#define LINE_STATUS_HOLDING_EMPTY     0x20U
#define LINE_STATUS_TRANSMITTER_EMPTY 0x40U
#define LINE_CONTROL_8N1              0x03U
#define LINE_CONTROL_DLAB             0x80U
#define MODEM_CONTROL_DTR_RTS         0x03U
#define MODEM_CONTROL_LOOPBACK        0x10U
#define FIFO_ENABLE_AND_CLEAR         0xc7U /* both FIFOs, trigger at 14 bytes */
#define INTERRUPTS_ALWAYS_ZERO        0xf0U
#define IDENTIFY_ALWAYS_ZERO          0x10U /* bit 5 too in a 16550, but not in a 16750 */
#define IDENTIFY_FIFOS_WORK           0xc0U
#define FIFO_BYTES                    16U
#define NOTHING_THERE                 0xffU
#define STRIDE_MAX                    16U
#define PORTS_END                     0x10000U

/* Enough for the 17 bytes that a FIFO and its shift register hold (1.5 ms), at a microsecond or
 * less a port read. */
#define PROBE_POLLS 20000U

/* ---- registers ---------------------------------------------------------------------------------
 */

static uint64_t register_address(const struct serial8250 *serial, enum serial8250_register index)
{
    return serial->registers + (uint64_t)index * serial->place.stride_bytes;
}

static uint8_t read_register(const struct serial8250 *serial, enum serial8250_register index)
{
    const uint64_t address = register_address(serial, index);
    if (!serial->place.is_mmio) {
        return x86_inb((uint16_t)address); /* a sound place ends below 64 Ki */
    }
    return serial->place.width_bytes == 4 ? (uint8_t)arch_mmio_read32(address)
                                          : arch_mmio_read8(address);
}

static void write_register(const struct serial8250 *serial, enum serial8250_register index,
                           uint8_t value)
{
    const uint64_t address = register_address(serial, index);
    if (!serial->place.is_mmio) {
        x86_outb((uint16_t)address, value); /* as above */
    } else if (serial->place.width_bytes == 4) {
        arch_mmio_write32(address, value);
    } else {
        arch_mmio_write8(address, value);
    }
}

/* ---- line status -------------------------------------------------------------------------------
 */

static void store_received(struct serial8250 *serial, uint8_t byte)
{
    const uint32_t at =
        (serial->received_first + serial->received_count) % SERIAL8250_RECEIVE_BYTES;
    serial->received[at] = byte;
    serial->received_count++;
}

/* Takes the byte that `status` announces; a full buffer leaves it in the UART's FIFO. */
static void receive(struct serial8250 *serial, uint8_t status)
{
    serial->breaks += (status & LINE_STATUS_BREAK) != 0 ? 1 : 0;
    serial->overruns += (status & LINE_STATUS_OVERRUN) != 0 ? 1 : 0;
    if ((status & LINE_STATUS_DATA_READY) == 0) {
        return;
    }
    if ((status & LINE_STATUS_BAD_BYTE) != 0) { /* the bits speak of the next byte, and only once */
        (void)read_register(serial, SERIAL8250_DATA);
        serial->garbled += (status & LINE_STATUS_BREAK) == 0 ? 1 : 0;
    } else if (serial->received_count < SERIAL8250_RECEIVE_BYTES) {
        store_received(serial, read_register(serial, SERIAL8250_DATA));
    }
}

/* The line status; what it says of received bytes is dealt with, for reading it clears that. An
 * empty bus is no status: nothing ready, nothing empty. */
static uint8_t read_line_status(struct serial8250 *serial)
{
    const uint8_t status = read_register(serial, SERIAL8250_LINE_STATUS);
    if (status == NOTHING_THERE) {
        return 0;
    }
    receive(serial, status);
    return status;
}

/* Polls until one of @p bits is set in the line status. @return whether it was, in @p polls. */
static bool wait_for_line_status(struct serial8250 *serial, uint8_t bits, uint32_t polls)
{
    for (uint32_t i = 0; i < polls; i++) {
        if ((read_line_status(serial) & bits) != 0) {
            return true;
        }
    }
    return false;
}

/* ---- finding and setting up --------------------------------------------------------------------
 */

uint64_t serial8250_span_bytes(const struct serial8250_place *place)
{
    return (uint64_t)(SERIAL8250_REGISTERS - 1) * place->stride_bytes + place->width_bytes;
}

bool serial8250_place_is_sound(const struct serial8250_place *place)
{
    uint64_t end;
    const uint32_t stride = place->stride_bytes;
    const uint32_t width = place->width_bytes;
    const bool has_baud = place->baud != 0;
    if (stride == 0 || stride > STRIDE_MAX || (stride & (stride - 1)) != 0 || width > stride ||
        (width != 1 && !(width == 4 && place->is_mmio)) || place->base % width != 0 ||
        (has_baud &&
         (place->baud > SERIAL8250_BAUD_MAX || SERIAL8250_BAUD_MAX % place->baud != 0)) ||
        __builtin_add_overflow(place->base, serial8250_span_bytes(place), &end)) {
        return false;
    }
    return place->base != 0 && (place->is_mmio || end <= PORTS_END);
}

static bool scratch_keeps(const struct serial8250 *serial, uint8_t value)
{
    write_register(serial, SERIAL8250_SCRATCH, value);
    /* A read between: an empty bus may give back what was last on it. */
    (void)read_register(serial, SERIAL8250_LINE_CONTROL);
    return read_register(serial, SERIAL8250_SCRATCH) == value;
}

static bool scratch_works(const struct serial8250 *serial)
{
    const uint8_t before = read_register(serial, SERIAL8250_SCRATCH);
    const bool works = scratch_keeps(serial, 0x5a) && scratch_keeps(serial, 0xa5);
    write_register(serial, SERIAL8250_SCRATCH, before);
    return works;
}

/* Bits that are always 0; with DLAB set the IER is not there to be asked. */
static bool zero_bits_are_zero(const struct serial8250 *serial)
{
    const bool divisor_is_open =
        (read_register(serial, SERIAL8250_LINE_CONTROL) & LINE_CONTROL_DLAB) != 0;
    return (divisor_is_open ||
            (read_register(serial, SERIAL8250_INTERRUPTS) & INTERRUPTS_ALWAYS_ZERO) == 0) &&
           (read_register(serial, SERIAL8250_IDENTIFY) & IDENTIFY_ALWAYS_ZERO) == 0;
}

enum kstatus serial8250_probe(struct serial8250 *serial, const struct serial8250_place *place,
                              uint64_t registers)
{
    *serial = (struct serial8250){ .place = *place, .fifo_bytes = 1 };
    serial->registers = place->is_mmio ? registers : place->base;
    if (!serial8250_place_is_sound(place)) {
        return K_EINVAL;
    }
    serial->present = read_register(serial, SERIAL8250_LINE_STATUS) != NOTHING_THERE &&
                      scratch_works(serial) && zero_bits_are_zero(serial);
    return serial->present ? K_OK : K_ENOENT;
}

static void set_divisor(const struct serial8250 *serial)
{
    const uint32_t divisor = SERIAL8250_BAUD_MAX / serial->place.baud;
    write_register(serial, SERIAL8250_LINE_CONTROL, LINE_CONTROL_DLAB | LINE_CONTROL_8N1);
    write_register(serial, SERIAL8250_DIVISOR_LOW, (uint8_t)divisor);
    write_register(serial, SERIAL8250_DIVISOR_HIGH, (uint8_t)(divisor >> 8));
}

enum kstatus serial8250_setup(struct serial8250 *serial)
{
    if (!serial->present) {
        return K_ENOENT;
    }
    /* What the firmware printed last may still be on its way; the set-up below would cut it. */
    if (!wait_for_line_status(serial, LINE_STATUS_TRANSMITTER_EMPTY, PROBE_POLLS)) {
        serial->present = false;
        return K_ENOENT;
    }
    if (serial->place.baud != 0) {
        set_divisor(serial);
    }
    write_register(serial, SERIAL8250_LINE_CONTROL, LINE_CONTROL_8N1); /* DLAB off: IER is there */
    write_register(serial, SERIAL8250_INTERRUPTS, 0);
    write_register(serial, SERIAL8250_FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
    write_register(serial, SERIAL8250_MODEM_CONTROL, MODEM_CONTROL_DTR_RTS);
    const uint8_t identify = read_register(serial, SERIAL8250_IDENTIFY);
    serial->fifo_bytes = (identify & IDENTIFY_FIFOS_WORK) == IDENTIFY_FIFOS_WORK ? FIFO_BYTES : 1;
    return K_OK;
}

/* Sends a byte to ourselves; nothing of it reaches the wire. */
static bool loopback_works(struct serial8250 *serial)
{
    const uint8_t probe = 0xae;
    write_register(serial, SERIAL8250_MODEM_CONTROL,
                   MODEM_CONTROL_LOOPBACK | MODEM_CONTROL_DTR_RTS);
    serial->received_count = 0;
    write_register(serial, SERIAL8250_DATA, probe);
    for (uint32_t i = 0; i < PROBE_POLLS && serial->received_count == 0; i++) {
        (void)read_line_status(serial); /* moves what has come */
    }
    const bool came_back =
        serial->received_count > 0 && serial->received[serial->received_first] == probe;
    serial->received_count = 0;
    write_register(serial, SERIAL8250_MODEM_CONTROL, MODEM_CONTROL_DTR_RTS);
    return came_back;
}

/* Moves what the FIFO holds to the buffer. */
static void take_received(struct serial8250 *serial)
{
    for (uint32_t i = 0; i < SERIAL8250_RECEIVE_BYTES; i++) {
        if ((read_line_status(serial) & LINE_STATUS_DATA_READY) == 0) {
            return;
        }
    }
}

bool serial8250_carries(struct serial8250 *serial, void (*write)(void *context), void *context)
{
    if (!serial->present ||
        !wait_for_line_status(serial, LINE_STATUS_TRANSMITTER_EMPTY, PROBE_POLLS)) {
        return false;
    }
    take_received(serial);
    const uint32_t before = serial->received_count;
    const uint8_t modem = read_register(serial, SERIAL8250_MODEM_CONTROL);
    /* RTS and DTR come back too, as CTS and DSR: a driver with flow control may send. */
    write_register(serial, SERIAL8250_MODEM_CONTROL,
                   MODEM_CONTROL_LOOPBACK | MODEM_CONTROL_DTR_RTS);
    write(context);
    (void)wait_for_line_status(serial, LINE_STATUS_TRANSMITTER_EMPTY, PROBE_POLLS);
    take_received(serial);
    write_register(serial, SERIAL8250_MODEM_CONTROL, modem);
    const bool came_back = serial->received_count > before;
    serial->received_count = before;
    return came_back;
}

enum kstatus serial8250_open(struct serial8250 *serial, const struct serial8250_place *place,
                             uint64_t registers)
{
    enum kstatus status = serial8250_probe(serial, place, registers);
    if (status == K_OK) {
        status = serial8250_setup(serial);
    }
    if (status == K_OK) {
        serial->present = loopback_works(serial);
        status = serial->present ? K_OK : K_ENOENT;
    }
    return status;
}

enum kstatus serial8250_init(struct serial8250 *serial, uint16_t port)
{
    const struct serial8250_place place = SERIAL8250_PLACE_PORT(port);
    return serial8250_open(serial, &place, 0);
}

/* ---- sending -----------------------------------------------------------------------------------
 */

static void send(struct serial8250 *serial, uint8_t byte)
{
    serial->room--; /* before the byte: see the head of this file */
    serial->stalled = false;
    write_register(serial, SERIAL8250_DATA, byte);
}

bool serial8250_try_put(struct serial8250 *serial, uint8_t byte)
{
    if (!serial->present) {
        return true;
    }
    if (serial->room == 0) {
        if ((read_line_status(serial) & LINE_STATUS_HOLDING_EMPTY) == 0) {
            return false;
        }
        serial->room = serial->fifo_bytes;
    }
    send(serial, byte);
    return true;
}

bool serial8250_wait(struct serial8250 *serial)
{
    if (!serial->present || serial->room > 0) {
        return true;
    }
    const uint32_t polls = serial->stalled ? 1 : SERIAL8250_TRANSMIT_POLLS;
    if (!wait_for_line_status(serial, LINE_STATUS_HOLDING_EMPTY, polls)) {
        serial->stalled = true;
        return false;
    }
    serial->room = serial->fifo_bytes;
    return true;
}

void serial8250_drain(struct serial8250 *serial)
{
    if (serial->present && !serial->stalled) {
        (void)wait_for_line_status(serial, LINE_STATUS_TRANSMITTER_EMPTY, PROBE_POLLS);
    }
}

void serial8250_put_byte(struct serial8250 *serial, uint8_t byte)
{
    if (serial8250_wait(serial)) {
        (void)serial8250_try_put(serial, byte); /* there is room */
    } else {
        serial->dropped++;
    }
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

/* ---- receiving ---------------------------------------------------------------------------------
 */

enum kstatus serial8250_getc(struct serial8250 *serial, uint8_t *byte)
{
    if (!serial->present) {
        return K_ENOENT;
    }
    (void)read_line_status(serial); /* moves what has come */
    if (serial->received_count == 0) {
        return K_EAGAIN;
    }
    *byte = serial->received[serial->received_first];
    serial->received_first = (serial->received_first + 1) % SERIAL8250_RECEIVE_BYTES;
    serial->received_count--;
    return K_OK;
}
