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
        { { .screen = true }, "" },   /* a USB keyboard alone */
        { { .keyboard = true }, "" }, /* what is typed is not seen */
        { { .keyboard = true, .screen = true }, "; type help" },
        { { .serial = true, .keyboard = true }, "; type help" },
        { { .serial = true, .keyboard = true, .screen = true }, "; type help" },
        { { .serial = true }, "; type help on the serial line" },
        { { .serial = true, .screen = true }, "; type help on the serial line" },
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
