/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Which graphics output the loader takes where there are several, under scripted firmware: the
 * console's where it has a framebuffer, else another one that has; the one that screen= names.
 *
 *     ConsoleOutHandle          1024x768   at 0x80000000
 *     others, in this order     800x600    at the base that a test gives them
 */
#include <string.h>

#include "lib/compiler.h"
#include "lib/format.h"
#include "mm/addr.h"
#include "tests/fake/efi/fake_efi.h"
#include "tests/loader/loader_case.h"

#define CONSOLE UINT64_C(0x80000000)
#define SECOND  UINT64_C(0x90000000)
#define THIRD   UINT64_C(0xa0000000)

#define SOUND(at)                                   \
    {                                               \
        .kind = FAKE_EFI_OUTPUT_SOUND, .base = (at) \
    }
#define SOUND_CONSOLE(at)                                               \
    {                                                                   \
        .kind = FAKE_EFI_OUTPUT_SOUND, .base = (at), .is_console = true \
    }
#define BLT_ONLY                         \
    {                                    \
        .kind = FAKE_EFI_OUTPUT_BLT_ONLY \
    }
#define WORDS(text) .load_options = (text), .load_options_bytes = sizeof(text)

static struct fake_efi_result result;

static bool printed(const char *text)
{
    return strstr(result.serial, text) != NULL;
}

static void takes(struct ktest *t, const struct fake_efi_script *script, uint64_t base)
{
    loader_case_boots(t, script, base == 0 ? "\nfirstlight: screen: none" : " pixels a line, at 0x",
                      &result);
    KTEST_EQ(t, result.info.framebuffer.base, base);
    KTEST_EQ(t, result.info.framebuffer.format,
             base == 0 ? BOOTINFO_PIXEL_NONE : BOOTINFO_PIXEL_BGR);
}

/* EDK2's console splitter in front of two graphics cards has no framebuffer of its own. */
static void screen_console_without_framebuffer_leaves_it_to_the_next_output(struct ktest *t)
{
    const struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BLT_ONLY,
                                            .outputs = { BLT_ONLY, SOUND(SECOND) } };
    takes(t, &script, SECOND);
    KTEST_EQ(t, result.info.framebuffer.width, 800);
    KTEST_TRUE(t, !printed("screen: number "));
}

static void screen_output_that_is_a_console_goes_before_others(struct ktest *t)
{
    const struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BLT_ONLY,
                                            .outputs = { SOUND(SECOND), SOUND_CONSOLE(THIRD) } };
    takes(t, &script, THIRD);
    KTEST_TRUE(t,
               printed("\nfirstlight: screen: number 2 of 2; where yours stays dark, screen=1 on "
                       "the command line takes the next\n"));
    const struct fake_efi_script unsound = {
        .screen = FAKE_EFI_SCREEN_BLT_ONLY,
        .outputs = { { .kind = FAKE_EFI_OUTPUT_BLT_ONLY, .is_console = true }, SOUND(SECOND) }
    };
    takes(t, &unsound, SECOND);
}

/* The console may show on outputs that nobody looks at. */
static void screen_output_with_a_monitor_goes_before_others(struct ktest *t)
{
    struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BLT_ONLY,
                                      .outputs = { SOUND_CONSOLE(SECOND), SOUND(THIRD) } };
    script.outputs[1].monitor = FAKE_EFI_MONITOR;
    takes(t, &script, THIRD);
    script.outputs[0].monitor = FAKE_EFI_MONITOR; /* both: the console's */
    takes(t, &script, SECOND);
    static const enum fake_efi_monitor none[] = { FAKE_EFI_MONITOR_NONE, FAKE_EFI_MONITOR_NULL };
    for (size_t i = 0; i < ARRAY_COUNT(none); i++) {
        script.outputs[0].monitor = FAKE_EFI_MONITOR_UNKNOWN;
        script.outputs[1].monitor = none[i];
        takes(t, &script, SECOND);
    }
    script.screen = FAKE_EFI_SCREEN_BGR; /* the active console is what the user looks at */
    script.outputs[1].monitor = FAKE_EFI_MONITOR;
    takes(t, &script, CONSOLE);
}

/* Whichever of the handles of one framebuffer says it. */
static void screen_output_has_the_merits_of_all_its_handles(struct ktest *t)
{
    struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BLT_ONLY,
                                      .outputs = { SOUND(SECOND), SOUND_CONSOLE(SECOND),
                                                   SOUND_CONSOLE(THIRD) } };
    takes(t, &script, SECOND);
    script.outputs[1].is_console = false;
    script.outputs[1].monitor = FAKE_EFI_MONITOR;
    takes(t, &script, SECOND);
    KTEST_TRUE(t, printed("screen: number 1 of 2; "));
}

static void screen_first_output_is_taken_where_none_is_a_console(struct ktest *t)
{
    const struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_NONE,
                                            .outputs = { SOUND(SECOND), SOUND(THIRD) } };
    takes(t, &script, SECOND);
    KTEST_TRUE(t, printed("screen: number 1 of 2; where yours stays dark, screen=2 "));
    const struct fake_efi_script without_handle = { .no_conout = true,
                                                    .outputs = { SOUND(SECOND), SOUND(THIRD) } };
    takes(t, &without_handle, SECOND);
}

/* The console's output is one of the handles, and often the same picture as another one. */
static void screen_sound_console_is_taken_and_counted_once(struct ktest *t)
{
    const struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BGR,
                                            .outputs = { SOUND_CONSOLE(CONSOLE) } };
    takes(t, &script, CONSOLE);
    KTEST_EQ(t, result.info.framebuffer.width, 1024);
    KTEST_TRUE(t, !printed("screen: number "));
    const struct fake_efi_script with_another = {
        .screen = FAKE_EFI_SCREEN_BGR,
        .outputs = { SOUND(SECOND), SOUND_CONSOLE(CONSOLE), SOUND_CONSOLE(THIRD) }
    };
    takes(t, &with_another, CONSOLE);
    KTEST_TRUE(t, printed("screen: number 1 of 3; where yours stays dark, screen=2 "));
}

static void screen_is_none_where_no_output_has_a_framebuffer(struct ktest *t)
{
    const struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BLT_ONLY,
                                            .outputs = { BLT_ONLY, SOUND(0) } };
    takes(t, &script, 0);
    /* The console's own is what is told. */
    KTEST_TRUE(t, printed("\nfirstlight: screen: none: only the firmware can draw on it\n"));
}

static void screen_handles_that_cannot_be_listed_leave_the_console(struct ktest *t)
{
    struct fake_efi_script script = {
        .screen = FAKE_EFI_SCREEN_BGR,
        .outputs = { SOUND(SECOND) },
        .faults = { { FAKE_EFI_LOCATE_HANDLE_BUFFER, 1, FAKE_EFI_FOR_EVER, EFI_OUT_OF_RESOURCES } },
    };
    takes(t, &script, CONSOLE);
    script.screen = FAKE_EFI_SCREEN_BLT_ONLY;
    takes(t, &script, 0);
    const struct fake_efi_script list_of_null = { .screen = FAKE_EFI_SCREEN_BGR,
                                                  .pool_gives_null = true };
    takes(t, &list_of_null, CONSOLE);
}

static void screen_outputs_beyond_eight_are_not_counted(struct ktest *t)
{
    struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BLT_ONLY };
    for (size_t i = 0; i < FAKE_EFI_OUTPUTS_MAX; i++) {
        script.outputs[i] = (struct fake_efi_output)SOUND(SECOND + i * 16 * SIZE_1M);
    }
    takes(t, &script, SECOND);
    KTEST_TRUE(t, printed("screen: number 1 of 8; "));
}

static void screen_word_takes_the_output_of_that_number(struct ktest *t)
{
    static const CHAR16 second[] = L"screen=1 screen=2";
    static const CHAR16 last[] = L"screen=3";
    struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BGR,
                                      .outputs = { SOUND_CONSOLE(SECOND), SOUND_CONSOLE(THIRD) },
                                      WORDS(second) };
    takes(t, &script, SECOND);
    KTEST_TRUE(t, printed("screen: number 2 of 3; where yours stays dark, screen=3 "));
    script.load_options = last;
    script.load_options_bytes = sizeof(last);
    takes(t, &script, THIRD);
    KTEST_TRUE(t, printed("screen: number 3 of 3; where yours stays dark, screen=1 "));
}

static void screen_word_that_names_none_is_ignored(struct ktest *t)
{
    static const CHAR16 words[][16] = { L"screen=3", L"screen=0", L"screen=HDMI", L"screen" };
    static const char *const values[] = { "3", "0", "HDMI", "" };
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        const struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BGR,
                                                .outputs = { SOUND(SECOND) },
                                                WORDS(words[i]) };
        char line[96];
        (void)format_text(line, sizeof(line),
                          "\nfirstlight: warning: screen=%s is no number from 1 to 2 and is "
                          "ignored\n",
                          values[i]);
        takes(t, &script, CONSOLE);
        KTEST_TRUE(t, printed(line));
    }
}

static void screen_word_without_a_framebuffer_is_ignored(struct ktest *t)
{
    static const CHAR16 words[][16] = { L"screen=1", L"screen=0", L"screen=HDMI" };
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        const struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BLT_ONLY,
                                                WORDS(words[i]) };
        takes(t, &script, 0);
        KTEST_TRUE(t, printed("\nfirstlight: warning: there is no framebuffer: screen= is "
                              "ignored\n"));
        KTEST_FALSE(t, printed("is no number from"));
    }
}

static const char *report_text(void)
{
    for (size_t i = 0; i < FAKE_EFI_WRITTEN_MAX; i++) {
        if (strcmp(result.written[i].name, "report-000.txt") == 0) {
            return result.written[i].text;
        }
    }
    return "";
}

static void screen_report_lists_the_modes_of_the_output_that_is_taken(struct ktest *t)
{
    const struct fake_efi_script script = { .screen = FAKE_EFI_SCREEN_BLT_ONLY,
                                            .outputs = { SOUND(SECOND) } };
    takes(t, &script, SECOND);
    KTEST_TRUE(t, strstr(report_text(), "\n800x600\n") != NULL);
    KTEST_TRUE(t, strstr(report_text(), "\n1024x768\n") == NULL);
    const struct fake_efi_script none = { .screen = FAKE_EFI_SCREEN_BLT_ONLY };
    takes(t, &none, 0);
    KTEST_TRUE(t, strstr(report_text(), "\n1024x768\n") != NULL); /* what it could have done */
}

static const struct ktest_case cases[] = {
    KTEST_CASE(screen_console_without_framebuffer_leaves_it_to_the_next_output),
    KTEST_CASE(screen_output_that_is_a_console_goes_before_others),
    KTEST_CASE(screen_output_with_a_monitor_goes_before_others),
    KTEST_CASE(screen_output_has_the_merits_of_all_its_handles),
    KTEST_CASE(screen_first_output_is_taken_where_none_is_a_console),
    KTEST_CASE(screen_sound_console_is_taken_and_counted_once),
    KTEST_CASE(screen_is_none_where_no_output_has_a_framebuffer),
    KTEST_CASE(screen_handles_that_cannot_be_listed_leave_the_console),
    KTEST_CASE(screen_outputs_beyond_eight_are_not_counted),
    KTEST_CASE(screen_word_takes_the_output_of_that_number),
    KTEST_CASE(screen_word_that_names_none_is_ignored),
    KTEST_CASE(screen_word_without_a_framebuffer_is_ignored),
    KTEST_CASE(screen_report_lists_the_modes_of_the_output_that_is_taken),
};

KTEST_SUITE(efi_screen, "loader.efi_screen", cases);
