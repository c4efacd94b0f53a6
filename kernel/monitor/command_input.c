/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See command.h. A ring of bytes that were typed while a command ran and looked for Ctrl-C. What
 * does not fit is dropped: the newest bytes, so that what runs next is what was typed first.
 */
#include <stdint.h>

#include "console.h"
#include "monitor/command.h"

#define CTRL_C     0x03
#define KEPT_BYTES 256U /* a power of two */

static struct {
    bool interrupted;
    uint32_t first; /* these two count on and wrap; their difference is at most KEPT_BYTES */
    uint32_t end;
    uint8_t bytes[KEPT_BYTES];
} kept;

static void keep(uint8_t byte)
{
    if (kept.end - kept.first < KEPT_BYTES) {
        kept.bytes[kept.end % KEPT_BYTES] = byte;
        kept.end++;
    }
}

bool monitor_interrupted(void)
{
    /* Bounded: a flood must not hold a command up for ever. */
    for (unsigned i = 0; i < KEPT_BYTES && !kept.interrupted; i++) {
        const int byte = console_read();
        if (byte < 0) {
            break;
        }
        if (byte == CTRL_C) {
            kept.interrupted = true;
            kept.first = kept.end;
        } else {
            keep((uint8_t)byte); /* 0..255 */
        }
    }
    return kept.interrupted;
}

int monitor_read_byte(void)
{
    if (kept.first != kept.end) {
        const uint8_t byte = kept.bytes[kept.first % KEPT_BYTES];
        kept.first++;
        return byte;
    }
    return console_read();
}

void monitor_begin_command(void)
{
    kept.interrupted = false;
}
