/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See measured_boot.h: the comparison. Stateless.
 */
#include "measured_boot.h"

#include <string.h>

#include "bootinfo.h"

static const char *const names[] = {
    [MEASURED_BOOT_ABSENT] = "absent",
    [MEASURED_BOOT_MATCH] = "match",
    [MEASURED_BOOT_MISMATCH] = "mismatch",
    [MEASURED_BOOT_NOT_COMPARED] = "not compared",
};

const char *measured_boot_verdict_name(enum measured_boot_verdict verdict)
{
    return names[verdict];
}

/* @return NULL, or why the event cannot be taken */
static const char *take_event(struct measured_boot *result, const struct tcg_log_event *event)
{
    const bool is_files = event->pcr == MEASURED_BOOT_PCR_FILES;
    result->events++;
    if (event->type == TCG_EVENT_NO_ACTION ||
        (!is_files && event->pcr != MEASURED_BOOT_PCR_COMMAND_LINE)) {
        return NULL;
    }
    if (event->sha256 == NULL) {
        return "an event has no SHA-256 digest";
    }
    tcg_log_extend(is_files ? result->files : result->command_line, event->sha256);
    return NULL;
}

/* @return NULL, or why the log does not say what the PCRs should be */
static const char *replay(const struct bootinfo *info, struct measured_boot *result)
{
    size_t size_bytes;
    const uint8_t *const bytes = bootinfo_tpm_log(info, &size_bytes);
    struct tcg_log log;
    if (bytes == NULL) {
        return "there is none";
    }
    enum kstatus status = tcg_log_open(&log, bytes, size_bytes);
    const char *why = NULL;
    while (status == K_OK && why == NULL) {
        struct tcg_log_event event;
        status = tcg_log_next(&log, &event);
        why = status == K_OK ? take_event(result, &event) : NULL;
    }
    if (why == NULL && status != K_ENOENT) {
        return "it is malformed";
    }
    return why;
}

static const char *why_not_comparable(const struct bootinfo_tpm *tpm)
{
    if ((tpm->flags & BOOTINFO_TPM_HAS_PCRS) == 0) {
        return "the PCRs could not be read";
    }
    return (tpm->flags & BOOTINFO_TPM_LOG_TRUNCATED) != 0 ? "the firmware had no room for all of it"
                                                          : NULL;
}

struct measured_boot measured_boot_check(const struct bootinfo *info)
{
    const struct bootinfo_tpm *const tpm = &info->tpm;
    struct measured_boot result = { .verdict = MEASURED_BOOT_ABSENT };
    if (tpm->state == BOOTINFO_TPM_ABSENT) {
        return result;
    }
    const char *const broken = replay(info, &result);
    const char *const missing = why_not_comparable(tpm);
    result.why = missing != NULL ? missing : broken;
    if (result.why != NULL) {
        result.verdict = MEASURED_BOOT_NOT_COMPARED;
        return result;
    }
    result.files_match = memcmp(result.files, tpm->pcr_files, SHA256_BYTES) == 0;
    result.command_line_match =
        memcmp(result.command_line, tpm->pcr_command_line, SHA256_BYTES) == 0;
    result.verdict = result.files_match && result.command_line_match ? MEASURED_BOOT_MATCH
                                                                     : MEASURED_BOOT_MISMATCH;
    return result;
}
