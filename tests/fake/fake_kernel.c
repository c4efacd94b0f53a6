/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_kernel.h. The one use of setjmp in the tree: a panic does not return, so a test that
 * wants to see one needs a way out.
 */
#include "tests/fake/fake_kernel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include "panic.h"
#include "printk.h"

#define LOG_BYTES (1U << 16)

static char log_text[LOG_BYTES];
static size_t log_length;
static bool log_shown;
static void (*log_hook)(int level, const char *line);
static bool panic_expected;
static jmp_buf panic_return;
static char panic_message[512];

void fake_log_reset(void)
{
    log_length = 0;
    log_text[0] = '\0';
}

const char *fake_log_text(void)
{
    return log_text;
}

bool fake_log_contains(const char *text)
{
    return strstr(log_text, text) != NULL;
}

void fake_log_show(bool on)
{
    log_shown = on;
}

void fake_log_hook(void (*hook)(int level, const char *line))
{
    log_hook = hook;
}

void printk(enum log_level level, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    const size_t length = strlen(line);
    if (log_length + length + 2 < LOG_BYTES) {
        memcpy(log_text + log_length, line, length);
        log_text[log_length + length] = '\n';
        log_length += length + 1;
        log_text[log_length] = '\0';
    }
    if (log_hook != NULL) {
        log_hook((int)level, line);
    }
    if (log_shown) {
        fprintf(stderr, "<%d> %s\n", (int)level, line);
    }
}

void panic_at(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(panic_message, sizeof(panic_message), format, arguments);
    va_end(arguments);
    if (!panic_expected) {
        fprintf(stderr, "panic at %s:%d: %s\n", file, line, panic_message);
        abort();
    }
    panic_expected = false;
    longjmp(panic_return, 1);
}

const char *fake_panic_catch(void (*body)(void *context), void *context)
{
    panic_expected = true;
    if (setjmp(panic_return) == 0) {
        body(context);
        panic_expected = false;
        return NULL;
    }
    return panic_message;
}
