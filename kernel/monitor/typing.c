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
    return typing->keyboard ? "; type help" : "; type help on the serial line";
}
