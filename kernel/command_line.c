/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See command_line.h. One scanner, command_line_next(), cuts the line; everything else is a search
 * over its words. A quote toggles "spaces belong to the word"; an open quote ends with the line.
 * Holds no state but the table of names.
 */
#include "command_line.h"

#include "lib/compiler.h"
#include "lib/string.h"

static const char *const known_names[] = {
    "console", "earlycon", "loglevel", "panic", "mem",     "maxcpus",  "test",   "seed",
    "exit",    "dryrun",   "kernel",   "gdb",   "log",     "bench",    "poison", "lockdown",
    "wait",    "acpi",     "noreport", "menu",  "memtest", "blackbox", "screen",
};

/* Control characters separate words too: a line may come from a file. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *end_of_word(const char *text)
{
    bool quoted = false;
    while (*text != '\0' && (quoted || !is_space(*text))) {
        if (*text == '"') {
            quoted = !quoted;
        }
        text++;
    }
    return text;
}

/* Takes one pair of quotes off [*start, *end); an open quote at the front goes alone. */
static void strip_quotes(const char **start, const char **end)
{
    if (*start == *end || **start != '"') {
        return;
    }
    (*start)++;
    if (*start < *end && (*end)[-1] == '"') {
        (*end)--;
    }
}

/* Cuts [start, end) at its first '='; quotes are gone from the outside. */
static struct command_line_word split(const char *start, const char *end)
{
    const char *equals = start;
    while (equals < end && *equals != '=') {
        equals++;
    }
    struct command_line_word word = {
        .name = start,
        .name_length = (size_t)(equals - start),
        .value = end,
    };
    if (equals < end) {
        const char *value = equals + 1;
        strip_quotes(&value, &end);
        word.value = value;
        word.value_length = (size_t)(end - value);
        word.has_value = true;
    }
    return word;
}

bool command_line_next(const char **cursor, struct command_line_word *word)
{
    const char *start = *cursor;
    while (is_space(*start)) {
        start++;
    }
    const char *end = end_of_word(start);
    *cursor = end;
    if (start == end) {
        return false;
    }
    strip_quotes(&start, &end);
    *word = split(start, end);
    return true;
}

static bool text_is(const char *text, size_t length, const char *wanted)
{
    return length == strlen(wanted) && memcmp(text, wanted, length) == 0;
}

static bool is_known(const struct command_line_word *word)
{
    for (size_t i = 0; i < ARRAY_COUNT(known_names); i++) {
        if (text_is(word->name, word->name_length, known_names[i])) {
            return true;
        }
    }
    return false;
}

bool command_line_next_unknown(const char **cursor, struct command_line_word *word)
{
    struct command_line_word candidate;
    while (command_line_next(cursor, &candidate)) {
        if (!is_known(&candidate)) {
            *word = candidate;
            return true;
        }
    }
    return false;
}

bool command_line_find(const char *line, const char *name, struct command_line_word *word)
{
    struct command_line_word candidate;
    bool found = false;
    while (command_line_next(&line, &candidate)) {
        if (text_is(candidate.name, candidate.name_length, name)) {
            *word = candidate;
            found = true;
        }
    }
    return found;
}

bool command_line_has(const char *line, const char *name)
{
    struct command_line_word word;
    return command_line_find(line, name, &word);
}

bool command_line_value_is(const struct command_line_word *word, const char *text)
{
    return word->has_value && text_is(word->value, word->value_length, text);
}

enum kstatus command_line_get(const char *line, const char *name, char *value, size_t size_bytes)
{
    struct command_line_word word;
    if (!command_line_find(line, name, &word)) {
        return K_ENOENT;
    }
    if (word.value_length >= size_bytes) {
        return K_ENOSPC;
    }
    memcpy(value, word.value, word.value_length);
    value[word.value_length] = '\0';
    return K_OK;
}

enum kstatus command_line_get_u64(const char *line, const char *name, uint64_t *value)
{
    struct command_line_word word;
    return command_line_find(line, name, &word)
               ? command_line_parse_u64(word.value, word.value_length, value)
               : K_ENOENT;
}

enum kstatus command_line_get_size(const char *line, const char *name, uint64_t *size_bytes)
{
    struct command_line_word word;
    return command_line_find(line, name, &word)
               ? command_line_parse_size(word.value, word.value_length, size_bytes)
               : K_ENOENT;
}

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a'); /* a letter again: fits */
    }
    return c;
}

/* Value of the digit @p c, or 16 for what is none. */
static unsigned digit_value(char c)
{
    c = lower(c);
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

enum kstatus command_line_parse_u64(const char *text, size_t length, uint64_t *value)
{
    unsigned base = 10;
    if (length >= 2 && text[0] == '0' && lower(text[1]) == 'x') {
        base = 16;
        text += 2;
        length -= 2;
    }
    if (length == 0) {
        return K_EINVAL;
    }
    uint64_t sum = 0;
    bool wraps = false;
    for (size_t i = 0; i < length; i++) {
        const unsigned digit = digit_value(text[i]);
        if (digit >= base) {
            return K_EINVAL; /* comes before the overflow: "99999999999999999999x" is no number */
        }
        wraps = __builtin_mul_overflow(sum, base, &sum) || wraps;
        wraps = __builtin_add_overflow(sum, digit, &sum) || wraps;
    }
    if (wraps) {
        return K_EOVERFLOW;
    }
    *value = sum;
    return K_OK;
}

/* log2 of what the suffix @p c multiplies with, or 0 for what is none. */
static unsigned suffix_shift(char c)
{
    switch (lower(c)) {
    case 'k':
        return 10;
    case 'm':
        return 20;
    case 'g':
        return 30;
    case 't':
        return 40;
    default:
        return 0;
    }
}

enum kstatus command_line_parse_size(const char *text, size_t length, uint64_t *size_bytes)
{
    const unsigned shift = length > 0 ? suffix_shift(text[length - 1]) : 0;
    uint64_t number;
    const enum kstatus status =
        command_line_parse_u64(text, shift > 0 ? length - 1 : length, &number);
    if (status != K_OK) {
        return status;
    }
    if (number > (UINT64_MAX >> shift)) {
        return K_EOVERFLOW;
    }
    *size_bytes = number << shift;
    return K_OK;
}
