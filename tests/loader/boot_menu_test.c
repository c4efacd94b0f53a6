/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The start menu in the whole loader, under scripted firmware: when it comes, on which console it
 * is answered, what it leaves on the command line; and that a boot without it does not wait long.
 */
#include <string.h>

#include "lib/compiler.h"
#include "tests/fake/efi/fake_efi.h"
#include "tests/ktest.h"

static const CHAR16 menu[] = L"menu wait=0";
#define MENU .load_options = menu, .load_options_bytes = sizeof(menu)

static struct fake_efi_result result;

static bool printed(const char *text)
{
    return strstr(result.serial, text) != NULL;
}

static void run(struct ktest *t, const struct fake_efi_script *script, enum fake_efi_end end)
{
    fake_efi_run(script, &result);
    KTEST_EQ(t, result.end, end);
    KTEST_STRING(t, result.violation, "");
}

static void menu_without_key_or_word_costs_a_tenth_of_a_second(struct ktest *t)
{
    const struct fake_efi_script script = { .no_uart = false };
    run(t, &script, FAKE_EFI_ENTERED_KERNEL);
    KTEST_TRUE(t, !printed("start menu"));
    KTEST_EQ(t, result.calls[FAKE_EFI_READ_KEY], 6);
    KTEST_EQ(t, result.calls[FAKE_EFI_STALL], 2 + 5); /* two measure the TSC */
}

/* A held key comes again while the loader listens, and not before. */
static void menu_comes_with_a_key_that_is_held(struct ktest *t)
{
    for (uint32_t at = 1; at <= 7; at++) {
        const struct fake_efi_script script = { .key = FAKE_EFI_KEY_HELD, .key_at = at };
        run(t, &script, FAKE_EFI_ENTERED_KERNEL);
        KTEST_EQ(t, printed("start menu: r  report only"), at <= 6);
    }
}

static void menu_word_needs_no_held_key(struct ktest *t)
{
    const struct fake_efi_script script = { MENU, .typed = "\r" };
    run(t, &script, FAKE_EFI_ENTERED_KERNEL);
    KTEST_EQ(t, result.calls[FAKE_EFI_STALL], 2);
}

static void menu_comes_with_its_word_and_boots_by_itself(struct ktest *t)
{
    const struct fake_efi_script script = { MENU };
    run(t, &script, FAKE_EFI_ENTERED_KERNEL);
    KTEST_TRUE(t, printed("start menu: r  report only: unchanged\n"));
    KTEST_TRUE(t, printed("waiting 1 seconds"));
    KTEST_EQ(t, result.calls[FAKE_EFI_STALL], 2 + 100);
}

static void menu_comes_with_a_key_pressed_before(struct ktest *t)
{
    const struct fake_efi_script script = { .key = FAKE_EFI_KEY_EARLY };
    run(t, &script, FAKE_EFI_ENTERED_KERNEL);
    KTEST_TRUE(t, printed("start menu: r  report only"));
}

static void menu_without_any_input_boots_by_itself(struct ktest *t)
{
    const struct fake_efi_script script = { MENU, .no_conin = true, .no_uart = true };
    run(t, &script, FAKE_EFI_ENTERED_KERNEL);
    KTEST_EQ(t, result.calls[FAKE_EFI_STALL], 2 + 100);
}

static void menu_key_that_hangs_boots(struct ktest *t)
{
    const struct fake_efi_script script = { .key = FAKE_EFI_KEY_FOR_EVER };
    run(t, &script, FAKE_EFI_ENTERED_KERNEL);
    KTEST_EQ(t, result.calls[FAKE_EFI_STALL], 2 + 100);
}

static void menu_is_answered_on_either_console(struct ktest *t)
{
    for (int on_serial = 0; on_serial < 2; on_serial++) {
        const struct fake_efi_script script = { MENU, .typed = "ttvr\r",
                                                .typed_on_serial = on_serial == 1 };
        run(t, &script, FAKE_EFI_RETURNED);
        KTEST_TRUE(t, printed("command line: menu wait=0 test=none dryrun loglevel=7\n"));
        KTEST_TRUE(t, printed("returned to firmware: dry-run-ok"));
    }
}

static void menu_port_that_is_absent_leaves_the_one_that_is_there(struct ktest *t)
{
    const struct fake_efi_script script = { MENU, .typed = "ss\r" };
    run(t, &script, FAKE_EFI_ENTERED_KERNEL);
    KTEST_TRUE(t, printed("start menu: s  serial port: COM2"));
    KTEST_EQ(t, result.info.serial.base, 0x3f8);
    const char *const words = strstr(result.serial, "console=ttyS1\n");
    KTEST_TRUE(t, words != NULL && strstr(words, "serial port: 0x3f8") != NULL); /* looked anew */
}

static const struct ktest_case cases[] = {
    KTEST_CASE(menu_without_key_or_word_costs_a_tenth_of_a_second),
    KTEST_CASE(menu_comes_with_a_key_that_is_held),
    KTEST_CASE(menu_word_needs_no_held_key),
    KTEST_CASE(menu_comes_with_its_word_and_boots_by_itself),
    KTEST_CASE(menu_comes_with_a_key_pressed_before),
    KTEST_CASE(menu_without_any_input_boots_by_itself),
    KTEST_CASE(menu_key_that_hangs_boots),
    KTEST_CASE(menu_is_answered_on_either_console),
    KTEST_CASE(menu_port_that_is_absent_leaves_the_one_that_is_there),
};

KTEST_SUITE(boot_menu, "loader.boot_menu", cases);
