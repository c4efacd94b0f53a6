/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_console.h.
 */
#include "tests/fake/fake_console.h"

#include <stdarg.h>
#include <stddef.h>

#include "console.h"
#include "lib/bits.h"
#include "lib/format.h"
#include "tests/fake/fake_cpu.h"

struct fake_console fake_console;

void console_set_screen(bool on)
{
    if (on) {
        fake_console.screen_on_count++;
        fake_console.cr3_at_screen_on = fake_cpu.cr3;
    } else {
        fake_console.screen_off_count++;
        fake_console.cr3_at_screen_off = fake_cpu.cr3;
    }
}

void fake_console_clear(void)
{
    fake_console.text[0] = '\0';
    fake_console.text_bytes = 0;
    fake_console.typed = NULL;
}

void console_printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const size_t room = FAKE_CONSOLE_BYTES - fake_console.text_bytes;
    const size_t length =
        format_text_v(fake_console.text + fake_console.text_bytes, room, format, arguments);
    va_end(arguments);
    fake_console.text_bytes += (uint32_t)bits_min(length, room - 1); /* fits: below the size */
}

void console_write(const char *text, size_t size_bytes)
{
    console_printf("%.*s", (int)size_bytes, text); /* a test's text: fits an int */
}

int console_read(void)
{
    if (fake_console.typed == NULL || *fake_console.typed == '\0') {
        return -1;
    }
    return (unsigned char)*fake_console.typed++;
}
