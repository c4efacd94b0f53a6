/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The report on the stick, by the whole loader under scripted firmware: both files there and whole,
 * or none of a file that could not be finished; nothing overwritten; the boot goes on whatever the
 * volume does.
 */
#include <string.h>

#include "lib/compiler.h"
#include "tests/fake/efi/fake_efi.h"
#include "tests/fake/json_read.h"
#include "tests/ktest.h"

static const CHAR16 dryrun[] = L"dryrun wait=0";
#define DRYRUN .load_options = dryrun, .load_options_bytes = sizeof(dryrun)

static struct fake_efi_result result;

static bool printed(const char *text)
{
    return strstr(result.console, text) != NULL;
}

static const struct fake_efi_written *written(const char *name)
{
    for (size_t i = 0; i < FAKE_EFI_WRITTEN_MAX; i++) {
        if (strcmp(result.written[i].name, name) == 0) {
            return &result.written[i];
        }
    }
    return NULL;
}

/* What holds of every run: it ends as if there were no report, and no half file is left. */
static void run(struct ktest *t, const struct fake_efi_script *script, enum fake_efi_end end)
{
    fake_efi_run(script, &result);
    KTEST_EQ(t, result.end, end);
    KTEST_STRING(t, result.violation, "");
    KTEST_EQ(t, result.live_files, 0);
    for (size_t i = 0; i < FAKE_EFI_WRITTEN_MAX; i++) {
        KTEST_TRUE(t, result.written[i].name[0] == '\0' || result.written[i].is_whole);
    }
}

static void report_sound_volume_gets_both_files(struct ktest *t)
{
    const struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BGR };
    run(t, &script, FAKE_EFI_ENTERED_KERNEL);
    const struct fake_efi_written *const text = written("report-000.txt");
    const struct fake_efi_written *const json = written("report-000.json");
    KTEST_TRUE(t, printed("report: \\firstlight\\report-000.txt and .json"));
    KTEST_TRUE(t, text != NULL && json != NULL);
    if (text == NULL || json == NULL) {
        return;
    }
    KTEST_TRUE(t, strstr(text->text, "\n1024x768\n") != NULL);
    KTEST_TRUE(t, strstr(text->text, "uart: answers at port 0x3f8\n") != NULL);
    KTEST_TRUE(t, strstr(text->text, "firstlight: preflight: NX: ") != NULL);
    KTEST_TRUE(t, strstr(text->text, "XSDT at 0x") != NULL);
    KTEST_TRUE(t, strstr(text->text, " 0x1000 kernel image\n") != NULL);
    KTEST_TRUE(t, strstr(text->text, " 0x1000 black box\n") != NULL);
    KTEST_TRUE(t, strstr(text->text, "\n== bytes\nRAM ") != NULL);
    KTEST_TRUE(t, strncmp(json->text, "{\"schema\":1,", 12) == 0);
    KTEST_TRUE(t, json->text[json->size_bytes - 1] == '\n');
    KTEST_TRUE(t, json_read_is_valid(json->text));
    KTEST_TRUE(t, json_read_u64(json->text, "accounting.usable") > 0);
    KTEST_EQ(t, json_read_count(json->text, "efi_map.entries"),
             json_read_u64(json->text, "efi_map.descriptors"));
}

static void report_comes_with_a_dry_run_too(struct ktest *t)
{
    const struct fake_efi_script script = { DRYRUN };
    run(t, &script, FAKE_EFI_RETURNED);
    KTEST_TRUE(t, written("report-000.json") != NULL);
    KTEST_TRUE(t, printed("returned to firmware: dry-run-ok"));
}

static void report_noreport_writes_nothing(struct ktest *t)
{
    static const CHAR16 words[] = L"noreport";
    const struct fake_efi_script script = { .load_options = words,
                                            .load_options_bytes = sizeof(words) };
    run(t, &script, FAKE_EFI_ENTERED_KERNEL);
    KTEST_EQ(t, result.calls[FAKE_EFI_FILE_WRITE], 0);
    KTEST_TRUE(t, written("report-000.txt") == NULL && !printed("report: "));
}

static void report_takes_the_first_free_number(struct ktest *t)
{
    for (uint32_t taken = 1; taken <= 3; taken++) {
        const struct fake_efi_script script = { DRYRUN, .reports_taken = taken };
        char name[] = "report-000.txt";
        name[9] = (char)('0' + taken);
        run(t, &script, FAKE_EFI_RETURNED);
        KTEST_TRUE(t, written(name) != NULL);
    }
    const struct fake_efi_script last = { DRYRUN, .reports_taken = 999 };
    run(t, &last, FAKE_EFI_RETURNED);
    KTEST_TRUE(t, written("report-999.txt") != NULL && written("report-999.json") != NULL);
}

/* Only a warning, and nothing was made. */
static void warns(struct ktest *t, const struct fake_efi_script *script, const char *why)
{
    char line[64] = "warning: no report: ";
    run(t, script, FAKE_EFI_RETURNED);
    KTEST_TRUE(t, printed(strcat(line, why)));
    KTEST_TRUE(t, printed("returned to firmware: dry-run-ok"));
    KTEST_TRUE(t, result.written[0].name[0] == '\0' && result.written[1].name[0] == '\0');
}

static void report_volume_that_takes_none_is_a_warning(struct ktest *t)
{
    const struct fake_efi_script no_volume = { DRYRUN, .no_volume = true };
    warns(t, &no_volume, "ENOENT");
    const struct fake_efi_script no_image = { .no_loaded_image = true };
    run(t, &no_image, FAKE_EFI_ENTERED_KERNEL);
    KTEST_TRUE(t, printed("warning: no report: ENOENT"));
    const struct fake_efi_script read_only = { DRYRUN, .read_only = true };
    warns(t, &read_only, "EPERM");
    const struct fake_efi_script taken = { DRYRUN, .reports_taken = 1000 };
    warns(t, &taken, "EEXIST");
    const struct fake_efi_script full = { DRYRUN, .volume_bytes = 1 };
    warns(t, &full, "ENOSPC");
    const struct fake_efi_script lies = { DRYRUN, .writes_too_much = true };
    warns(t, &lies, "EIO");
}

static void report_short_writes_are_joined(struct ktest *t)
{
    const struct fake_efi_script whole = { DRYRUN };
    run(t, &whole, FAKE_EFI_RETURNED);
    static struct fake_efi_written before;
    before = *written("report-000.json");
    const struct fake_efi_script pieces = { DRYRUN, .bytes_each_write = 7 };
    run(t, &pieces, FAKE_EFI_RETURNED);
    const struct fake_efi_written *const after = written("report-000.json");
    KTEST_TRUE(t, after != NULL && after->size_bytes + 40 > before.size_bytes); /* times differ */
}

/* Room for the text file or less, byte by byte around the buffer's size, up to all of both. */
static void report_full_volume_keeps_no_half_file(struct ktest *t)
{
    const struct fake_efi_script sound = { DRYRUN };
    run(t, &sound, FAKE_EFI_RETURNED);
    const uint64_t all = result.written[0].size_bytes + result.written[1].size_bytes;
    bool kept_text_alone = false;
    for (uint64_t bytes = 1; bytes < all - 64; bytes += 611) {
        const struct fake_efi_script script = { DRYRUN, .volume_bytes = bytes };
        run(t, &script, FAKE_EFI_RETURNED);
        KTEST_TRUE(t, printed("warning: no report: ENOSPC") ||
                          printed("warning: the report's .json is missing: ENOSPC"));
        KTEST_TRUE(t, written("report-000.json") == NULL);
        kept_text_alone |= written("report-000.txt") != NULL;
    }
    KTEST_TRUE(t, kept_text_alone);
}

static void report_any_failing_call_keeps_no_half_file(struct ktest *t)
{
    static const enum fake_efi_service services[] = { FAKE_EFI_FILE_WRITE, FAKE_EFI_FILE_FLUSH,
                                                      FAKE_EFI_FILE_OPEN, FAKE_EFI_OPEN_VOLUME };
    for (size_t i = 0; i < ARRAY_COUNT(services); i++) {
        uint32_t call = 0;
        do {
            const struct fake_efi_script script = {
                DRYRUN, .faults = { { services[i], ++call, FAKE_EFI_FOR_EVER, EFI_DEVICE_ERROR } }
            };
            run(t, &script, FAKE_EFI_RETURNED);
        } while (result.faults_fired > 0 && t->failures == 0);
        KTEST_TRUE(t, call > 2);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(report_sound_volume_gets_both_files),
    KTEST_CASE(report_comes_with_a_dry_run_too),
    KTEST_CASE(report_noreport_writes_nothing),
    KTEST_CASE(report_takes_the_first_free_number),
    KTEST_CASE(report_volume_that_takes_none_is_a_warning),
    KTEST_CASE(report_short_writes_are_joined),
    KTEST_CASE(report_full_volume_keeps_no_half_file),
    KTEST_CASE(report_any_failing_call_keeps_no_half_file),
};

KTEST_SUITE(boot_report, "loader.boot_report", cases);
