/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See boot_options.h. A word with a value that makes no sense is reported and ignored.
 */
#include "boot_options.h"

#include <string.h>

#include "command_line.h"
#include "panic_policy.h"
#include "printk.h"
#include "printk_control.h"

/* The number behind `name`, where there is a usable one. */
static bool read_number(const char *line, const char *name, uint64_t most, uint64_t *value)
{
    uint64_t number;
    const enum kstatus status = command_line_get_u64(line, name, &number);
    if (status == K_ENOENT) {
        return false;
    }
    if (status != K_OK || number > most) {
        pr_warn("options: %s= needs a number from 0 to %" FMTu64 ": ignored", name, most);
        return false;
    }
    *value = number;
    return true;
}

static void apply_log(const char *line)
{
    uint64_t level;
    if (read_number(line, "loglevel", LOG_LEVEL_DEBUG, &level)) {
        printk_set_level((int)level);
    }
    struct command_line_word word;
    if (!command_line_find(line, "log", &word)) {
        return;
    }
    if (command_line_value_is(&word, "deferred")) {
        printk_set_mode(PRINTK_DEFERRED);
    } else if (command_line_value_is(&word, "sync")) {
        printk_set_mode(PRINTK_SYNCHRONOUS);
    }
}

static void apply_panic(const char *line, uint64_t tsc_hz)
{
    struct command_line_word word;
    uint64_t seconds;
    if (command_line_find(line, "panic", &word) && command_line_value_is(&word, "exit")) {
        panic_set_policy((struct panic_policy){ .action = PANIC_EXIT });
    } else if (read_number(line, "panic", 86400, &seconds)) {
        panic_set_policy((struct panic_policy){
            .action = seconds == 0 ? PANIC_STAY : PANIC_REBOOT,
            .seconds = (uint32_t)seconds,
            .ticks_per_second = tsc_hz,
        });
    }
}

static bool is_called(const struct command_line_word *word, const char *name)
{
    return word->name_length == strlen(name) && strncmp(word->name, name, word->name_length) == 0;
}

/* Whether the word's value is `name`, or `name` with settings behind a comma. */
static bool names_device(const struct command_line_word *word, const char *name)
{
    const size_t length = strlen(name);
    return word->value_length >= length && strncmp(word->value, name, length) == 0 &&
           (word->value_length == length || word->value[length] == ',');
}

static bool names_serial(const struct command_line_word *word)
{
    return names_device(word, "ttyS0") || names_device(word, "ttyS1") ||
           names_device(word, "ttyS2") || names_device(word, "ttyS3");
}

/* console= may stand more than once: every output that one of them names, or all. */
static void read_consoles(const char *line, struct boot_options *options)
{
    const char *cursor = line;
    struct command_line_word word;
    while (command_line_next(&cursor, &word)) {
        if (is_called(&word, "console")) {
            options->serial |= names_serial(&word);
            options->screen |= names_device(&word, "fb");
        }
    }
    if (!options->serial && !options->screen) {
        options->serial = true;
        options->screen = true;
    }
}

static void list_unknown(const char *line)
{
    const char *cursor = line;
    struct command_line_word word;
    while (command_line_next_unknown(&cursor, &word)) {
        pr_info("options: unknown word \"%.*s\" kept", (int)word.name_length, word.name);
    }
}

void boot_options_apply(const char *command_line, uint64_t tsc_hz, struct boot_options *options)
{
    *options = (struct boot_options){
        .exit = command_line_has(command_line, "exit"),
        .memtest = command_line_has(command_line, "memtest"),
        .bench = command_line_has(command_line, "bench"),
        .poison = command_line_has(command_line, "poison"),
    };
    apply_log(command_line);
    apply_panic(command_line, tsc_hz);
    const enum kstatus status = command_line_get(command_line, "test", options->test_pattern,
                                                 sizeof(options->test_pattern));
    if (status != K_OK && status != K_ENOENT) {
        pr_warn("options: test= is too long: all tests run");
    }
    read_consoles(command_line, options);
    options->has_seed = read_number(command_line, "seed", UINT64_MAX, &options->seed);
    list_unknown(command_line);
}
