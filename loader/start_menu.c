/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See start_menu.h. A table of items; a key moves its item on to the next of its values, behind the
 * last to the first. Stateless.
 */
#include "start_menu.h"

#include "lib/compiler.h"
#include "lib/format.h"
#include "lib/string.h"

#define VALUES_MAX 5U
#define LINE_BYTES 80U

struct value {
    const char *label; /* NULL: there is none */
    const char *words;
};

static const struct {
    char key;
    const char *name;
    struct value values[VALUES_MAX]; /* the first changes nothing */
} items[START_MENU_ITEMS] = {
    { 't', "self-tests", { { "unchanged", "" }, { "all", "test=*" }, { "none", "test=none" } } },
    { 'm', "memory test", { { "unchanged", "" }, { "yes", "memtest" } } },
    { 'r', "report only", { { "unchanged", "" }, { "yes", "dryrun" } } },
    { 'v',
      "verbosity",
      { { "unchanged", "" }, { "debug lines", "loglevel=7" }, { "errors only", "loglevel=3" } } },
    { 's',
      "serial port",
      { { "unchanged", "" },
        { "COM1", "acpi=nospcr console=fb console=ttyS0" },
        { "COM2", "acpi=nospcr console=fb console=ttyS1" },
        { "COM3", "acpi=nospcr console=fb console=ttyS2" },
        { "COM4", "acpi=nospcr console=fb console=ttyS3" } } },
};

static void show_item(const struct start_menu_ops *ops, void *context, size_t index, uint8_t chosen)
{
    char line[LINE_BYTES];
    (void)format_text(line, sizeof(line), "start menu: %c  %s: %s", items[index].key,
                      items[index].name, items[index].values[chosen].label); /* fits */
    ops->print(context, line);
}

static void show_countdown(const struct start_menu_ops *ops, void *context, uint32_t seconds)
{
    char line[LINE_BYTES];
    (void)format_text(line, sizeof(line), "start menu: b  boots, as does waiting %u seconds",
                      seconds); /* fits */
    ops->print(context, line);
}

/* Moves the item of @p key on; false for any other key. */
static bool choose(const struct start_menu_ops *ops, void *context, char key,
                   struct start_menu_choice *choice)
{
    for (size_t i = 0; i < START_MENU_ITEMS; i++) {
        if (items[i].key != (key | 0x20)) { /* capitals too */
            continue;
        }
        const uint8_t next = (uint8_t)(choice->chosen[i] + 1); /* at most VALUES_MAX */
        const bool is_last = next == VALUES_MAX || items[i].values[next].label == NULL;
        choice->chosen[i] = is_last ? 0 : next;
        show_item(ops, context, i, choice->chosen[i]);
        return true;
    }
    return false;
}

static bool is_boot_key(char key)
{
    return key == '\r' || key == '\n' || key == 'b' || key == 'B';
}

void start_menu_run(const struct start_menu_ops *ops, void *context,
                    struct start_menu_choice *choice)
{
    uint32_t polls_left = START_MENU_SECONDS * START_MENU_POLLS;
    uint32_t choices = 0;
    memset(choice, 0, sizeof(*choice));
    for (size_t i = 0; i < START_MENU_ITEMS; i++) {
        show_item(ops, context, i, 0);
    }
    for (; polls_left > 0 && choices < START_MENU_CHOICES_MAX; polls_left--) {
        if (polls_left % START_MENU_POLLS == 0 &&
            (polls_left <= START_MENU_SECONDS * START_MENU_POLLS)) {
            show_countdown(ops, context, polls_left / START_MENU_POLLS);
        }
        const char key = ops->read_key(context);
        if (is_boot_key(key)) {
            return;
        }
        if (choose(ops, context, key, choice)) {
            polls_left = START_MENU_MORE_SECONDS * START_MENU_POLLS;
            choices++;
        }
        if (!ops->pause(context)) {
            return;
        }
    }
}

size_t start_menu_words(const struct start_menu_choice *choice, char text[START_MENU_WORDS_BYTES])
{
    size_t length = 0;
    for (size_t i = 0; i < START_MENU_ITEMS; i++) {
        const char *const words = items[i].values[choice->chosen[i]].words;
        const size_t bytes = strlen(words);
        if (bytes > 0 && length + bytes + 1 < START_MENU_WORDS_BYTES) { /* fits: see the tests */
            memcpy(text + length, words, bytes);
            length += bytes;
            text[length++] = ' ';
        }
    }
    text[length] = '\0';
    return length;
}
