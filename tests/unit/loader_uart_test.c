/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The loader's uart.c against the fake UART: probe, set-up, sending, and ports that are not there
 * or hang.
 */
#include "tests/fake/fake_uart.h"
#include "tests/ktest.h"
#include "uart.h"

static struct fake_uart fake;

static void plug(void)
{
    fake_io_reset();
    fake_uart_plug(&fake, UART_COM1_PORT);
}

static void uart_absent_port_is_left_alone(struct ktest *t)
{
    fake_io_reset();
    struct uart uart;
    uart_probe(&uart, UART_COM1_PORT);
    KTEST_FALSE(t, uart.present);
    uart_setup(&uart);
    uart_write(&uart, "text\n");
    KTEST_FALSE(t, uart_take_byte(&uart));
}

static void uart_probe_keeps_the_set_up(struct ktest *t)
{
    plug();
    fake.line_control = 0x1b; /* 8E1, as a firmware may have it */
    fake.divisor = 12;
    fake.scratch = 0x77;
    struct uart uart;
    uart_probe(&uart, UART_COM1_PORT);
    KTEST_TRUE(t, uart.present);
    KTEST_EQ(t, fake.line_control, 0x1b);
    KTEST_EQ(t, fake.divisor, 12);
    KTEST_EQ(t, fake.scratch, 0x77);
}

static void uart_without_scratch_register_is_not_taken(struct ktest *t)
{
    plug();
    fake.no_scratch = true;
    struct uart uart;
    uart_probe(&uart, UART_COM1_PORT);
    KTEST_FALSE(t, uart.present);
}

static void uart_write_sends_lines_with_cr(struct ktest *t)
{
    plug();
    fake.byte_polls = 3;
    struct uart uart;
    uart_probe(&uart, UART_COM1_PORT);
    uart_setup(&uart);
    uart_write(&uart, "a\nb");
    KTEST_STRING(t, fake.sent, "a\r\nb");
    KTEST_EQ(t, fake.lost, 0);
    KTEST_EQ(t, fake.garbled, 0); /* 115200 8N1 */
}

static void uart_that_hangs_is_given_up_once(struct ktest *t)
{
    plug();
    struct uart uart;
    uart_probe(&uart, UART_COM1_PORT);
    uart_setup(&uart);
    fake.byte_polls = 1;
    fake.stuck = true;
    uart_write(&uart, "a long line that never leaves\n");
    KTEST_FALSE(t, uart.present);
    const uint32_t reads = fake.line_status_reads;
    KTEST_TRUE(t, reads < 20000);
    uart_write(&uart, "more\n");
    KTEST_EQ(t, fake.line_status_reads, reads);
}

static void uart_takes_a_byte_that_waits(struct ktest *t)
{
    plug();
    struct uart uart;
    uart_probe(&uart, UART_COM1_PORT);
    uart_setup(&uart);
    KTEST_FALSE(t, uart_take_byte(&uart));
    fake_uart_receive(&fake, "x", 1);
    KTEST_TRUE(t, uart_take_byte(&uart));
    KTEST_FALSE(t, uart_take_byte(&uart));
}

static const struct ktest_case cases[] = {
    KTEST_CASE(uart_absent_port_is_left_alone),
    KTEST_CASE(uart_probe_keeps_the_set_up),
    KTEST_CASE(uart_without_scratch_register_is_not_taken),
    KTEST_CASE(uart_write_sends_lines_with_cr),
    KTEST_CASE(uart_that_hangs_is_given_up_once),
    KTEST_CASE(uart_takes_a_byte_that_waits),
};
KTEST_SUITE(loader_uart, "loader.uart", cases);
