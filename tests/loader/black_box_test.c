/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The loader's black box under scripted firmware: what it tells of the boot before, what it writes
 * of this one, and that a boot goes on where there is no place for one.
 */
#include <string.h>

#include "black_box_record.h"
#include "lib/compiler.h"
#include "mm/addr.h"
#include "tests/fake/efi/fake_efi.h"
#include "tests/ktest.h"
#include "tests/loader/loader_case.h"

#define VARIABLE_BYTES 40U

static struct fake_efi_result result;
static uint8_t left[BLACK_BOX_BYTES]; /* by the boot before */

static bool printed(const char *text)
{
    return strstr(result.serial, text) != NULL;
}

static void boots(struct ktest *t, const struct fake_efi_script *script, const char *text)
{
    loader_case_boots(t, script, text, &result);
}

static const struct fake_efi_script *after(struct fake_efi_script *script, uint32_t step,
                                           enum black_box_state state, const char *text)
{
    static const struct black_box_mark nobody;
    black_box_begin(left, &nobody);
    black_box_step(left, step, "page tables");
    black_box_append(left, text, strlen(text));
    black_box_set_state(left, state);
    *script = (struct fake_efi_script){ .black_box = left };
    return script;
}

static void black_box_of_a_first_boot_has_its_last_step_and_its_lines(struct ktest *t)
{
    const struct fake_efi_script script = { .no_uart = false };
    boots(t, &script, "black box: no record of an earlier boot\n");
    KTEST_TRUE(t, black_box_is_whole(result.black_box));
    const struct black_box_mark now = black_box_now(result.black_box);
    KTEST_STRING(t, now.name, "kernel entry");
    KTEST_EQ(t, now.state, BLACK_BOX_RUNNING);
    KTEST_EQ(t, black_box_before(result.black_box).step, 0);
    size_t size_bytes;
    const char *const text = black_box_text(result.black_box, &size_bytes);
    KTEST_TRUE(t, size_bytes > 100);
    KTEST_EQ(t, memcmp(text, result.serial, 30), 0); /* from the first line on */
    KTEST_TRUE(t, memmem(text, size_bytes, "leaving boot services\n", 22) != NULL);
    KTEST_EQ(t, result.variable_bytes, 0);
}

static void black_box_tells_where_the_last_boot_stopped(struct ktest *t)
{
    struct fake_efi_script script;
    boots(t, after(&script, 31, BLACK_BOX_RUNNING, "one\ntwo\nthree\n\x1b[2Jfour\n"),
          "black box: the last boot stopped at step 31: page tables\n");
    KTEST_FALSE(t, printed("black box: | one"));
    KTEST_TRUE(t, printed("black box: | two\n"));
    KTEST_TRUE(t, printed("black box: | three\n"));
    KTEST_TRUE(t, printed("black box: | ?[2Jfour\n"));
    const struct black_box_mark last = black_box_before(result.black_box);
    KTEST_EQ(t, last.step, 31);
    KTEST_EQ(t, last.state, BLACK_BOX_RUNNING);
    KTEST_STRING(t, last.name, "page tables");

    boots(t, after(&script, 4, BLACK_BOX_PANIC, "no end of line"),
          "black box: the last boot stopped in a panic at step 4: page tables\n");
    KTEST_TRUE(t, printed("black box: | no end of line\n"));

    boots(t, after(&script, 40, BLACK_BOX_AT_PROMPT, "bye\n"),
          "black box: the last boot came to its end at step 40: page tables\n");
    KTEST_FALSE(t, printed("black box: |"));
}

static bool written(const char *text)
{
    return strstr(result.written[0].text, text) != NULL ||
           strstr(result.written[1].text, text) != NULL;
}

static void black_box_is_in_both_files_of_the_report(struct ktest *t)
{
    struct fake_efi_script script;
    boots(t, after(&script, 31, BLACK_BOX_PANIC, "text\n"), "report: ");
    KTEST_TRUE(t, written("last boot: stopped in a panic at step 31: page tables"));
    KTEST_TRUE(t, written("\"last_boot\":{\"step\":31,\"name\":\"page tables\","
                          "\"end\":\"stopped in a panic\"}"));
    script.black_box = NULL;
    boots(t, &script, "report: ");
    KTEST_TRUE(t, written("last boot: no record"));
    KTEST_FALSE(t, written("last_boot"));
}

static void black_box_long_last_line_is_shown_from_its_end(struct ktest *t)
{
    static char line[400];
    memset(line, 'a', sizeof(line) - 2);
    line[sizeof(line) - 2] = 'z';
    struct fake_efi_script script;
    boots(t, after(&script, 1, BLACK_BOX_RUNNING, line), "aaaz\n");
}

static void black_box_that_is_no_record_is_not_told(struct ktest *t)
{
    struct fake_efi_script script;
    (void)after(&script, 31, BLACK_BOX_RUNNING, "text\n");
    left[20] ^= 1;
    boots(t, &script, "black box: no record of an earlier boot\n");
    KTEST_TRUE(t, black_box_is_whole(result.black_box)); /* the new one */
}

static void black_box_of_a_boot_that_went_back_came_to_its_end(struct ktest *t)
{
    static const CHAR16 options[] = L"dryrun wait=0";
    const struct fake_efi_script script = { .load_options = options,
                                            .load_options_bytes = sizeof(options) };
    fake_efi_run(&script, &result);
    KTEST_EQ(t, result.end, FAKE_EFI_RETURNED);
    KTEST_STRING(t, result.violation, "");
    KTEST_TRUE(t, black_box_is_whole(result.black_box));
    KTEST_EQ(t, black_box_now(result.black_box).state, BLACK_BOX_AT_PROMPT);
    KTEST_STRING(t, black_box_now(result.black_box).name, "dry run");
}

/* Nothing free where a box could be: 1 MiB to 7 MiB only. */
static void black_box_without_a_place_is_one_line(struct ktest *t)
{
    static const struct fake_efi_range ranges[] = {
        { EfiConventionalMemory, SIZE_1M, 0x600, 0xf },
        { EfiACPIReclaimMemory, UINT64_C(0xe180000), 0x10,
          0xf }, /* where the fake has its tables */
    };
    const struct fake_efi_script script = { .ranges = ranges, .range_count = ARRAY_COUNT(ranges) };
    boots(t, &script, "black box: none: the firmware gives no place for one\n");
}

static void black_box_place_that_is_refused_is_not_used(struct ktest *t)
{
    const struct fake_efi_script script = { .pages_refused_low = true };
    boots(t, &script, "black box: no record of an earlier boot\n");
    KTEST_FALSE(t, black_box_is_whole(result.black_box)); /* it lies in another place */
    KTEST_FALSE(t, printed("black box: none"));
}

/* Only on demand, and told where memory kept nothing. */
static void black_box_variable_is_written_and_read(struct ktest *t)
{
    static const CHAR16 options[] = L"blackbox=efi";
    const struct fake_efi_script writes = { .load_options = options,
                                            .load_options_bytes = sizeof(options) };
    boots(t, &writes, "leaving boot services\n");
    KTEST_EQ(t, result.variable_bytes, VARIABLE_BYTES);
    static uint8_t value[64];
    memcpy(value, result.variable, sizeof(value));
    const struct fake_efi_script reads = { .variable = value, .variable_bytes = VARIABLE_BYTES };
    boots(t, &reads,
          "black box: memory kept no record; an earlier boot left the firmware at step 16: exit\n");
    KTEST_FALSE(t, printed("black box: |"));
    KTEST_EQ(t, result.variable_bytes, 0); /* not written without the word */
    const struct black_box_mark last = black_box_before(result.black_box);
    KTEST_EQ(t, last.step, 16);
    KTEST_EQ(t, last.state, BLACK_BOX_LEFT_FIRMWARE);
    KTEST_STRING(t, last.name, "exit");
    KTEST_TRUE(t, written("last boot: left the firmware at step 16: exit"));
    KTEST_TRUE(t, written("\"last_boot\":{\"step\":16,\"name\":\"exit\","
                          "\"end\":\"left the firmware\"}"));
    struct fake_efi_script both;
    (void)after(&both, 31, BLACK_BOX_RUNNING, "text\n");
    both.variable = value;
    both.variable_bytes = VARIABLE_BYTES;
    boots(t, &both, "black box: the last boot stopped at step 31: page tables\n");

    const struct fake_efi_script longer = { .variable = value, .variable_bytes = 64 };
    boots(t, &longer, "black box: no record of an earlier boot\n");
    const struct fake_efi_script shorter = { .variable = value, .variable_bytes = 12 };
    boots(t, &shorter, "black box: no record of an earlier boot\n");

    const struct fake_efi_script fails = {
        .load_options = options,
        .load_options_bytes = sizeof(options),
        .faults = { { FAKE_EFI_SET_VARIABLE, 1, 1, EFI_OUT_OF_RESOURCES } },
    };
    boots(t, &fails, "warning: black box: the firmware does not keep the variable");
}

static void black_box_variable_with_anything_in_it_is_told_printably(struct ktest *t)
{
    static uint8_t value[VARIABLE_BYTES];
    memset(value, 0x1b, sizeof(value));
    const uint32_t version_and_step[] = { 2, 7 };
    memcpy(value + 8, version_and_step, sizeof(version_and_step));
    const struct fake_efi_script script = { .variable = value, .variable_bytes = VARIABLE_BYTES };
    boots(t, &script, "an earlier boot left the firmware at step 7: ???????????????????????\n");

    value[8] = 1; /* another version's */
    boots(t, &script, "black box: no record of an earlier boot\n");
    memset(value + 8, 0, 8);
    value[8] = 2; /* no step */
    boots(t, &script, "black box: no record of an earlier boot\n");
}

static const struct ktest_case cases[] = {
    KTEST_CASE(black_box_of_a_first_boot_has_its_last_step_and_its_lines),
    KTEST_CASE(black_box_tells_where_the_last_boot_stopped),
    KTEST_CASE(black_box_is_in_both_files_of_the_report),
    KTEST_CASE(black_box_long_last_line_is_shown_from_its_end),
    KTEST_CASE(black_box_that_is_no_record_is_not_told),
    KTEST_CASE(black_box_of_a_boot_that_went_back_came_to_its_end),
    KTEST_CASE(black_box_without_a_place_is_one_line),
    KTEST_CASE(black_box_place_that_is_refused_is_not_used),
    KTEST_CASE(black_box_variable_is_written_and_read),
    KTEST_CASE(black_box_variable_with_anything_in_it_is_told_printably),
};
KTEST_SUITE(loader_black_box, "loader.black_box", cases);
