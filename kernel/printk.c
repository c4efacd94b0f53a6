/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See printk.h. Owner of the log: the ring (log_ring.h), and the two outputs that show it, each at
 * its own pace (log_output.h). A line is formatted on the stack, then goes into the ring in its
 * place at once; that needs no lock and holds in any context. Showing it needs the outputs, and
 * only one context has them:
 *
 *     nobody has them                   pump: what the UART takes without waiting, all to a screen
 *     another context of this CPU does  it was interrupted by us: it will show our line too
 *     another CPU does                  the same
 *
 * A panic's lines (LOG_LEVEL_EMERGENCY) take the outputs whoever has them, and wait for the UART:
 * what was in the middle of a line may never run again.
 */
#include "printk.h"

#include <stdarg.h>
#include <stdatomic.h>

#include <arch/cpu.h>

#include "console.h"
#include "lib/bits.h"
#include "log_output.h"
#include "log_ring.h"
#include "printk_control.h"

/* Tries to find room while nothing moves: short where this CPU was interrupted while it logged, for
 * what is in the way may be its own; else about a second. */
#define CLAIM_TRIES_NESTED 1000U
#define CLAIM_TRIES        5000000U
#define LOGGING_SLOTS      64U

static struct log_ring ring;
/* A byte at a time: a panic that takes over may repeat one. */
static struct log_output serial_output = { .put = console_try_serial,
                                           .line_end = "\r\n",
                                           .chunk_bytes = 1 };
static struct log_output screen_output = { .put = console_try_screen,
                                           .line_end = "\n",
                                           .chunk_bytes = LOG_LINE_BYTES };
static struct log_clock log_clock;
static int shown_level = LOG_LEVEL_INFO;
static enum printk_mode mode;
static void (*copy)(const char *text, size_t size_bytes); /* or NULL */
static _Atomic uint32_t output_owner; /* number of the CPU that has the outputs, + 1; 0: nobody */
static _Atomic uint32_t lost_lines;   /* that found no room, not told yet */
/* Contexts that are logging, by CPU; CPUs that share a slot only wait less for each other. */
static _Atomic uint32_t logging[LOGGING_SLOTS];
static _Atomic uint64_t line_count;
static _Atomic uint64_t lost_total;

void printk_set_clock(uint64_t base_ticks, uint64_t ticks_per_second)
{
    log_clock = (struct log_clock){ base_ticks, ticks_per_second };
}

void printk_set_level(int level)
{
    shown_level = level;
}

int printk_level(void)
{
    return shown_level;
}

/* ---- who has the outputs -----------------------------------------------------------------------
 */

static uint32_t this_cpu(void)
{
    return arch_cpu_number() + 1;
}

/* @return 0 where they are ours now, else whose they are. */
static uint32_t try_hold(void)
{
    uint32_t owner = 0;
    /* Acquire and release: what the last holder wrote is seen. */
    (void)atomic_compare_exchange_strong_explicit(&output_owner, &owner, this_cpu(),
                                                  memory_order_acquire, memory_order_relaxed);
    return owner;
}

static void release(void)
{
    atomic_store_explicit(&output_owner, 0, memory_order_release);
}

/* ---- showing -----------------------------------------------------------------------------------
 */

/* Where nobody listens the ring keeps the newest lines; a line that is being written stays. */
static uint64_t walk_alone(uint64_t position)
{
    struct log_record record;
    uint64_t next;
    while (log_ring_read(&ring, position, &record, &next) == LOG_READ_OK) {
        position = next;
    }
    return position;
}

/* @return whether all is out. Context: the outputs are ours. */
static bool pump(void)
{
    bool is_out = true;
    uint64_t floor = UINT64_MAX;
    if (console_takes_serial()) {
        is_out = log_output_pump(&serial_output, &ring, shown_level, &log_clock);
        floor = serial_output.next;
    }
    if (console_takes_screen()) {
        is_out = log_output_pump(&screen_output, &ring, shown_level, &log_clock) && is_out;
        floor = bits_min(floor, screen_output.next);
    }
    if (floor == UINT64_MAX) {
        floor = walk_alone(atomic_load_explicit(&ring.floor, memory_order_relaxed));
    }
    log_ring_set_floor(&ring, floor);
    return is_out;
}

/* @return whether all is out, or the UART stands still. Context: the outputs are ours. */
static bool drain(void)
{
    while (!pump()) {
        if (!console_wait_serial()) {
            return false;
        }
    }
    return true;
}

static void tell_lost_lines(void);

void printk_pump(void)
{
    if (mode != PRINTK_DEFERRED && try_hold() == 0) {
        (void)pump(); /* what is left goes next time */
        release();
        tell_lost_lines();
    }
}

void printk_flush(void)
{
    if (try_hold() == 0) {
        (void)drain(); /* a UART that stands still gets it when it moves again */
        release();
        tell_lost_lines();
    }
}

/* ---- logging -----------------------------------------------------------------------------------
 */

enum room {
    ROOM_MADE,    /* or another CPU is making some */
    ROOM_BLOCKED, /* by a line that is not published yet */
    ROOM_NEVER,   /* we interrupted who shows the lines */
};

/* The ring is full of lines that were not shown. */
static enum room make_room(void)
{
    const uint64_t floor = atomic_load_explicit(&ring.floor, memory_order_relaxed);
    const uint32_t owner = try_hold();
    if (owner == this_cpu()) {
        return ROOM_NEVER;
    }
    if (owner != 0) {
        return ROOM_MADE;
    }
    if (!drain()) { /* nobody takes them: the oldest goes */
        (void)log_output_skip(&serial_output, &ring);
        (void)pump();
    }
    release();
    return atomic_load_explicit(&ring.floor, memory_order_relaxed) != floor ? ROOM_MADE
                                                                            : ROOM_BLOCKED;
}

static bool claim(uint32_t parts, uint32_t tries, uint64_t *position)
{
    while (!log_ring_claim(&ring, parts, position)) {
        const enum room room = make_room();
        if (room == ROOM_NEVER || (room == ROOM_BLOCKED && --tries == 0)) {
            return false;
        }
        arch_cpu_relax();
    }
    return true;
}

static bool add(struct log_record *record)
{
    _Atomic uint32_t *const nesting = &logging[arch_cpu_number() % LOGGING_SLOTS];
    const bool nested = atomic_fetch_add_explicit(nesting, 1, memory_order_relaxed) > 0;
    uint64_t position;
    const bool claimed =
        claim(log_ring_parts(record->length), nested ? CLAIM_TRIES_NESTED : CLAIM_TRIES, &position);
    if (claimed) {
        record->stamp = arch_timestamp(); /* behind the claim: stamps go up as positions do */
        log_ring_publish(&ring, position, record);
        atomic_fetch_add_explicit(&line_count, 1, memory_order_relaxed);
    }
    atomic_fetch_sub_explicit(nesting, 1, memory_order_relaxed);
    return claimed;
}

static void add_or_count(struct log_record *record)
{
    if (copy != NULL && mode != PRINTK_DEFERRED) {
        record->text[record->length] = '\n'; /* in the place of the NUL, which nobody reads */
        copy(record->text, record->length + 1);
    }
    if (!add(record)) {
        atomic_fetch_add_explicit(&lost_lines, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&lost_total, 1, memory_order_relaxed);
    }
}

static void tell_lost_lines(void)
{
    const uint32_t lost = atomic_exchange_explicit(&lost_lines, 0, memory_order_relaxed);
    if (lost == 0) {
        return;
    }
    struct log_record record = { .level = LOG_LEVEL_WARNING };
    const size_t length = format_text(record.text, sizeof(record.text), "log: %u lines lost", lost);
    record.length = (uint32_t)bits_min(length, LOG_TEXT_MAX);
    if (!add(&record)) { /* told another time */
        atomic_fetch_add_explicit(&lost_lines, lost, memory_order_relaxed);
    }
}

/* What is left of a line that was being written, then the log, with the UART waited for. */
static void show_emergency(void)
{
    console_find_serial();
    const bool held = try_hold() == 0;
    (void)drain(); /* a UART that stands still gets nothing, not even now */
    if (held) {
        release();
    }
}

static void show(enum log_level level)
{
    if (level == LOG_LEVEL_EMERGENCY) {
        show_emergency();
    } else if (mode == PRINTK_SYNCHRONOUS) {
        printk_flush();
    } else {
        printk_pump();
    }
}

void printk(enum log_level level, const char *format, ...)
{
    struct log_record record = { .level = (uint8_t)level };
    va_list arguments;
    va_start(arguments, format);
    const size_t length = format_text_v(record.text, sizeof(record.text), format, arguments);
    va_end(arguments);
    record.length = (uint32_t)bits_min(length, LOG_TEXT_MAX); /* what was cut is cut */
    add_or_count(&record);
    show(level);
}

void printk_plain(const char *format, ...)
{
    struct log_record record = { .level = LOG_LEVEL_EMERGENCY, .is_plain = true };
    va_list arguments;
    va_start(arguments, format);
    const size_t length = format_text_v(record.text, sizeof(record.text), format, arguments);
    va_end(arguments);
    record.length = (uint32_t)bits_min(length, LOG_TEXT_MAX);
    add_or_count(&record);
    show(LOG_LEVEL_INFO);
}

void printk_set_copy(void (*put)(const char *text, size_t size_bytes))
{
    copy = put;
}

void printk_set_mode(enum printk_mode new_mode)
{
    const bool was_deferred = mode == PRINTK_DEFERRED;
    mode = new_mode;
    if (was_deferred && mode != PRINTK_DEFERRED) {
        printk_flush();
    }
}

void printk_set_deferred(bool deferred)
{
    if (deferred || mode == PRINTK_DEFERRED) {
        printk_set_mode(deferred ? PRINTK_DEFERRED : PRINTK_BACKGROUND);
    }
}

/* ---- the monitor and the console ---------------------------------------------------------------
 */

void printk_counts(struct printk_counts *counts)
{
    *counts = (struct printk_counts){
        .lines = atomic_load_explicit(&line_count, memory_order_relaxed),
        .missed = atomic_load_explicit(&lost_total, memory_order_relaxed) + serial_output.missed,
    };
}

void printk_history(int level, bool (*put)(const char *line, size_t size_bytes))
{
    char line[LOG_LINE_BYTES];
    struct log_record record;
    uint64_t position = log_ring_oldest(&ring);
    for (;;) {
        uint64_t next = position + 1;
        const enum log_read result = log_ring_read(&ring, position, &record, &next);
        if (result == LOG_READ_NOT_YET) {
            return;
        }
        if (result == LOG_READ_OK && record.level <= level &&
            !put(line, log_format_line(&record, &log_clock, "\n", line))) {
            return;
        }
        position = result == LOG_READ_GONE ? log_ring_oldest(&ring) : next;
    }
}

bool printk_hold_outputs(bool *log_is_out)
{
    uint32_t owner = try_hold();
    while (owner != 0 && owner != this_cpu()) {
        arch_cpu_relax();
        owner = try_hold();
    }
    *log_is_out = owner != 0 || drain();
    return owner == 0;
}

void printk_release_outputs(bool token)
{
    if (token) {
        (void)pump(); /* what came meanwhile */
        release();
    }
}
