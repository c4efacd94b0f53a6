/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The loader's step with the start menu (boot.h), over the firmware's keyboard and the serial line.
 * A boot at which no key was pressed listens to them for a tenth of a second: firmware may have
 * thrown away what was typed before, and a key that is held comes again after 20 to 100 ms only.
 */
#include "boot.h"
#include "command_line.h"
#include "efi_console.h"
#include "start_menu.h"

#define POLL_MICROSECONDS (1000000U / START_MENU_POLLS)
#define HELD_KEY_POLLS    5U
#define HELD_MICROSECONDS 20000U

static char read_key(void *context)
{
    (void)context;
    return efi_console_read_key();
}

static void print(void *context, const char *text)
{
    (void)context;
    efi_console_print("%s", text);
}

static bool pause(void *context)
{
    const struct boot *const boot = context;
    return !EFI_ERROR(boot->services->Stall(POLL_MICROSECONDS));
}

static const struct start_menu_ops ops = { .read_key = read_key, .print = print, .pause = pause };

static bool key_is_held(const struct boot *boot)
{
    for (unsigned i = 0; i < HELD_KEY_POLLS; i++) {
        if (efi_console_take_key()) {
            return true;
        }
        if (EFI_ERROR(boot->services->Stall(HELD_MICROSECONDS))) {
            return false;
        }
    }
    return efi_console_take_key();
}

enum kstatus boot_show_menu(struct boot *boot)
{
    if (!command_line_has(boot->options.text, "menu") && !key_is_held(boot)) {
        return K_OK;
    }
    struct start_menu_choice choice;
    char words[START_MENU_WORDS_BYTES];
    start_menu_run(&ops, boot, &choice);
    const size_t length = start_menu_words(&choice, words);
    if (length == 0) {
        return K_OK;
    }
    options_append_text(&boot->options, words, length);
    efi_console_print("command line: %s", boot->options.text);
    return boot_choose_serial(boot); /* the port may be another now */
}
