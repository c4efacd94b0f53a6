/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Host stand-in for kernel/console.h: remembers how window output was switched (S40).
 */
#ifndef FAKE_CONSOLE_H
#define FAKE_CONSOLE_H

#include <stdint.h>

struct fake_console {
    uint32_t screen_off_count;
    uint32_t screen_on_count;
    uint64_t cr3_at_screen_off; /* CR3 when it was switched off last */
    uint64_t cr3_at_screen_on;
};

extern struct fake_console fake_console;

#endif
