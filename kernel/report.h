/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The report (design.md section 7): one JSON object, schema 1, with everything that the bring-up
 * found and made. Written in the kernel behind `@report `, and by the replay tool.
 */
#ifndef KERNEL_REPORT_H
#define KERNEL_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/black_box.h"

#include "lib/json_writer.h"

/** What only a real boot knows. */
struct report_machine {
    const char *cpu_vendor;
    uint32_t cpus;                   /* enabled in the firmware's tables; 0 = unknown */
    struct black_box_mark last_boot; /* step 0: no record of one */
};

struct report_facts {
    const char *version;
    bool cpu_has_nx;
    bool efer_nxe;
    bool xd_reserved;
    uint64_t tsc_hz;                      /* 0 = unknown */
    const struct report_machine *machine; /* NULL in a replay: firmware, stages, ... are left out */
};

/**
 * Writes the object through @p put as one line without a newline.
 * @return whether it is complete: the audit that it contains could be made
 * Context: after mm_init().
 */
bool report_write(const struct report_facts *facts, json_put put, void *context);

#endif
