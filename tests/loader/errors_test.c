/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Every code of docs/errors.md, forced: cause and code stand on the screen and on the serial line,
 * and a key or 30 seconds go by before the firmware has the machine again. tests/docs.py checks
 * that no code is missing here.
 */
#include <string.h>

#include "efi_map.h"
#include "lib/compiler.h"
#include "mm/addr.h"
#include "tests/fake/efi/fake_efi.h"
#include "tests/ktest.h"

static struct fake_efi_result result;

static const CHAR16 missing_kernel[] = L"kernel=\\none.elf";
static const CHAR16 bad_kernel[] = L"kernel=\\bad.elf";
static const struct fake_efi_range no_free_memory[] = {
    { EFI_MAP_BOOT_SERVICES_DATA, 0x100000, 0x1000, 0xf },
};

/* SME and SEV, the C bit at 47. */
static const struct fake_cpuid sme_leaves[2] = { { .leaf = 0x80000000, .eax = 0x1f },
                                                 { .leaf = 0x8000001f, .eax = 3, .ebx = 47 } };
static const struct fake_msr sme_on = { 0xc0010010, UINT64_C(1) << 23 };
static const struct fake_msr sev_on = { 0xc0010131, 1 };

static const struct {
    const char *code;
    const char *cause; /* part of the line before */
    struct fake_efi_script script;
} rows[] = {
    { "la57", "refused: the firmware runs on 5-level page tables", { .la57 = true } },
    { "cpu", "refused: this CPU lacks", { .no_long_mode = true } },
    { "sme",
      "refused: the firmware's page tables are encrypted",
      { .cpuid = sme_leaves, .msr = &sme_on, .cr3 = UINT64_C(1) << 47 | 0x1000 } },
    { "encrypted-guest",
      "refused: this virtual machine's memory is encrypted",
      { .is_guest = true, .cpuid = sme_leaves, .msr = &sev_on } },
    { "kernel-not-found",
      "refused: kernel=\\none.elf cannot be read",
      { .load_options = missing_kernel, .load_options_bytes = sizeof(missing_kernel) } },
    { "kernel-not-elf",
      "refused: the kernel image (6 bytes) cannot be loaded",
      { .load_options = bad_kernel,
        .load_options_bytes = sizeof(bad_kernel),
        .files = { { .path = "\\bad.elf", .bytes = "no ELF", .size_bytes = 6 } } } },
    { "secure-boot",
      "refused: kernel=\\bad.elf is not signed",
      { .load_options = bad_kernel,
        .load_options_bytes = sizeof(bad_kernel),
        .secure_boot = true } },
    { "no-memory",
      "refused: no free range of ",
      { .ranges = no_free_memory, .range_count = ARRAY_COUNT(no_free_memory) } },
    { "bad-memory-map",
      "refused: the firmware's memory map cannot be read",
      { .unset_stride = true } },
    { "books",
      "refused: the books of this memory map do not balance",
      { .breaks = FAKE_EFI_BREAK_BOOKS } },
    { "bad-page-tables",
      "refused: the hand-over tables break a rule (EPROTO, ",
      { .breaks = FAKE_EFI_BREAK_TABLES } },
    { "bad-page-tables",
      "refused: the kernel's page tables break a rule (1 violations)",
      { .breaks = FAKE_EFI_BREAK_PLAN_TABLES } },
    { "bad-page-tables",
      "refused: the kernel's page tables cannot be built: EEXIST",
      { .breaks = FAKE_EFI_BREAK_PLAN_BUILD } },
    { "exit-refused",
      "refused: the firmware's memory map cannot be used for the exit",
      { .overrun = true } },
    { "internal", "refused: step \"machine\" failed", { .breaks = FAKE_EFI_BREAK_STEP } },
    { "internal", "refused: the plan is broken", { .breaks = FAKE_EFI_BREAK_PLAN_PANIC } },
    { "exit-failed", "stopped: ExitBootServices refused every key", { .refuse = 8 } },
    { "last-map",
      "stopped: the firmware's last memory map contradicts",
      { .breaks = FAKE_EFI_BREAK_LAST_MAP } },
    { "late-memory",
      "stopped: memory that appeared at the exit",
      { .breaks = FAKE_EFI_BREAK_EXTENSION } },
    { "bootinfo-room",
      "stopped: the bootinfo block is larger",
      { .breaks = FAKE_EFI_BREAK_BLOCK } },
};

/* The cause, and on the line behind it the code. */
static bool shows(const char *text, size_t row)
{
    char line[128] = "\nfirstlight: error ";
    strcat(strcat(line, rows[row].code), ": docs/errors.md#");
    strcat(strcat(line, rows[row].code), "\n");
    const char *const cause = strstr(text, rows[row].cause);
    return cause != NULL && strstr(cause, line) == strchr(cause, '\n');
}

static void errors_every_code_is_on_screen_and_serial_line(struct ktest *t)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct fake_efi_script script = rows[i].script;
        script.screen = FAKE_EFI_SCREEN_BGR;
        script.key = FAKE_EFI_KEY_CONIN;
        script.serial_byte_after_stop = true;
        fake_efi_run(&script, &result);
        KTEST_STRING(t, result.violation, "");
        const bool stops = strncmp(rows[i].cause, "stopped: ", 9) == 0;
        KTEST_EQ(t, result.end, stops ? FAKE_EFI_RESET : FAKE_EFI_RETURNED);
        /* The screen is the firmware's console before the exit, and our own behind it. */
        if (!shows(stops ? result.screen : result.console, i) || !shows(result.serial, i)) {
            KTEST_STRING(t, result.serial, rows[i].code); /* says which one, and what there was */
        }
        KTEST_EQ(t, result.screen_is_touched, stops);
    }
}

/* ---- the wait -----------------------------------------------------------------------------------
 */

static void returns_after(struct ktest *t, const struct fake_efi_script *script, uint64_t least_ms,
                          uint64_t most_ms)
{
    fake_efi_run(script, &result);
    KTEST_EQ(t, result.end, FAKE_EFI_RETURNED);
    KTEST_STRING(t, result.violation, "");
    KTEST_TRUE(t, strstr(result.serial, "returned to firmware: la57") != NULL);
    KTEST_TRUE(t, result.waited_ms >= least_ms && result.waited_ms <= most_ms);
}

static void errors_wait_30_seconds_without_a_key(struct ktest *t)
{
    const struct fake_efi_script script = { .la57 = true };
    returns_after(t, &script, 30000, 30000);
    KTEST_TRUE(t, strstr(result.console, "a key returns to the firmware, else 30 s") != NULL);
    const struct fake_efi_script no_console = { .la57 = true, .no_conin = true, .no_conout = true };
    returns_after(t, &no_console, 30000, 30000);
}

static void errors_key_on_either_console_ends_the_wait(struct ktest *t)
{
    const struct fake_efi_script console = { .la57 = true, .key = FAKE_EFI_KEY_CONIN };
    returns_after(t, &console, 0, 20);
    const struct fake_efi_script serial = { .la57 = true, .key = FAKE_EFI_KEY_SERIAL };
    returns_after(t, &serial, 0, 20);
    const struct fake_efi_script hangs = { .la57 = true, .key = FAKE_EFI_KEY_FOR_EVER };
    returns_after(t, &hangs, 0, 20);
}

static void errors_key_from_before_the_question_does_not_count(struct ktest *t)
{
    const struct fake_efi_script script = { .la57 = true, .key = FAKE_EFI_KEY_EARLY };
    returns_after(t, &script, 30000, 30000);
}

static void errors_wait_is_as_long_as_the_command_line_says(struct ktest *t)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } waits[] = { { "wait=0", 0 },      { "wait=5", 5000 },          { "wait=5 wait=2", 2000 },
                  { "wait=x", 30000 },  { "wait=", 30000 },          { "wait", 30000 },
                  { "wait=-1", 30000 }, { "wait=99999999", 3600000 } };
    for (size_t i = 0; i < ARRAY_COUNT(waits); i++) {
        const struct fake_efi_script script = {
            .la57 = true,
            .files = { { .path = "\\firstlight\\cmdline.txt",
                         .bytes = waits[i].text,
                         .size_bytes = strlen(waits[i].text) } },
        };
        returns_after(t, &script, waits[i].ms, waits[i].ms);
    }
}

static void errors_firmware_that_cannot_stall_is_not_waited_for(struct ktest *t)
{
    const struct fake_efi_script script = {
        .la57 = true, .faults = { { FAKE_EFI_STALL, 1, FAKE_EFI_FOR_EVER, EFI_DEVICE_ERROR } }
    };
    returns_after(t, &script, 0, 0);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(errors_every_code_is_on_screen_and_serial_line),
    KTEST_CASE(errors_wait_30_seconds_without_a_key),
    KTEST_CASE(errors_key_on_either_console_ends_the_wait),
    KTEST_CASE(errors_key_from_before_the_question_does_not_count),
    KTEST_CASE(errors_wait_is_as_long_as_the_command_line_says),
    KTEST_CASE(errors_firmware_that_cannot_stall_is_not_waited_for),
};

KTEST_SUITE(errors, "loader.errors", cases);
