/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_console.h.
 */
#include "tests/fake/fake_console.h"

#include "console.h"
#include "tests/fake/fake_cpu.h"

struct fake_console fake_console;

static bool screen_is_on;

void console_set_screen(bool on)
{
    screen_is_on = on;
    if (on) {
        fake_console.screen_on_count++;
        fake_console.cr3_at_screen_on = fake_cpu.cr3;
    } else {
        fake_console.screen_off_count++;
        fake_console.cr3_at_screen_off = fake_cpu.cr3;
    }
}

bool console_screen_is_on(void)
{
    return screen_is_on;
}
