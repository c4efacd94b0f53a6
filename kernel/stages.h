/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Time stamps of the boot's stages, for the report. One list, filled by kernel_main.
 */
#ifndef KERNEL_STAGES_H
#define KERNEL_STAGES_H

#include <stdint.h>

#define STAGES_MAX 16U

struct stage {
    const char *name; /* constant text */
    uint64_t tsc;     /* ticks */
};

/** Notes @p name with the time stamp @p tsc; beyond STAGES_MAX nothing is noted. */
void stages_add(const char *name, uint64_t tsc);

/** Notes @p name with the time now. */
void stages_mark(const char *name);

/** The stages so far; @p count receives how many. */
const struct stage *stages_list(uint32_t *count);

#endif
