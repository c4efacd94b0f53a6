/* SPDX-License-Identifier: GPL-2.0-only
 *
 * monitor/typing: nobody is told to type who cannot.
 */
#include "monitor/typing.h"

#include "lib/compiler.h"
#include "tests/ktest.h"

static void typing_hint_names_what_there_is(struct ktest *t)
{
    static const struct {
        struct typing typing;
        const char *hint; /* empty: nobody can type */
    } cases[] = {
        { { .serial = false }, "" },
        { { .screen = true }, "" },                             /* a USB keyboard alone */
        { { .keyboard = true, .keyboard_answers = true }, "" }, /* what is typed is not seen */
        { { .keyboard = true, .keyboard_answers = true, .screen = true }, "; type help" },
        { { .serial = true, .keyboard = true, .keyboard_answers = true }, "; type help" },
        { { true, true, true, true }, "; type help" },
        { { .serial = true }, "; type help on the serial line" },
        { { .serial = true, .screen = true }, "; type help on the serial line" },
        { { .serial = true, .keyboard = true, .screen = true }, "; type help on the serial line" },
        { { .keyboard = true, .screen = true },
          "; type help on a PS/2 keyboard (not USB), if there is one" },
    };
    for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) {
        KTEST_STRING(t, typing_hint(&cases[i].typing), cases[i].hint);
        KTEST_EQ(t, typing_is_possible(&cases[i].typing), cases[i].hint[0] != '\0');
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(typing_hint_names_what_there_is),
};
KTEST_SUITE(monitor_typing, "monitor.typing", cases);
