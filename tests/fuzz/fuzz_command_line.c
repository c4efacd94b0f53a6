/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for kernel/command_line.c: the input is the line. Every word must lie in the
 * line, reading must go on and end, and a lookup must find what reading finds.
 */
#include <string.h>

#include "command_line.h"
#include "tests/fuzz/fuzz.h"

#define NAME_BYTES 32U

static bool lies_in(const char *line, const char *text, size_t length)
{
    return text >= line && text + length <= line + strlen(line);
}

static void check_word(const char *line, const struct command_line_word *word)
{
    FUZZ_REQUIRE(lies_in(line, word->name, word->name_length));
    FUZZ_REQUIRE(!word->has_value || lies_in(line, word->value, word->value_length));
    FUZZ_REQUIRE(word->has_value || word->value_length == 0);
    uint64_t value = 77;
    const enum kstatus status = command_line_parse_size(word->value, word->value_length, &value);
    FUZZ_REQUIRE(status == K_OK || status == K_EINVAL || status == K_EOVERFLOW);
    FUZZ_REQUIRE(status == K_OK || value == 77);
}

/* The last word of that name is the one that is found. */
static void check_lookup(const char *line, const struct command_line_word *last)
{
    char name[NAME_BYTES];
    if (last->name_length >= sizeof(name)) {
        return;
    }
    memcpy(name, last->name, last->name_length);
    name[last->name_length] = '\0';
    struct command_line_word found;
    FUZZ_REQUIRE(command_line_has(line, name));
    FUZZ_REQUIRE(command_line_find(line, name, &found));
    FUZZ_REQUIRE(found.name == last->name && found.value_length == last->value_length);
    char value[8] = "before";
    const enum kstatus status = command_line_get(line, name, value, sizeof(value));
    FUZZ_REQUIRE(status == K_OK || strcmp(value, "before") == 0);
    FUZZ_REQUIRE((status == K_OK) == (last->value_length < sizeof(value)));
    FUZZ_REQUIRE(status != K_OK || strlen(value) == last->value_length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    char *const line = malloc(size_bytes + 1);
    FUZZ_REQUIRE(line != NULL);
    memcpy(line, data, size_bytes);
    line[size_bytes] = '\0';
    const char *cursor = line;
    const char *before = line;
    struct command_line_word word = { .name = line };
    size_t words = 0;
    while (command_line_next(&cursor, &word)) {
        FUZZ_REQUIRE(cursor > before);
        check_word(line, &word);
        before = cursor;
        words++;
    }
    if (words > 0) {
        check_lookup(line, &word);
    }
    size_t unknown = 0;
    cursor = line;
    while (command_line_next_unknown(&cursor, &word)) {
        unknown++;
    }
    FUZZ_REQUIRE(unknown <= words);
    free(line);
    return 0;
}
