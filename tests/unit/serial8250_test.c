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

static void write_elsewhere(void *context)
{
    (void)context;
}

/* Another driver of the same port. */
static void write_here(void *context)
{
    struct fixture *const f = context;
    struct serial8250 other = f->serial;
    serial8250_put_byte(&other, '\r');
}

static void serial8250_carries_what_comes_back_in_loopback(struct ktest *t)
{
    struct fixture f;
    uint8_t byte = 0;
    plug(&f);
    KTEST_STATUS(t, init(&f), K_OK);
    f.uart.modem_control = 0x0b; /* whose driver's it is */
    fake_uart_receive(&f.uart, "ab", 2);
    KTEST_FALSE(t, serial8250_carries(&f.serial, write_elsewhere, &f));
    f.uart.byte_polls = 20;
    KTEST_TRUE(t, serial8250_carries(&f.serial, write_here, &f));
    KTEST_EQ(t, f.uart.sent_count, 0);
    KTEST_EQ(t, f.uart.modem_control, 0x0b);
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_OK); /* what was typed is still there */
    KTEST_EQ(t, byte, 'a');
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_OK);
    KTEST_EQ(t, byte, 'b');
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_EAGAIN);
    fake_io_reset();
}

static void serial8250_carries_nothing_where_it_cannot_be_asked(struct ktest *t)
{
    struct fixture f;
    plug(&f);
    KTEST_STATUS(t, init(&f), K_OK);
    f.uart.no_loopback = true;
    KTEST_FALSE(t, serial8250_carries(&f.serial, write_here, &f));
    f.uart.no_loopback = false;
    f.uart.busy_polls = 1;
    f.uart.stuck = true;
    KTEST_FALSE(t, serial8250_carries(&f.serial, write_here, &f));
    f.serial.present = false;
    KTEST_FALSE(t, serial8250_carries(&f.serial, write_here, &f));
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

/* The other end holds the line: one bounded wait, then one poll a byte; and back when it lets go.
 */
static void serial8250_stuck_transmitter_is_not_lost_for_good(struct ktest *t)
{
    struct fixture f;
    plug(&f);
    KTEST_STATUS(t, init(&f), K_OK);
    f.uart.stuck = true;
    f.uart.byte_polls = 1;
    uint32_t reads = f.uart.line_status_reads;
    write_text(&f, "0123456789abcdefXY");
    KTEST_STRING(t, f.uart.sent, "0123456789abcdef"); /* what the FIFO takes */
    KTEST_EQ(t, f.uart.line_status_reads - reads, 1 + SERIAL8250_TRANSMIT_POLLS + 1);
    KTEST_TRUE(t, f.serial.present);
    KTEST_EQ(t, f.serial.dropped, 2);
    reads = f.uart.line_status_reads;
    write_text(&f, "cdef");
    KTEST_EQ(t, f.uart.line_status_reads - reads, 4);
    f.uart.stuck = false;
    fake_uart_send_queued(&f.uart, 16);
    write_text(&f, "again");
    KTEST_STRING(t, f.uart.sent, "0123456789abcdefagain");
    KTEST_EQ(t, f.serial.dropped, 6);
    f.uart.stuck = true; /* another time: waited for again */
    reads = f.uart.line_status_reads;
    write_text(&f, "0123456789abcdef");
    KTEST_TRUE(t, f.uart.line_status_reads - reads > SERIAL8250_TRANSMIT_POLLS);
    KTEST_EQ(t, f.uart.lost, 0);
    fake_io_reset();
}

/* Unplugged after a good start: no endless stream of 0xff, no long waits; plugged in again it
 * works. */
static void serial8250_unplugged_port_is_silent_until_it_is_back(struct ktest *t)
{
    struct fixture f;
    uint8_t byte = 0;
    plug(&f);
    KTEST_STATUS(t, init(&f), K_OK);
    f.uart.unplugged = true;
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_EAGAIN);
    write_text(&f, "lost");
    f.uart.unplugged = false;
    write_text(&f, "seen");
    KTEST_STRING(t, f.uart.sent, "seen");
    KTEST_EQ(t, f.serial.dropped, 4);
    fake_io_reset();
}

/* A poll of the line status pays for a whole FIFO, and never for more. */
static void serial8250_fills_the_fifo_with_one_poll(struct ktest *t)
{
    struct fixture f;
    plug(&f);
    KTEST_STATUS(t, init(&f), K_OK);
    f.uart.byte_polls = 1000;
    uint32_t reads = f.uart.line_status_reads;
    for (uint32_t i = 0; i < 16; i++) {
        KTEST_TRUE(t, serial8250_try_put(&f.serial, 'x'));
    }
    KTEST_EQ(t, f.uart.line_status_reads - reads, 1);
    KTEST_FALSE(t, serial8250_try_put(&f.serial, 'y'));
    KTEST_FALSE(t, serial8250_try_put(&f.serial, 'y'));
    KTEST_EQ(t, f.uart.line_status_reads - reads, 3);
    fake_uart_send_queued(&f.uart, 16);
    KTEST_TRUE(t, serial8250_try_put(&f.serial, 'z'));
    KTEST_EQ(t, f.uart.sent_count, 17);
    KTEST_EQ(t, f.uart.lost, 0);
    fake_io_reset();
}

static void serial8250_without_a_fifo_polls_for_every_byte(struct ktest *t)
{
    struct fixture f;
    plug(&f);
    f.uart.no_fifo = true;
    KTEST_STATUS(t, init(&f), K_OK);
    f.uart.byte_polls = 3;
    write_text(&f, "abcdef");
    KTEST_STRING(t, f.uart.sent, "abcdef");
    KTEST_EQ(t, f.uart.lost, 0);
    fake_io_reset();
}

/* A sender at full speed while text goes out: the buffer keeps its bytes, then the FIFO. */
static void serial8250_receives_while_it_sends(struct ktest *t)
{
    struct fixture f;
    uint8_t byte = 0;
    plug(&f);
    KTEST_STATUS(t, init(&f), K_OK);
    f.uart.byte_polls = 2;
    for (uint32_t i = 0; i < SERIAL8250_RECEIVE_BYTES + 56; i++) {
        const uint8_t next = (uint8_t)(i + i / 256);
        fake_uart_receive(&f.uart, &next, 1);
        if (i % 8 == 7) {
            serial8250_write(&f.serial, "0123456789abcdef", 16);
        }
    }
    for (uint32_t i = 0; i < SERIAL8250_RECEIVE_BYTES + 56; i++) {
        KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_OK);
        KTEST_EQ(t, byte, (uint8_t)(i + i / 256));
    }
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_EAGAIN);
    fake_io_reset();
}

static void serial8250_counts_breaks_overruns_and_garbled_bytes(struct ktest *t)
{
    struct fixture f;
    uint8_t byte = 0;
    plug(&f);
    KTEST_STATUS(t, init(&f), K_OK);
    fake_uart_receive(&f.uart, "\0", 1);
    f.uart.line_errors = 0x18; /* a break is a zero byte with a framing error */
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_EAGAIN);
    KTEST_EQ(t, f.serial.breaks, 1);
    KTEST_EQ(t, f.serial.garbled, 0);
    fake_uart_receive(&f.uart, "?a", 2);
    f.uart.line_errors = 0x08;
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_EAGAIN);
    KTEST_EQ(t, f.serial.garbled, 1);
    f.uart.line_errors = 0x02; /* this byte is good, the one behind it is gone */
    KTEST_STATUS(t, serial8250_getc(&f.serial, &byte), K_OK);
    KTEST_EQ(t, byte, 'a');
    KTEST_EQ(t, f.serial.overruns, 1);
    fake_io_reset();
}

static void serial8250_speaks_to_registers_in_memory(struct ktest *t)
{
    static const struct {
        uint8_t stride;
        uint8_t width;
    } shapes[] = { { 1, 1 }, { 4, 1 }, { 4, 4 }, { 16, 4 } };
    for (size_t i = 0; i < ARRAY_COUNT(shapes); i++) {
        static struct fake_uart uart;
        static struct serial8250 serial;
        uint8_t byte = 0;
        const uint64_t virt = UINT64_C(0xffffa10000000040);
        const struct serial8250_place place = { .base = UINT64_C(0xfe040040),
                                                .baud = 9600,
                                                .is_mmio = true,
                                                .stride_bytes = shapes[i].stride,
                                                .width_bytes = shapes[i].width };
        fake_io_reset();
        fake_uart_plug_mmio(&uart, virt, shapes[i].stride, shapes[i].width);
        KTEST_STATUS(t, serial8250_open(&serial, &place, virt), K_OK);
        KTEST_EQ(t, uart.divisor, 12);
        serial8250_write(&serial, "hi\n", 3);
        KTEST_STRING(t, uart.sent, "hi\r\n");
        fake_uart_receive(&uart, "q", 1);
        KTEST_STATUS(t, serial8250_getc(&serial, &byte), K_OK);
        KTEST_EQ(t, byte, 'q');
    }
    fake_io_reset();
}

static void serial8250_baud_0_leaves_the_divisor(struct ktest *t)
{
    struct fixture f;
    const struct serial8250_place place = { .base = SERIAL8250_COM1,
                                            .stride_bytes = 1,
                                            .width_bytes = 1 };
    plug(&f);
    KTEST_STATUS(t, serial8250_open(&f.serial, &place, 0), K_OK);
    KTEST_EQ(t, f.uart.divisor, 384);
    KTEST_EQ(t, f.uart.line_control, 0x03);
    fake_io_reset();
}

static void serial8250_refuses_places_that_make_no_sense(struct ktest *t)
{
    static const struct serial8250_place bad[] = {
        { .base = 0, .stride_bytes = 1, .width_bytes = 1 },
        { .base = 0x3f8, .stride_bytes = 0, .width_bytes = 1 },
        { .base = 0x3f8, .stride_bytes = 3, .width_bytes = 1 },
        { .base = 0x3f8, .stride_bytes = 32, .width_bytes = 1 },
        { .base = 0x3f8, .stride_bytes = 1, .width_bytes = 2 },
        { .base = 0x3f8, .stride_bytes = 4, .width_bytes = 4 }, /* ports are bytes */
        { .base = 0xfff9, .stride_bytes = 1, .width_bytes = 1 },
        { .base = 0x3f8, .baud = 115201, .stride_bytes = 1, .width_bytes = 1 },
        { .base = 0x3f8, .baud = 7, .stride_bytes = 1, .width_bytes = 1 },
        { .base = 0xfe000000, .is_mmio = true, .stride_bytes = 1, .width_bytes = 4 },
        { .base = 0xfe000002, .is_mmio = true, .stride_bytes = 4, .width_bytes = 4 },
        { .base = UINT64_MAX - 6, .is_mmio = true, .stride_bytes = 1, .width_bytes = 1 },
    };
    static struct serial8250 serial;
    fake_io_reset();
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        KTEST_STATUS(t, serial8250_open(&serial, &bad[i], bad[i].base), K_EINVAL);
        serial8250_write(&serial, "x", 1);
    }
}

/* The loader asks before the firmware is done with the port. */
static void serial8250_probe_keeps_the_set_up(struct ktest *t)
{
    struct fixture f;
    const struct serial8250_place place = SERIAL8250_PLACE_PORT(SERIAL8250_COM1);
    plug(&f);
    f.uart.line_control = 0x1b; /* as a firmware may have it */
    f.uart.divisor = 12;
    f.uart.scratch = 0x77;
    f.uart.interrupts = 0x05;
    KTEST_STATUS(t, serial8250_probe(&f.serial, &place, 0), K_OK);
    KTEST_EQ(t, f.uart.line_control, 0x1b);
    KTEST_EQ(t, f.uart.divisor, 12);
    KTEST_EQ(t, f.uart.scratch, 0x77);
    KTEST_EQ(t, f.uart.interrupts, 0x05);
    f.uart.line_control = 0x9b; /* the divisor is open: bits of it are not the IER's */
    f.uart.divisor = 0xff01;
    KTEST_STATUS(t, serial8250_probe(&f.serial, &place, 0), K_OK);
    KTEST_EQ(t, f.uart.divisor, 0xff01);
    fake_io_reset();
}

static const struct ktest_case cases[] = {
    KTEST_CASE(serial8250_sets_up_115200_8n1_with_fifo),
    KTEST_CASE(serial8250_waits_for_the_firmwares_last_byte),
    KTEST_CASE(serial8250_sends_text_with_cr_lf),
    KTEST_CASE(serial8250_receives_without_waiting),
    KTEST_CASE(serial8250_carries_what_comes_back_in_loopback),
    KTEST_CASE(serial8250_carries_nothing_where_it_cannot_be_asked),
    KTEST_CASE(serial8250_empty_port_is_absent),
    KTEST_CASE(serial8250_probe_leaves_strangers_alone),
    KTEST_CASE(serial8250_refuses_what_does_not_answer_as_a_uart),
    KTEST_CASE(serial8250_stuck_transmitter_is_not_lost_for_good),
    KTEST_CASE(serial8250_unplugged_port_is_silent_until_it_is_back),
    KTEST_CASE(serial8250_fills_the_fifo_with_one_poll),
    KTEST_CASE(serial8250_without_a_fifo_polls_for_every_byte),
    KTEST_CASE(serial8250_receives_while_it_sends),
    KTEST_CASE(serial8250_counts_breaks_overruns_and_garbled_bytes),
    KTEST_CASE(serial8250_speaks_to_registers_in_memory),
    KTEST_CASE(serial8250_baud_0_leaves_the_divisor),
    KTEST_CASE(serial8250_refuses_places_that_make_no_sense),
    KTEST_CASE(serial8250_probe_keeps_the_set_up),
};
KTEST_SUITE(dev_serial8250, "dev.serial8250", cases);
