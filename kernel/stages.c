/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See stages.h.
 */
#include "stages.h"

#include <arch/cpu.h>

static struct stage stages[STAGES_MAX];
static uint32_t stage_count;

void stages_add(const char *name, uint64_t tsc)
{
    if (stage_count < STAGES_MAX) {
        stages[stage_count++] = (struct stage){ .name = name, .tsc = tsc };
    }
}

void stages_mark(const char *name)
{
    stages_add(name, arch_timestamp());
}

const struct stage *stages_list(uint32_t *count)
{
    *count = stage_count;
    return stages;
}
