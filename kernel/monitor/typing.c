/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See typing.h. Stateless.
 */
#include "monitor/typing.h"

bool typing_is_possible(const struct typing *typing)
{
    return typing->serial || (typing->keyboard && typing->screen);
}

const char *typing_hint(const struct typing *typing)
{
    if (!typing_is_possible(typing)) {
        return "";
    }
    if (typing->keyboard_answers) {
        return "; type help";
    }
    return typing->serial ? "; type help on the serial line"
                          : "; type help on a PS/2 keyboard (not USB), if there is one";
}
