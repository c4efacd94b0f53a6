/* SPDX-License-Identifier: GPL-2.0-only
 *
 * dev/serial8250 against the fake UART: set-up, the probe's refusals, bounded waits (S96).
 */
#include "dev/serial8250.h"

#include <string.h>

#include "tests/fake/fake_uart.h"
#include "tests/ktest.h"

struct fixture {
    struct fake_uart uart;
    struct serial8250 serial;
};

static void plug(struct fixture *f)
{
    fake_io_reset();
    fake_uart_plug(&f->uart, SERIAL8250_COM1);
}

static enum kstatus init(struct fixture *f)
{
    return serial8250_init(&f->serial, SERIAL8250_COM1);
}

static void write_text(struct fixture *f, const char *text)
{
    serial8250_write(&f->serial, text, strlen(text));
}

static void serial8250_sets_up_115200_8n1_with_fifo(struct ktest *t)
{
    struct fixture f;
    plug(&f);
    KTEST_STATUS(t, init(&f), K_OK);
    KTEST_TRUE(t, f.serial.present);
    KTEST_EQ(t, f.uart.divisor, 1);
    KTEST_EQ(t, f.uart.line_control, 0x03);
    KTEST_EQ(t, f.uart.fifo_control & 0x01, 0x01);
    KTEST_EQ(t, f.uart.interrupts, 0);
    KTEST_EQ(t, f.uart.modem_control, 0x03); /* loopback off again */
    KTEST_EQ(t, f.uart.sent_count, 0);       /* the probe's byte stayed inside */
    fake_io_reset();
}

static void serial8250_waits_for_the_firmwares_last_byte(struct ktest *t)
{
    struct fixture f;
    plug(&f);
    f.uart.busy_polls = 50;
    KTEST_STATUS(t, init(&f), K_OK);
    KTEST_EQ(t, f.uart.cut, 0);
    fake_io_reset();
}

static void serial8250_sends_text_with_cr_lf(struct ktest *t)
{
    struct fixture f;
    plug(&f);
    KTEST_STATUS(t, init(&f), K_OK);
    f.uart.byte_polls = 3; /* it must wait for every byte */
    write_text(&f, "a\nb");
    serial8250_putc(&f.serial, '\n');
    serial8250_put_byte(&f.serial, '\n'); /* raw */
    KTEST_STRING(t, f.uart.sent, "a\r\nb\r\n\n");
    KTEST_EQ(t, f.uart.lost, 0);
    KTEST_EQ(t, f.uart.garbled, 0);
    fake_io_reset();
}

static void serial8250_receives_without_waiting(struct ktest *t)
{
    struct fixture f;
    uint8_t byte = 0;
    plug(&f);
    KTEST_STATUS(t, init(&f), K_OK);
    const uint32_t reads = f.uart.line_status_reads;
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_EAGAIN);
    KTEST_EQ(t, f.uart.line_status_reads, reads + 1);
    fake_uart_receive(&f.uart, "\xff\x01", 2);
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_OK);
    KTEST_EQ(t, byte, 0xff); /* a byte like any other */
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_OK);
    KTEST_EQ(t, byte, 0x01);
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_EAGAIN);
    fake_io_reset();
}

/* An empty port: every read is 0xff, which says "ready" to who does not look closely. */
static void serial8250_empty_port_is_absent(struct ktest *t)
{
    struct fixture f;
    uint8_t byte = 0;
    fake_io_reset();
    KTEST_STATUS(t, init(&f), K_ENOENT);
    KTEST_FALSE(t, f.serial.present);
    write_text(&f, "nobody listens\n");
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_ENOENT);
}

static uint8_t read_ff(void *context, uint16_t offset)
{
    (void)context;
    (void)offset;
    return 0xff;
}

static void count_write(void *context, uint16_t offset, uint8_t value)
{
    uint32_t *const writes = context;
    (void)offset;
    (void)value;
    (*writes)++;
}

/* Something that answers 0xff everywhere may be another device: nothing is written to it. */
static void serial8250_probe_leaves_strangers_alone(struct ktest *t)
{
    uint32_t writes = 0;
    struct serial8250 serial;
    const struct fake_io_device stranger = { SERIAL8250_COM2, 8, read_ff, count_write, &writes };
    fake_io_reset();
    fake_io_plug(&stranger);
    KTEST_STATUS(t, serial8250_init(&serial, SERIAL8250_COM2), K_ENOENT);
    KTEST_EQ(t, writes, 0);
    fake_io_reset();
}

static void serial8250_refuses_what_does_not_answer_as_a_uart(struct ktest *t)
{
    struct fixture f;
    plug(&f);
    f.uart.no_scratch = true;
    KTEST_STATUS(t, init(&f), K_ENOENT);
    plug(&f);
    f.uart.odd_interrupts = true;
    KTEST_STATUS(t, init(&f), K_ENOENT);
    plug(&f);
    f.uart.odd_identify = true;
    KTEST_STATUS(t, init(&f), K_ENOENT);
    plug(&f);
    f.uart.no_loopback = true;
    KTEST_STATUS(t, init(&f), K_ENOENT);
    KTEST_TRUE(t, f.uart.line_status_reads < 100000);
    plug(&f);
    f.uart.stuck = true;
    f.uart.busy_polls = 1;
    KTEST_STATUS(t, init(&f), K_ENOENT);
    KTEST_TRUE(t, f.uart.line_status_reads < 100000);
    fake_io_reset();
}

/* The other end holds the line for ever: one bounded wait, then silence at no cost. */
static void serial8250_stuck_transmitter_costs_one_wait(struct ktest *t)
{
    struct fixture f;
    uint8_t byte = 0;
    plug(&f);
    KTEST_STATUS(t, init(&f), K_OK);
    f.uart.stuck = true;
    f.uart.byte_polls = 1;
    uint32_t reads = f.uart.line_status_reads;
    write_text(&f, "ab");
    KTEST_STRING(t, f.uart.sent, "a");
    KTEST_EQ(t, f.uart.line_status_reads - reads, SERIAL8250_TRANSMIT_POLLS + 1);
    KTEST_FALSE(t, f.serial.present);
    reads = f.uart.line_status_reads;
    write_text(&f, "cdef\n");
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_ENOENT);
    KTEST_EQ(t, f.uart.line_status_reads, reads);
    KTEST_STRING(t, f.uart.sent, "a");
    fake_io_reset();
}

/* Unplugged after a good start: a reader must not see an endless stream of 0xff. */
static void serial8250_unplugged_port_goes_absent_on_read(struct ktest *t)
{
    struct fixture f;
    uint8_t byte = 0;
    plug(&f);
    KTEST_STATUS(t, init(&f), K_OK);
    fake_io_reset();
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_ENOENT);
    KTEST_FALSE(t, f.serial.present);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(serial8250_sets_up_115200_8n1_with_fifo),
    KTEST_CASE(serial8250_waits_for_the_firmwares_last_byte),
    KTEST_CASE(serial8250_sends_text_with_cr_lf),
    KTEST_CASE(serial8250_receives_without_waiting),
    KTEST_CASE(serial8250_empty_port_is_absent),
    KTEST_CASE(serial8250_probe_leaves_strangers_alone),
    KTEST_CASE(serial8250_refuses_what_does_not_answer_as_a_uart),
    KTEST_CASE(serial8250_stuck_transmitter_costs_one_wait),
    KTEST_CASE(serial8250_unplugged_port_goes_absent_on_read),
};
KTEST_SUITE(dev_serial8250, "dev.serial8250", cases);
