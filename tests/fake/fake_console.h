/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host stand-in for kernel/console.h: remembers how window output was switched (S40), and what was
 * printed since the last fake_console_clear().
 */
#ifndef FAKE_CONSOLE_H
#define FAKE_CONSOLE_H

#include <stdint.h>

#define FAKE_CONSOLE_BYTES (1U << 20)

struct fake_console {
    uint32_t screen_off_count;
    uint32_t screen_on_count;
    uint64_t cr3_at_screen_off; /* CR3 when it was switched off last */
    uint64_t cr3_at_screen_on;
    char text[FAKE_CONSOLE_BYTES]; /* what was printed, NUL-terminated; cut where it is full */
    uint32_t text_bytes;
    const char *typed; /* what console_read() gives; NULL: nothing */
};

extern struct fake_console fake_console;

/** Forgets what was printed and typed. */
void fake_console_clear(void);

#endif
