/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See console.h. State: the UART of COM1, which outputs are allowed, the tap and the poll hook.
 */
#include "console.h"

#include <stdarg.h>

#include "dev/screen.h"
#include "dev/serial8250.h"
#include "lib/bits.h"
#include "lib/format.h"

static struct serial8250 serial;
static bool serial_is_probed;
static bool serial_is_off; /* console= names other outputs only */
static bool screen_is_on;
static struct {
    void (*put)(void *context, const char *text, size_t size_bytes); /* NULL: no tap */
    void *context;
} tap;
static struct {
    void (*call)(void); /* NULL: nobody wants it */
} poll_hook;

void console_init_serial(void)
{
    serial_is_probed = true; /* first: a fault while probing must not probe again */
    /* Absent: every later write is a no-op. */
    kstatus_ignore(serial8250_init(&serial, SERIAL8250_COM1));
}

bool console_has_serial(void)
{
    return serial.present;
}

void console_set_tap(void (*put)(void *context, const char *text, size_t size_bytes), void *context)
{
    tap.context = context;
    tap.put = put;
}

void console_write_serial(const char *text, size_t size_bytes)
{
    if (tap.put != NULL) {
        tap.put(tap.context, text, size_bytes);
        return;
    }
    if (!serial_is_probed) {
        console_init_serial(); /* a trap before kernel_main came here */
    }
    serial8250_write(&serial, text, size_bytes);
}

void console_write(const char *text, size_t size_bytes)
{
    if (!serial_is_off || tap.put != NULL) {
        console_write_serial(text, size_bytes);
    }
    if (screen_is_on && tap.put == NULL) {
        screen_write(text, size_bytes);
    }
}

void console_printf(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    const size_t length = format_text_v(text, sizeof(text), format, arguments);
    va_end(arguments);
    console_write(text, bits_min(length, sizeof(text) - 1));
}

bool console_is_at_port(uint16_t port)
{
    return serial.present && !serial.place.is_mmio && serial.place.base == port;
}

void console_set_poll(void (*poll)(void))
{
    poll_hook.call = poll;
}

void console_poll(void)
{
    if (poll_hook.call != NULL) {
        poll_hook.call();
    }
}

int console_read(void)
{
    console_poll();
    uint8_t byte;
    return serial8250_getc(&serial, &byte) == K_OK ? byte : -1;
}

void console_set_serial(bool on)
{
    serial_is_off = !on;
}

void console_set_screen(bool on)
{
    screen_is_on = on;
}

bool console_screen_is_on(void)
{
    return screen_is_on;
}
