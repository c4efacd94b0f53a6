/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See progress.h.
 */
#include "monitor/progress.h"

#include <arch/cpu.h>

#include "console.h"
#include "lib/bits.h"
#include "lib/format.h"
#include "monitor/command.h"

void progress_start(struct progress *progress, const char *name, uint64_t total,
                    uint64_t ticks_per_second)
{
    const uint64_t now = arch_timestamp();
    *progress = (struct progress){
        .name = name,
        .total = total,
        .ticks_per_second = ticks_per_second > 1 ? ticks_per_second : UINT64_C(1000000000),
        .started = now,
        .shown = now,
    };
}

/* Parts in a thousand, without overflow whatever the numbers are. */
static uint64_t per_mille(uint64_t done, uint64_t total)
{
    while (done > UINT64_MAX / 1000) {
        done >>= 1;
        total >>= 1;
    }
    return total == 0 ? 0 : bits_min(done * 1000 / total, 1000);
}

static void show(struct progress *progress, uint64_t done)
{
    const uint64_t ticks = arch_timestamp() - progress->started;
    const uint64_t seconds = ticks / progress->ticks_per_second;
    const uint64_t share = per_mille(done, progress->total);
    console_printf("\r%s: ", progress->name);
    if (share == 0) {
        console_printf("%" FMTu64 " s so far", seconds);
    } else {
        console_printf("%3" FMTu64 " %%, %" FMTu64 " s so far, about %" FMTu64 " s left",
                       share / 10, seconds,
                       ticks / share * (1000 - share) / progress->ticks_per_second);
    }
    console_printf("; Ctrl-C stops  ");
    progress->visible = true;
}

bool progress_step(struct progress *progress, uint64_t done)
{
    const uint64_t now = arch_timestamp();
    if (now - progress->shown >= progress->ticks_per_second / 2) {
        progress->shown = now;
        show(progress, done);
    }
    return !monitor_interrupted();
}

void progress_end(struct progress *progress)
{
    if (progress->visible) {
        console_printf("\r%*s\r", 79, "");
        progress->visible = false;
    }
}

uint64_t progress_percent(const struct progress *progress, uint64_t done)
{
    return per_mille(done, progress->total) / 10;
}

uint64_t progress_seconds(const struct progress *progress)
{
    return (arch_timestamp() - progress->started) / progress->ticks_per_second;
}
