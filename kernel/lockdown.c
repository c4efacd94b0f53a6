/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See lockdown.h.
 */
#include "lockdown.h"

#include <stddef.h>

#include "console.h"

static const char *reason = "nothing is allowed yet"; /* NULL: off */

void lockdown_init(bool secure_boot, bool asked_for)
{
    reason = secure_boot ? "Secure Boot is on" : asked_for ? "lockdown is on" : NULL;
}

bool lockdown_is_on(void)
{
    return reason != NULL;
}

bool lockdown_refuses(const char *what)
{
    if (reason == NULL) {
        return false;
    }
    console_printf("refused: %s: %s\n", what, reason);
    return true;
}
