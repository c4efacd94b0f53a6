/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The fake UART itself: what the driver's tests rely on.
 */
#include "tests/fake/fake_uart.h"

#include <arch/io.h>

#include "tests/ktest.h"

#define PORT UINT16_C(0x2f8)

static void fake_uart_divisor_hides_behind_dlab(struct ktest *t)
{
    struct fake_uart uart;
    fake_io_reset();
    fake_uart_plug(&uart, PORT);
    x86_outb(PORT + 3, 0x83);
    x86_outb(PORT + 0, 0x34);
    x86_outb(PORT + 1, 0x12);
    KTEST_EQ(t, uart.divisor, 0x1234);
    KTEST_EQ(t, x86_inb(PORT + 0), 0x34);
    KTEST_EQ(t, x86_inb(PORT + 1), 0x12);
    KTEST_EQ(t, uart.sent_count, 0);
    x86_outb(PORT + 3, 0x03);
    x86_outb(PORT + 1, 0xff);
    KTEST_EQ(t, x86_inb(PORT + 1), 0x0f);
    fake_io_reset();
}

static void fake_uart_notes_what_is_lost_cut_and_garbled(struct ktest *t)
{
    struct fake_uart uart;
    fake_io_reset();
    fake_uart_plug(&uart, PORT);
    uart.byte_polls = 2;
    x86_outb(PORT, 'a'); /* still at 300 baud */
    x86_outb(PORT, 'b'); /* while busy */
    KTEST_EQ(t, uart.garbled, 1);
    KTEST_EQ(t, uart.lost, 1);
    x86_outb(PORT + 2, 0x07);
    KTEST_EQ(t, uart.cut, 1);
    KTEST_STRING(t, uart.sent, "a");
    fake_io_reset();
}

static void fake_uart_transmitter_empties_with_polls(struct ktest *t)
{
    struct fake_uart uart;
    fake_io_reset();
    fake_uart_plug(&uart, PORT);
    uart.byte_polls = 2;
    KTEST_EQ(t, x86_inb(PORT + 5), 0x60);
    x86_outb(PORT, 'a');
    KTEST_EQ(t, x86_inb(PORT + 5), 0);
    KTEST_EQ(t, x86_inb(PORT + 5), 0);
    KTEST_EQ(t, x86_inb(PORT + 5), 0x60);
    uart.stuck = true;
    x86_outb(PORT, 'b');
    for (unsigned i = 0; i < 10; i++) {
        KTEST_EQ(t, x86_inb(PORT + 5), 0);
    }
    fake_io_reset();
}

static void fake_uart_loops_back_and_receives_in_order(struct ktest *t)
{
    struct fake_uart uart;
    fake_io_reset();
    fake_uart_plug(&uart, PORT);
    fake_uart_receive(&uart, "xy", 2);
    x86_outb(PORT + 4, 0x10);
    x86_outb(PORT, 'z');
    KTEST_EQ(t, uart.sent_count, 0);
    KTEST_EQ(t, x86_inb(PORT + 5) & 1, 1);
    KTEST_EQ(t, x86_inb(PORT), 'x');
    KTEST_EQ(t, x86_inb(PORT), 'y');
    KTEST_EQ(t, x86_inb(PORT), 'z');
    KTEST_EQ(t, x86_inb(PORT + 5) & 1, 0);
    fake_io_reset();
}

static const struct ktest_case cases[] = {
    KTEST_CASE(fake_uart_divisor_hides_behind_dlab),
    KTEST_CASE(fake_uart_notes_what_is_lost_cut_and_garbled),
    KTEST_CASE(fake_uart_transmitter_empties_with_polls),
    KTEST_CASE(fake_uart_loops_back_and_receives_in_order),
};
KTEST_SUITE(fake_uart, "fake.uart", cases);
