/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for what happens to a line at the prompt: the input is what someone types, line
 * by line, into the editor, the dispatcher and the commands that are pure: their arguments are
 * parsed as the real ones parse theirs, and judged against what was typed.
 */
#include <string.h>

#include "console.h"
#include "lib/compiler.h"
#include "monitor/arguments.h"
#include "monitor/command.h"
#include "monitor/line_editor.h"
#include "monitor/search_pattern.h"
#include "tests/fake/fake_console.h"
#include "tests/fuzz/fuzz.h"

static const char *line_start; /* of the line that runs */
static size_t line_bytes;

static void require_inside(const char *cursor)
{
    FUZZ_REQUIRE(cursor >= line_start && cursor <= line_start + line_bytes);
}

static void words(const char *argument)
{
    struct monitor_word word;
    while (argument_word(&argument, &word)) {
        require_inside(argument);
        FUZZ_REQUIRE(word.length > 0 && memchr(word.text, ' ', word.length) == NULL);
    }
    FUZZ_REQUIRE(argument_is_end(argument));
}

static void count(const char *argument)
{
    uint64_t value = 0;
    const char *cursor = argument;
    while (argument_u64(&cursor, &value) == K_OK || argument_size(&cursor, &value) == K_OK) {
        require_inside(cursor);
    }
    require_inside(cursor);
}

static void address(const char *argument)
{
    struct monitor_address found;
    const char *cursor = argument;
    while (argument_address(&cursor, &found) == K_OK) {
        require_inside(cursor);
    }
}

static void range(const char *argument)
{
    struct monitor_range found;
    const char *cursor = argument;
    while (argument_range(&cursor, &found) == K_OK) {
        require_inside(cursor);
        FUZZ_REQUIRE(found.size_bytes > 0);
        FUZZ_REQUIRE(found.base.value + (found.size_bytes - 1) >= found.base.value);
    }
}

static void pattern(const char *argument)
{
    struct search_pattern found;
    if (search_parse(argument, &found) == K_OK) {
        FUZZ_REQUIRE(found.length > 0 && found.length <= SEARCH_PATTERN_MAX);
        FUZZ_REQUIRE(search_find(&found, found.bytes, found.length, 0) == 0);
    }
}

static void help(const char *argument);

static const struct monitor_command commands[] = {
    { "help", "", "lists", "details\n", help },
    { "words", "", "words", "", words },
    { "count", "", "numbers", "", count },
    { "address", "", "addresses", "", address },
    { "range", "", "ranges", "", range },
    { "pattern", "", "patterns", "", pattern },
    { "a", "", "a name that begins another", "", words },
};
static const struct monitor_command_table table = { commands, ARRAY_COUNT(commands) };

static void help(const char *argument)
{
    command_help(&table, argument);
}

static const char *name(size_t index)
{
    return index < table.count ? table.commands[index].name : NULL;
}

static void echo(void *context, const char *text, size_t size_bytes)
{
    (void)context;
    (void)text;
    (void)size_bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    static struct line_editor editor; /* set anew for each input; too large for a stack */
    struct line_view view;
    line_view_init(&view, echo, NULL, "> ", 80);
    line_editor_init(&editor, &view, name);
    line_editor_prompt(&editor);
    fake_console_clear();
    for (size_t i = 0; i < size_bytes; i++) {
        if (line_editor_feed(&editor, data[i]) != LINE_EDITOR_LINE) {
            continue;
        }
        line_start = line_editor_text(&editor);
        line_bytes = strlen(line_start);
        fake_console_clear();
        command_run(&table, line_start);
        FUZZ_REQUIRE(fake_console.text_bytes < 2048);
        line_editor_prompt(&editor);
    }
    return 0;
}
