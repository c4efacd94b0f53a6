/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See arguments.h. No state. Of the rest of the kernel only symbols_find() is called.
 */
#include "monitor/arguments.h"

#include <string.h>

#include "command_line.h"
#include "symbols.h"

const char *argument_skip_spaces(const char *text)
{
    while (*text == ' ') {
        text++;
    }
    return text;
}

/* The next word at @p text, and where the text goes on. @return NULL where there is none */
static const char *peek_word(const char *text, struct monitor_word *word)
{
    word->text = argument_skip_spaces(text);
    const char *end = word->text;
    while (*end != '\0' && *end != ' ') {
        end++;
    }
    word->length = (size_t)(end - word->text); /* end is not below text */
    return word->length > 0 ? end : NULL;
}

bool argument_word(const char **cursor, struct monitor_word *word)
{
    const char *const end = peek_word(*cursor, word);
    if (end == NULL) {
        return false;
    }
    *cursor = end;
    return true;
}

bool argument_word_is(const struct monitor_word *word, const char *text)
{
    return strlen(text) == word->length && strncmp(word->text, text, word->length) == 0;
}

bool argument_take(const char **cursor, const char *text)
{
    struct monitor_word word;
    const char *const end = peek_word(*cursor, &word);
    if (end == NULL || !argument_word_is(&word, text)) {
        return false;
    }
    *cursor = end;
    return true;
}

bool argument_is_end(const char *cursor)
{
    return *argument_skip_spaces(cursor) == '\0';
}

typedef enum kstatus (*parse_function)(const char *text, size_t length, uint64_t *value);

static enum kstatus take_number(const char **cursor, parse_function parse, uint64_t *value)
{
    struct monitor_word word;
    const char *const end = peek_word(*cursor, &word);
    if (end == NULL) {
        return K_ENOENT;
    }
    const enum kstatus status = parse(word.text, word.length, value);
    if (status == K_OK) {
        *cursor = end;
    }
    return status;
}

enum kstatus argument_u64(const char **cursor, uint64_t *value)
{
    return take_number(cursor, command_line_parse_u64, value);
}

enum kstatus argument_size(const char **cursor, uint64_t *size_bytes)
{
    return take_number(cursor, command_line_parse_size, size_bytes);
}

/* Value of the digit @p c, or 16 for what is none. */
static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0'); /* 0..9 */
    }
    const unsigned lower = (unsigned char)c | 0x20U; /* a letter's lower case */
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

static enum kstatus parse_hex(const char *text, size_t length, uint64_t *value)
{
    const size_t prefix =
        length >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 2 : 0;
    uint64_t sum = 0;
    bool wraps = false;
    for (size_t i = prefix; i < length; i++) {
        const unsigned digit = digit_value(text[i]);
        if (digit == 16) {
            return K_EINVAL;
        }
        wraps = wraps || sum >> 60 != 0;
        sum = sum << 4 | digit;
    }
    if (length == prefix) {
        return K_EINVAL;
    }
    if (wraps) {
        return K_EOVERFLOW;
    }
    *value = sum;
    return K_OK;
}

enum kstatus argument_hex(const char **cursor, uint64_t *value)
{
    return take_number(cursor, parse_hex, value);
}

/* A number or a symbol, without offset. */
static enum kstatus parse_base(const char *text, size_t length, uint64_t *value)
{
    char name[SYMBOL_NAME_BYTES];
    virt_addr_t start;
    const enum kstatus status = parse_hex(text, length, value);
    if (status != K_EINVAL || length == 0 || length >= sizeof(name)) {
        return status;
    }
    memcpy(name, text, length);
    name[length] = '\0';
    if (!symbols_find(name, &start)) {
        return K_EINVAL;
    }
    *value = start.value;
    return K_OK;
}

static size_t find_byte(const char *text, size_t length, char wanted)
{
    size_t at = 0;
    while (at < length && text[at] != wanted) {
        at++;
    }
    return at;
}

/* [p:]BASE[+OFFSET], all of @p length bytes. */
static enum kstatus parse_address(const char *text, size_t length, struct monitor_address *address)
{
    const bool physical = length >= 2 && text[0] == 'p' && text[1] == ':';
    text += physical ? 2 : 0;
    length -= physical ? 2 : 0;
    const size_t plus = find_byte(text, length, '+');
    uint64_t base;
    uint64_t offset = 0;
    enum kstatus status = parse_base(text, plus, &base);
    if (status == K_OK && plus < length) {
        status = parse_hex(text + plus + 1, length - plus - 1, &offset);
    }
    if (status != K_OK) {
        return status;
    }
    if (__builtin_add_overflow(base, offset, &base)) {
        return K_EOVERFLOW;
    }
    *address = (struct monitor_address){ .physical = physical, .value = base };
    return K_OK;
}

enum kstatus argument_address(const char **cursor, struct monitor_address *address)
{
    struct monitor_word word;
    const char *const end = peek_word(*cursor, &word);
    if (end == NULL) {
        return K_ENOENT;
    }
    const enum kstatus status = parse_address(word.text, word.length, address);
    if (status == K_OK) {
        *cursor = end;
    }
    return status;
}

/* START-END, all of @p word; @p dash is where the '-' is. */
static enum kstatus parse_span(const struct monitor_word *word, size_t dash,
                               struct monitor_range *range)
{
    uint64_t end;
    enum kstatus status = parse_address(word->text, dash, &range->base);
    if (status == K_OK) {
        status = parse_hex(word->text + dash + 1, word->length - dash - 1, &end);
    }
    if (status != K_OK) {
        return status;
    }
    range->size_bytes = end - range->base.value; /* wraps to a number that is refused below */
    return end > range->base.value ? K_OK : K_EINVAL;
}

static enum kstatus parse_two_words(const char **cursor, struct monitor_range *range)
{
    const enum kstatus status = argument_address(cursor, &range->base);
    return status == K_OK ? argument_size(cursor, &range->size_bytes) : status;
}

enum kstatus argument_range(const char **cursor, struct monitor_range *range)
{
    struct monitor_word word;
    struct monitor_range found = { .size_bytes = 0 };
    const char *after = peek_word(*cursor, &word);
    if (after == NULL) {
        return K_ENOENT;
    }
    const size_t dash = find_byte(word.text, word.length, '-');
    enum kstatus status;
    if (dash < word.length) {
        status = parse_span(&word, dash, &found);
    } else {
        after = *cursor;
        status = parse_two_words(&after, &found);
    }
    uint64_t last;
    if (status != K_OK || found.size_bytes == 0) {
        return status == K_OK ? K_EINVAL : status;
    }
    if (__builtin_add_overflow(found.base.value, found.size_bytes - 1, &last)) {
        return K_EOVERFLOW;
    }
    *range = found;
    *cursor = after;
    return K_OK;
}
