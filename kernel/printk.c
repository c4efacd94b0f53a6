/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See printk.h. Owner of the log: a ring of bytes that holds the newest lines, each with its level
 * and stamp already in text. `shown` and `end` count bytes since boot; a position is taken modulo
 * the ring. One CPU runs, and an exception may interrupt a printk: the line buffer is on the stack,
 * so the worst that can happen is an interleaved line.
 */
#include "printk.h"

#include <stdarg.h>

#include <arch/cpu.h>

#include "console.h"
#include "lib/bits.h"
#include "printk_control.h"

#define RING_BYTES 65536U
#define LINE_BYTES 256U

static char ring[RING_BYTES];
static uint64_t ring_end;   /* bytes logged since boot */
static uint64_t ring_shown; /* of them, bytes shown on the console */
static int shown_level = LOG_LEVEL_INFO;
static bool is_deferred;
static uint64_t clock_base;
static uint64_t clock_ticks_per_second;

void printk_set_clock(uint64_t base_ticks, uint64_t ticks_per_second)
{
    clock_base = base_ticks;
    clock_ticks_per_second = ticks_per_second;
}

void printk_set_level(int level)
{
    shown_level = level;
}

static void ring_put(const char *text, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++) {
        ring[(ring_end + i) % RING_BYTES] = text[i];
    }
    ring_end += size_bytes;
}

/* The first byte from `position` on that was not overwritten. */
static uint64_t ring_oldest(uint64_t position)
{
    return ring_end - position > RING_BYTES ? ring_end - RING_BYTES : position;
}

/* Bytes of [position, end) that lie in one piece. */
static uint64_t ring_run(uint64_t position, uint64_t end)
{
    return bits_min(end - position, RING_BYTES - position % RING_BYTES);
}

void printk_flush(void)
{
    ring_shown = ring_oldest(ring_shown);
    while (ring_shown < ring_end) {
        const uint64_t at = ring_shown % RING_BYTES;
        const uint64_t run = ring_run(ring_shown, ring_end);
        ring_shown += run;
        console_write(ring + at, run);
    }
}

void printk_replay(void (*put)(const char *text, size_t size_bytes))
{
    uint64_t position = ring_oldest(0);
    while (position < ring_shown) {
        const uint64_t run = ring_run(position, ring_shown);
        put(ring + position % RING_BYTES, run);
        position += run;
    }
}

void printk_set_deferred(bool deferred)
{
    is_deferred = deferred;
    if (!deferred) {
        printk_flush();
    }
}

/* "[    1.234567] ", or ticks where the frequency is not known. */
static size_t put_stamp(char *line, size_t size_bytes)
{
    const uint64_t ticks = arch_timestamp() - clock_base;
    if (clock_ticks_per_second == 0) {
        return format_text(line, size_bytes, "[%12" FMTu64 "] ", ticks);
    }
    const uint64_t seconds = ticks / clock_ticks_per_second;
    const uint64_t rest = ticks % clock_ticks_per_second;
    return format_text(line, size_bytes, "[%5" FMTu64 ".%06" FMTu64 "] ", seconds,
                       rest * 1000000U / clock_ticks_per_second);
}

static const char *level_word(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_EMERGENCY:
        return "PANIC: ";
    case LOG_LEVEL_ERROR:
        return "error: ";
    case LOG_LEVEL_WARNING:
        return "warning: ";
    case LOG_LEVEL_INFO:
    case LOG_LEVEL_DEBUG:
        break;
    }
    return "";
}

void printk(enum log_level level, const char *format, ...)
{
    if ((int)level > shown_level) {
        return;
    }
    char line[LINE_BYTES];
    size_t length = put_stamp(line, sizeof(line));
    length += format_text(line + length, sizeof(line) - length, "%s", level_word(level));
    va_list arguments;
    va_start(arguments, format);
    length += format_text_v(line + length, sizeof(line) - length, format, arguments);
    va_end(arguments);
    length = bits_min(length, sizeof(line) - 2); /* what was cut is cut */
    line[length] = '\n';
    ring_put(line, length + 1);
    if (!is_deferred) {
        printk_flush();
    }
}
