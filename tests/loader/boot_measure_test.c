/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Measured boot, from efi_main() to the jump, with a TPM behind the scripted firmware: what was
 * measured, and what the kernel's own check makes of the log that it gets. Nothing that a TPM does
 * may end a boot.
 */
#include <string.h>

#include "lib/compiler.h"
#include "tests/fake/efi/fake_efi.h"
#include "tests/ktest.h"
#include "tests/loader/loader_case.h"

static struct fake_efi_result result;

static bool printed(const char *text)
{
    return strstr(result.serial, text) != NULL;
}

static void boots(struct ktest *t, const struct fake_efi_script *script, const char *text)
{
    loader_case_boots(t, script, text, &result);
}

static void not_compared(struct ktest *t, const struct fake_efi_script *script, const char *text,
                         const char *why)
{
    boots(t, script, text);
    KTEST_EQ(t, result.measured.verdict, MEASURED_BOOT_NOT_COMPARED);
    KTEST_STRING(t, result.measured.why == NULL ? "" : result.measured.why, why);
}

static void measure_without_tcg2_is_one_line(struct ktest *t)
{
    static const enum fake_efi_tpm kinds[] = { FAKE_EFI_TPM_NONE, FAKE_EFI_TPM_NOT_PRESENT,
                                               FAKE_EFI_TPM_NULL_INTERFACE };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        const struct fake_efi_script script = { .tpm = kinds[i] };
        boots(t, &script, "tpm: none, nothing is measured\n");
        KTEST_EQ(t, result.measured.verdict, MEASURED_BOOT_ABSENT);
        KTEST_EQ(t, result.info.tpm_log.count, 0);
        KTEST_FALSE(t, printed("warning: tpm"));
    }
}

static void measure_command_line_and_kernel_match(struct ktest *t)
{
    static const CHAR16 options[] = L"seed=1";
    const struct fake_efi_script script = { .tpm = FAKE_EFI_TPM_SOUND,
                                            .load_options = options,
                                            .load_options_bytes = sizeof(options) };
    boots(t, &script, "tpm: kernel, configuration and command line measured");
    KTEST_STRING(t, result.tpm_text,
                 "9 firstlight kernel: embedded\n12 firstlight command line: seed=1\n");
    KTEST_EQ(t, result.info.tpm.state, BOOTINFO_TPM_MEASURED);
    KTEST_EQ(t, result.measured.verdict, MEASURED_BOOT_MATCH);
    KTEST_EQ(t, result.measured.events, 3);
}

static void measure_refused_kernel_is_not_measured(struct ktest *t)
{
    static const char text[] = "kernel=\\k.elf\n";
    const struct fake_efi_script script = {
        .tpm = FAKE_EFI_TPM_SOUND,
        .files = { { .path = "\\firstlight\\cmdline.txt",
                     .bytes = text,
                     .size_bytes = sizeof(text) - 1 },
                   { .path = "\\k.elf", .bytes = text, .size_bytes = sizeof(text) } },
    };
    fake_efi_run(&script, &result);
    KTEST_EQ(t, result.end, FAKE_EFI_RETURNED); /* it is no ELF file */
    KTEST_STRING(t, result.violation, "");
    KTEST_EQ(t, result.tpm_events, 0);
}

static void measure_configuration_comes_before_the_kernel(struct ktest *t)
{
    static const char text[] = "# only a comment\n";
    struct fake_efi_script script = { .tpm = FAKE_EFI_TPM_SOUND,
                                      .files = { { .path = "\\firstlight\\cmdline.txt",
                                                   .bytes = text,
                                                   .size_bytes = sizeof(text) - 1 } } };
    boots(t, &script, "tpm: kernel, configuration");
    KTEST_STRING(t, result.tpm_text,
                 "9 firstlight configuration: \\firstlight\\cmdline.txt\n"
                 "9 firstlight kernel: embedded\n12 firstlight command line: \n");
    KTEST_EQ(t, result.measured.verdict, MEASURED_BOOT_MATCH);
    script.files[0].size_bytes = 0;
    boots(t, &script, "tpm: kernel, configuration");
    KTEST_EQ(t, result.tpm_events, 2);
}

static void measure_dry_run_gives_everything_back(struct ktest *t)
{
    static const CHAR16 options[] = L"dryrun wait=0";
    const struct fake_efi_script script = { .tpm = FAKE_EFI_TPM_SOUND,
                                            .load_options = options,
                                            .load_options_bytes = sizeof(options) };
    fake_efi_run(&script, &result);
    KTEST_EQ(t, result.end, FAKE_EFI_RETURNED);
    KTEST_STRING(t, result.violation, "");
}

static void measure_log_in_another_format_is_not_compared(struct ktest *t)
{
    const struct fake_efi_script script = { .tpm = FAKE_EFI_TPM_LOG_1_2 };
    not_compared(t, &script, "warning: tpm: the firmware keeps no crypto-agile event log",
                 "there is none");
    KTEST_EQ(t, result.calls[FAKE_EFI_TPM_EVENT_LOG], 0);
    KTEST_EQ(t, result.tpm_events, 2); /* measured all the same */
}

static void measure_full_log_is_not_compared(struct ktest *t)
{
    static const enum fake_efi_tpm kinds[] = { FAKE_EFI_TPM_LOG_FULL, FAKE_EFI_TPM_LOG_CUT };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        const struct fake_efi_script script = { .tpm = kinds[i] };
        not_compared(t, &script, "warning: tpm: the firmware's event log is full",
                     "the firmware had no room for all of it");
        KTEST_EQ(t, result.info.tpm.state, BOOTINFO_TPM_MEASURED);
    }
}

static void measure_log_that_cannot_be_is_not_handed_over(struct ktest *t)
{
    static const enum fake_efi_tpm kinds[] = { FAKE_EFI_TPM_LOG_NOWHERE, FAKE_EFI_TPM_LOG_BACKWARDS,
                                               FAKE_EFI_TPM_LOG_ASTRAY, FAKE_EFI_TPM_LOG_OVERLONG };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        const struct fake_efi_script script = { .tpm = kinds[i] };
        not_compared(t, &script,
                     "warning: tpm: the firmware's event log cannot be read: ", "there is none");
        KTEST_EQ(t, result.info.tpm_log.count, 0);
    }
}

static void measure_wrong_log_is_a_mismatch(struct ktest *t)
{
    const struct fake_efi_script script = { .tpm = FAKE_EFI_TPM_LOG_WRONG };
    boots(t, &script, "tpm: kernel, configuration");
    KTEST_EQ(t, result.measured.verdict, MEASURED_BOOT_MISMATCH);
    KTEST_FALSE(t, result.measured.files_match);
    KTEST_FALSE(t, result.measured.command_line_match);
}

static void measure_pcrs_that_cannot_be_read_are_not_compared(struct ktest *t)
{
    static const struct {
        enum fake_efi_tpm kind;
        const char *text;
    } rows[] = { { FAKE_EFI_TPM_SHA1_ONLY, "cannot be read: the SHA-256 bank is off" },
                 { FAKE_EFI_TPM_REFUSES, "cannot be read: EIO" },
                 { FAKE_EFI_TPM_SILENT, "cannot be read: EPROTO" } };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct fake_efi_script script = { .tpm = rows[i].kind };
        not_compared(t, &script, rows[i].text, "the PCRs could not be read");
        KTEST_TRUE(t, result.info.tpm_log.count > 0);
    }
}

/* Each service of TCG2 fails once, at its first and at its second call. */
static void measure_failing_tpm_is_a_warning(struct ktest *t)
{
    for (uint32_t service = FAKE_EFI_TPM_CAPABILITY; service <= FAKE_EFI_TPM_COMMAND; service++) {
        for (uint32_t at = 1; at <= 2; at++) {
            const struct fake_efi_script script = {
                .tpm = FAKE_EFI_TPM_SOUND,
                .faults = { { (enum fake_efi_service)service, at, 1, EFI_DEVICE_ERROR } },
            };
            boots(t, &script, "tpm: ");
            KTEST_EQ(t, printed("failed with status 0x"), result.faults_fired > 0);
            KTEST_EQ(t, result.faults_fired, at == 1 || service == FAKE_EFI_TPM_MEASURE);
        }
    }
}

static void measure_failed_measurement_is_told_and_the_others_are_made(struct ktest *t)
{
    const struct fake_efi_script script = {
        .tpm = FAKE_EFI_TPM_SOUND,
        .faults = { { FAKE_EFI_TPM_MEASURE, 1, 1, EFI_DEVICE_ERROR } },
    };
    boots(t, &script, "warning: tpm: measuring the kernel failed with status 0x8000000000000007");
    KTEST_TRUE(t, printed("tpm: not everything was measured"));
    KTEST_EQ(t, result.info.tpm.state, BOOTINFO_TPM_FAILED);
    KTEST_STRING(t, result.tpm_text, "12 firstlight command line: \n");
    KTEST_EQ(t, result.measured.verdict, MEASURED_BOOT_MATCH); /* log and TPM agree */
}

/* Pool and pages run out one call after the other, until the fault comes too late to fire. */
static void measure_without_memory_ends_well(struct ktest *t)
{
    static const enum fake_efi_service services[] = { FAKE_EFI_ALLOCATE_POOL,
                                                      FAKE_EFI_ALLOCATE_PAGES };
    for (size_t i = 0; i < ARRAY_COUNT(services); i++) {
        bool fired = true;
        for (uint32_t at = 1; fired; at++) {
            const struct fake_efi_script script = {
                .tpm = FAKE_EFI_TPM_SOUND,
                .faults = { { services[i], at, 1, EFI_OUT_OF_RESOURCES } },
            };
            fake_efi_run(&script, &result);
            KTEST_TRUE(t, result.end == FAKE_EFI_ENTERED_KERNEL || result.end == FAKE_EFI_RETURNED);
            KTEST_STRING(t, result.violation, "");
            fired = result.faults_fired > 0;
        }
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(measure_without_tcg2_is_one_line),
    KTEST_CASE(measure_command_line_and_kernel_match),
    KTEST_CASE(measure_refused_kernel_is_not_measured),
    KTEST_CASE(measure_configuration_comes_before_the_kernel),
    KTEST_CASE(measure_dry_run_gives_everything_back),
    KTEST_CASE(measure_log_in_another_format_is_not_compared),
    KTEST_CASE(measure_full_log_is_not_compared),
    KTEST_CASE(measure_log_that_cannot_be_is_not_handed_over),
    KTEST_CASE(measure_wrong_log_is_a_mismatch),
    KTEST_CASE(measure_pcrs_that_cannot_be_read_are_not_compared),
    KTEST_CASE(measure_failing_tpm_is_a_warning),
    KTEST_CASE(measure_failed_measurement_is_told_and_the_others_are_made),
    KTEST_CASE(measure_without_memory_ends_well),
};

KTEST_SUITE(boot_measure, "loader.measure", cases);
