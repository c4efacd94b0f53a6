/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The baud rate does not set the pace of the bring-up: mm_init() runs with its log going through
 * the ring to a UART whose transmitter empties by a clock, fast, slowly or never, and asks it
 * equally often: once or twice for each line.
 */
#include <stdio.h>
#include <string.h>

#include "dev/serial8250.h"
#include "log_output.h"
#include "log_ring.h"
#include "printk.h"
#include "tests/fake/fake_kernel.h"
#include "tests/fake/fake_machine.h"
#include "tests/fake/fake_uart.h"
#include "tests/ktest.h"

static struct fake_machine machine;
static struct fake_uart uart;
static struct serial8250 serial;
static struct log_ring ring;
static struct log_output output;
static const struct log_clock no_clock = { 0, 0 };
static uint32_t bytes_a_line; /* that the transmitter sends between two lines */
static uint32_t lines;

static size_t put(const char *text, size_t size_bytes)
{
    size_t taken = 0;
    while (taken < size_bytes && serial8250_try_put(&serial, (uint8_t)text[taken])) {
        taken++;
    }
    return taken;
}

/* What printk() does, and time passes. */
static void log_line(int level, const char *text)
{
    struct log_record record = { .stamp = lines, .level = (uint8_t)level };
    record.length = (uint32_t)strnlen(text, LOG_TEXT_MAX);
    memcpy(record.text, text, record.length);
    uint64_t position;
    if (log_ring_claim(&ring, log_ring_parts(record.length), &position)) {
        log_ring_publish(&ring, position, &record);
        lines++;
    }
    (void)log_output_pump(&output, &ring, LOG_LEVEL_DEBUG, &no_clock); /* the rest goes later */
    fake_uart_send_queued(&uart, bytes_a_line);
}

/* @return reads of the line status that a bring-up does with such a UART */
static uint32_t polls_of_bring_up(struct ktest *t, uint32_t speed)
{
    fake_io_reset();
    fake_uart_plug(&uart, SERIAL8250_COM1);
    KTEST_STATUS(t, serial8250_init(&serial, SERIAL8250_COM1), K_OK);
    memset(&ring, 0, sizeof(ring));
    output = (struct log_output){ .put = put, .line_end = "\r\n", .chunk_bytes = 1 };
    uart.byte_polls = UINT32_MAX; /* its own clock is not the polls */
    bytes_a_line = speed;
    lines = 0;
    const uint32_t before = uart.line_status_reads;
    fake_log_hook(log_line);
    KTEST_STATUS(t, fake_machine_boot_small_pc(&machine), K_OK);
    fake_log_hook(NULL);
    return uart.line_status_reads - before;
}

static void log_pace_does_not_depend_on_the_baud_rate(struct ktest *t)
{
    const uint32_t never = polls_of_bring_up(t, 0);
    const uint32_t sent = uart.sent_count;
    KTEST_EQ(t, sent, 16); /* what a FIFO holds */
    const uint32_t count = lines;
    const uint32_t slow = polls_of_bring_up(t, 1);
    const uint32_t fast = polls_of_bring_up(t, 16);
    printf("# bring-up: %u lines; line status reads: %u with a line that stands still, %u at a "
           "byte a line, %u at a FIFO a line\n",
           count, never, slow, fast);
    KTEST_TRUE(t, count >= 5);
    KTEST_TRUE(t, never <= 2 * count);
    KTEST_TRUE(t, slow <= 2 * count);
    KTEST_TRUE(t, fast <= 2 * count);
    /* And nothing was lost: it all comes once there is time. */
    uint32_t rounds = 0;
    while (!log_output_pump(&output, &ring, LOG_LEVEL_DEBUG, &no_clock) && rounds < 10000) {
        fake_uart_send_queued(&uart, 16);
        rounds++;
    }
    uint32_t ends = 0;
    for (const char *at = uart.sent; (at = strstr(at, "\r\n")) != NULL; at += 2) {
        ends++;
    }
    KTEST_EQ(t, ends, lines);
    KTEST_EQ(t, uart.lost, 0);
    KTEST_EQ(t, output.missed, 0);
    fake_io_reset();
}

static const struct ktest_case cases[] = { KTEST_CASE(log_pace_does_not_depend_on_the_baud_rate) };
KTEST_SUITE(kernel_log_pace, "kernel.log_pace", cases);
