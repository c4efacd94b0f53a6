/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Measured boot, the kernel's part (docs/measured-boot.md): replays the event log that the loader
 * handed over and compares with the PCRs that it read. Says whether log and TPM agree, not whether
 * what was measured is good: nobody can know that here. Pure but for
 * measured_boot_print().
 */
#ifndef MEASURED_BOOT_H
#define MEASURED_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "lib/json_writer.h"
#include "tcg_log.h"

#define MEASURED_BOOT_PCR_FILES        9U
#define MEASURED_BOOT_PCR_COMMAND_LINE 12U

enum measured_boot_verdict {
    MEASURED_BOOT_ABSENT,       /* no TPM */
    MEASURED_BOOT_MATCH,        /* the log gives both PCRs */
    MEASURED_BOOT_MISMATCH,     /* it does not */
    MEASURED_BOOT_NOT_COMPARED, /* something is missing: why */
};

struct measured_boot {
    enum measured_boot_verdict verdict;
    const char *why; /* constant; where it was not compared */
    uint32_t events; /* that could be read, of all PCRs */
    bool files_match;
    bool command_line_match;
    uint8_t files[SHA256_BYTES];        /* what the log gives PCR 9 */
    uint8_t command_line[SHA256_BYTES]; /* PCR 12 */
};

/** Replays the log in @p info (checked) from PCRs of zero. @return as the struct says */
struct measured_boot measured_boot_check(const struct bootinfo *info);

/** "absent", "match", "mismatch" or "not compared". */
const char *measured_boot_verdict_name(enum measured_boot_verdict verdict);

/** Prints @p result as one line of the log, and one more for each PCR of @p tpm that differs. */
void measured_boot_print(const struct measured_boot *result, const struct bootinfo_tpm *tpm);

/** Writes the report's member `tpm`: state, PCRs, the events of those two. */
void measured_boot_report(struct json_writer *json, const struct bootinfo *info);

#endif
