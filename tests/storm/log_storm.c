/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A storm on the log: the kernel's own printk.c, log_ring.c and log_output.c, with a CPU for each
 * thread, and exceptions that print as well: where it hurts most, between the claim of a record and
 * its publication and in the middle of a line to the UART (--nested, percent of these places), and
 * anywhere at all, as signals of a timer (--signals, microseconds). The UART takes a few bytes at a
 * time, or none; raw text (KTAP, the report) goes out in between. In what came out every line must
 * be whole, each context's lines in order, none missing and none twice, but for those that the log
 * itself says were lost (an exception that finds the ring full has no way to wait).
 *
 *     log_storm [--lines N] [--threads N] [--nested PERCENT] [--signals MICROSECONDS] [--seed N]
 *
 * --lines counts each thread's. The last line is "N passed, N failed". Signals are for a build
 * without ThreadSanitizer, which holds them back to where nothing is interrupted.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/cpu.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "console.h"
#include "printk.h"
#include "printk_control.h"

#define THREADS_MAX 8U
#define DEPTH_MAX   2U
#define CONTEXTS    ((1U + DEPTH_MAX) * THREADS_MAX + 1U) /* each depth of each thread, raw text */
#define RAW_CONTEXT (CONTEXTS - 1U)

__thread int my_cpu;

static struct {
    uint64_t lines;
    uint64_t threads;
    uint64_t nested;
    uint64_t signals;
    uint64_t seed;
} settings = { .lines = 20000, .threads = 3, .nested = 10, .seed = 1 };

/* The wire. Only whoever has the outputs writes; that is part of what is tested. */
static char *wire;
static size_t wire_bytes;
static size_t wire_size;
static uint32_t wire_random = 1;
static uint64_t logged[CONTEXTS];        /* calls, by the context's own thread */
static _Atomic uint64_t handled;         /* exceptions */
static __thread volatile unsigned depth; /* of exceptions inside of each other: a signal reads it */

/* ---- console.h ---------------------------------------------------------------------------------
 */

static void put_on_wire(const char *text, size_t size_bytes)
{
    if (wire_bytes + size_bytes > wire_size) {
        fprintf(stderr, "log_storm: more came out than went in\n");
        abort();
    }
    memcpy(wire + wire_bytes, text, size_bytes);
    wire_bytes += size_bytes;
}

void console_find_serial(void) {}

bool console_takes_serial(void)
{
    return true;
}

bool console_takes_screen(void)
{
    return false;
}

static void maybe_interrupt(void);

size_t console_try_serial(const char *text, size_t size_bytes)
{
    wire_random = wire_random * 1664525U + 1013904223U;
    if ((wire_random >> 24) % 24 == 0) {
        return 0; /* full */
    }
    put_on_wire(text, size_bytes);
    if (wire_random >> 21 == 0) {
        maybe_interrupt();
    }
    return size_bytes;
}

size_t console_try_screen(const char *text, size_t size_bytes)
{
    (void)text;
    return size_bytes;
}

bool console_wait_serial(void)
{
    return true;
}

/* ---- contexts ----------------------------------------------------------------------------------
 */

static void log_one(unsigned context)
{
    static const char pad[] =
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    const uint64_t number = logged[context]++;
    const int length = (int)((number * 37 + context * 11) % 200);
    pr_info("c%u n%llu %d %.*s.", context, (unsigned long long)number, length, length, pad);
}

/* One may come inside of another. */
static void exception(int signal_number)
{
    (void)signal_number;
    if (depth < DEPTH_MAX) {
        depth++;
        log_one(depth * THREADS_MAX + (unsigned)my_cpu);
        depth--;
        atomic_fetch_add_explicit(&handled, 1, memory_order_relaxed);
    }
}

static void maybe_interrupt(void)
{
    static __thread uint32_t random;
    random = random * 1664525U + 1013904223U + (uint32_t)my_cpu;
    if ((random >> 16) % 100 < settings.nested) {
        exception(0);
    }
}

/* printk() asks between the claim of a record and its publication. */
uint64_t arch_timestamp(void)
{
    maybe_interrupt();
    return __builtin_ia32_rdtsc();
}

static void write_raw(void)
{
    char text[64];
    const int length = snprintf(text, sizeof(text), "raw c%u n%llu 0 .\n", RAW_CONTEXT,
                                (unsigned long long)logged[RAW_CONTEXT]++);
    bool log_is_out;
    const bool token = printk_hold_outputs(&log_is_out);
    put_on_wire(text, (size_t)length);
    printk_release_outputs(token);
}

/* A timer that interrupts the calling thread. */
static void start_timer(timer_t *timer)
{
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
    event._sigev_un._tid = gettid();
    const long nanoseconds = (long)settings.signals * 1000;
    const struct itimerspec often = { { 0, nanoseconds }, { 0, nanoseconds } };
    if (timer_create(CLOCK_MONOTONIC, &event, timer) != 0 ||
        timer_settime(*timer, 0, &often, NULL) != 0) {
        perror("log_storm: timer");
        exit(2);
    }
}

static void *run_thread(void *argument)
{
    my_cpu = *(const int *)argument;
    timer_t timer;
    const bool has_timer = settings.signals > 0;
    if (has_timer) {
        start_timer(&timer);
    }
    for (uint64_t i = 0; i < settings.lines; i++) {
        log_one((unsigned)my_cpu);
        if (my_cpu == 0 && i % 50 == 49) {
            write_raw();
        }
    }
    if (has_timer) {
        (void)timer_delete(timer); /* the process ends it in any case */
    }
    return NULL;
}

/* ---- the verdict -------------------------------------------------------------------------------
 */

static uint64_t failures;

static void fail(const char *why, const char *line)
{
    if (failures < 10) {
        printf("# %s: %.160s\n", why, line);
    }
    failures++;
}

static void check_line(char *line, uint64_t next[CONTEXTS], uint64_t *lost,
                       uint64_t skipped[CONTEXTS])
{
    unsigned context;
    unsigned long long number;
    int length;
    unsigned told;
    const char *const text = strchr(line, ']') != NULL ? strchr(line, ']') + 2 : line;
    int at = 0;
    if (sscanf(text, "warning: log: %u lines lost", &told) == 1) {
        *lost += told;
        return;
    }
    const char *const body = strncmp(text, "raw ", 4) == 0 ? text + 4 : text;
    if (sscanf(body, "c%u n%llu %d %n", &context, &number, &length, &at) != 3 ||
        context >= CONTEXTS || strlen(body + at) != (size_t)length + 1 ||
        body[at + length] != '.') {
        fail("torn", line);
        return;
    }
    if (number < next[context]) {
        fail("out of order", line);
        return;
    }
    skipped[context] += number - next[context];
    next[context] = number + 1;
}

/* Kept lines, read while others write: whole, or not there. */
static bool check_kept(const char *line, size_t size_bytes)
{
    char copy[512];
    uint64_t nothing[CONTEXTS] = { 0 };
    uint64_t ignored[CONTEXTS] = { 0 };
    memcpy(copy, line, size_bytes - 1);
    copy[size_bytes - 1] = '\0';
    check_line(copy, nothing, &ignored[0], ignored);
    return true;
}

static void check_wire(void)
{
    uint64_t next[CONTEXTS] = { 0 };
    uint64_t lost = 0;
    uint64_t missing[CONTEXTS] = { 0 };
    uint64_t skipped = 0;
    uint64_t lines = 0;
    wire[wire_bytes] = '\0';
    for (char *line = strtok(wire, "\r\n"); line != NULL; line = strtok(NULL, "\r\n")) {
        check_line(line, next, &lost, missing);
        lines++;
    }
    for (unsigned i = 0; i < CONTEXTS; i++) {
        missing[i] += logged[i] - next[i];
        skipped += missing[i];
    }
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        if (missing[i] != 0) { /* who was not interrupted waits for room */
            fail("a thread lost lines", "");
        }
    }
    if (missing[RAW_CONTEXT] != 0) {
        fail("raw text was lost", "");
    }
    struct printk_counts counts;
    printk_counts(&counts);
    printf("# %llu lines came out, %llu missing, %llu told as lost, %llu exceptions\n",
           (unsigned long long)lines, (unsigned long long)skipped, (unsigned long long)lost,
           (unsigned long long)handled);
    if (skipped != lost || counts.missed != lost || (lost > 0 && handled == 0)) {
        fail("missing lines are not those that were told as lost", "");
    }
    if (lines + lost < settings.lines * settings.threads + handled) {
        fail("too few lines", "");
    }
}

/* ---- main --------------------------------------------------------------------------------------
 */

static void read_settings(int count, char **words)
{
    static const struct {
        const char *name;
        uint64_t *value;
    } names[] = { { "--lines", &settings.lines },
                  { "--threads", &settings.threads },
                  { "--nested", &settings.nested },
                  { "--signals", &settings.signals },
                  { "--seed", &settings.seed } };
    for (int i = 1; i + 1 < count; i += 2) {
        for (size_t j = 0; j < ARRAY_COUNT(names); j++) {
            if (strcmp(words[i], names[j].name) == 0) {
                *names[j].value = strtoull(words[i + 1], NULL, 0);
            }
        }
    }
    if (settings.threads < 1 || settings.threads > THREADS_MAX) {
        fprintf(stderr, "log_storm: 1 to %u threads\n", THREADS_MAX);
        exit(2);
    }
}

int main(int count, char **words)
{
    read_settings(count, words);
    wire_size = settings.lines * settings.threads * 4 * 320 + 4096;
    wire = malloc(wire_size + 1);
    wire_random = (uint32_t)settings.seed;
    struct sigaction action = { .sa_handler = exception };
    if (wire == NULL || sigaction(SIGUSR1, &action, NULL) != 0) {
        perror("log_storm");
        return 2;
    }
    pthread_t threads[THREADS_MAX];
    static int numbers[THREADS_MAX];
    for (unsigned i = 0; i < settings.threads; i++) {
        numbers[i] = (int)i;
        if (pthread_create(&threads[i], NULL, run_thread, &numbers[i]) != 0) {
            perror("log_storm: pthread_create");
            return 2;
        }
    }
    for (unsigned i = 0; i < 200; i++) {
        printk_history(LOG_LEVEL_DEBUG, check_kept);
    }
    for (unsigned i = 0; i < settings.threads; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    my_cpu = THREADS_MAX - 1; /* after the threads: nothing is interrupted any more */
    settings.nested = 0;
    printk_flush();
    printk_flush(); /* the line about lost lines */
    check_wire();
    free(wire);
    printf("%d passed, %d failed\n", failures == 0, failures != 0);
    return failures != 0;
}
