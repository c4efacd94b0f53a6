/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What the comparison (measured_boot.h) looks like: its line of the log, and the member `tpm` of
 * the report. A mismatch is a warning: a firmware whose log is wrong boots like any other.
 * Stateless.
 */
#include "bootinfo.h"
#include "lib/bits.h"
#include "lib/format.h"
#include "measured_boot.h"
#include "printk.h"

#define EVENT_TEXT_MAX 512U /* of an event's data: firmware may log anything */

/* The events of the two PCRs that the loader measures into, others' among them. */
static void write_tpm_events(struct json_writer *json, const struct bootinfo *info)
{
    size_t size_bytes;
    const uint8_t *const bytes = bootinfo_tpm_log(info, &size_bytes);
    struct tcg_log log;
    struct tcg_log_event event;
    json_key(json, "events");
    json_begin_array(json);
    enum kstatus status = bytes == NULL ? K_ENOENT : tcg_log_open(&log, bytes, size_bytes);
    while (status == K_OK && (status = tcg_log_next(&log, &event)) == K_OK) {
        if (event.sha256 == NULL ||
            (event.pcr != MEASURED_BOOT_PCR_FILES && event.pcr != MEASURED_BOOT_PCR_COMMAND_LINE)) {
            continue;
        }
        json_begin_object(json);
        json_member_u64(json, "pcr", event.pcr);
        json_member_u64(json, "type", event.type);
        json_member_hex(json, "digest", event.sha256, SHA256_BYTES);
        const bool has_nul = event.data_bytes > 0 && event.data[event.data_bytes - 1] == 0;
        json_key(json, "data");
        json_string_bytes(json, (const char *)event.data,
                          bits_min(event.data_bytes - (has_nul ? 1U : 0U), EVENT_TEXT_MAX));
        json_end_object(json);
    }
    json_end_array(json);
}

void measured_boot_report(struct json_writer *json, const struct bootinfo *info)
{
    const struct bootinfo_tpm *const tpm = &info->tpm;
    const struct measured_boot measured = measured_boot_check(info);
    json_key(json, "tpm");
    json_begin_object(json);
    json_member_bool(json, "measured", tpm->state == BOOTINFO_TPM_MEASURED);
    json_member_string(json, "replay", measured_boot_verdict_name(measured.verdict));
    if ((tpm->flags & BOOTINFO_TPM_HAS_PCRS) != 0) {
        json_member_hex(json, "pcr_9", tpm->pcr_files, SHA256_BYTES);
        json_member_hex(json, "pcr_12", tpm->pcr_command_line, SHA256_BYTES);
    }
    if (measured.verdict == MEASURED_BOOT_MISMATCH) {
        json_member_hex(json, "log_pcr_9", measured.files, SHA256_BYTES);
        json_member_hex(json, "log_pcr_12", measured.command_line, SHA256_BYTES);
    }
    if (tpm->state != BOOTINFO_TPM_ABSENT) {
        size_t log_bytes;
        (void)bootinfo_tpm_log(info, &log_bytes);
        json_member_u64(json, "log_bytes", log_bytes);
        json_member_bool(json, "log_truncated", (tpm->flags & BOOTINFO_TPM_LOG_TRUNCATED) != 0);
        json_member_u64(json, "log_events", measured.events);
        write_tpm_events(json, info);
    }
    json_end_object(json);
}

static void print_difference(uint32_t pcr, const uint8_t *held, const uint8_t *given)
{
    char text[2][2 * SHA256_BYTES + 1];
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        (void)format_text(text[0] + 2 * i, 3, "%02x", held[i]); /* two digits and a NUL: fits */
        (void)format_text(text[1] + 2 * i, 3, "%02x", given[i]);
    }
    pr_warn("tpm: PCR %u holds %s, the event log gives %s", pcr, text[0], text[1]);
}

void measured_boot_print(const struct measured_boot *result, const struct bootinfo_tpm *tpm)
{
    if (result->verdict == MEASURED_BOOT_ABSENT) {
        pr_info("tpm: none");
        return;
    }
    if (result->verdict == MEASURED_BOOT_NOT_COMPARED) {
        pr_warn("tpm: the event log was not compared with the PCRs: %s", result->why);
        return;
    }
    printk(result->verdict == MEASURED_BOOT_MATCH ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
           "tpm: event log of %u events replayed: PCR 9 %s, PCR 12 %s", result->events,
           result->files_match ? "match" : "mismatch",
           result->command_line_match ? "match" : "mismatch");
    if (!result->files_match) {
        print_difference(MEASURED_BOOT_PCR_FILES, tpm->pcr_files, result->files);
    }
    if (!result->command_line_match) {
        print_difference(MEASURED_BOOT_PCR_COMMAND_LINE, tpm->pcr_command_line,
                         result->command_line);
    }
}
