/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Bytes that firmware, a hypervisor or a disk chose, on their way to a terminal: ASCII that shows,
 * and nothing that a terminal could take for a command. Pure; loader, kernel, host.
 */
#ifndef LIB_PRINTABLE_H
#define LIB_PRINTABLE_H

#include <stdint.h>

/** @p byte as a character; '?' where it is not one of printable ASCII. */
static inline char printable(uint8_t byte)
{
    if (byte < ' ' || byte > '~') {
        return '?';
    }
    return (char)byte; /* ASCII: the same number */
}

#endif
