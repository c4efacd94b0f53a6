/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Command-line text from outside: see options.h. A source is read one character at a time into a
 * word writer; a word that does not fit is taken back whole, so that "test=mm.buddy" never becomes
 * "test=mm". The state is the caller's. Loader and host.
 */
#include "options.h"

#include "lib/bits.h"
#include "lib/string.h"

#define FIRST_PRINTABLE 0x20U
#define LAST_PRINTABLE  0x7eU
#define UTF16_BOM       0xfeffU

void options_init(struct options *options)
{
    memset(options, 0, sizeof(*options));
}

/* One source on its way into the options. */
struct word_writer {
    struct options *options;
    size_t word_start; /* where to cut back to: before the separating space */
    size_t word_text;  /* first character of the word */
    bool in_word;
    bool quoted;         /* inside "...": spaces belong to the word */
    bool full;           /* a word did not fit: the rest of the source is dropped */
    bool may_be_program; /* the first word of LoadOptions is still to come */
};

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    return c;
}

static void cut_back(struct word_writer *writer)
{
    struct options *const options = writer->options;
    options->length = writer->word_start;
    options->text[options->length] = '\0';
    writer->in_word = false;
    writer->quoted = false;
}

static void put(struct word_writer *writer, char c)
{
    struct options *const options = writer->options;
    if (options->length + 1 >= OPTIONS_MAX_BYTES) {
        options->truncated = true;
        writer->full = true;
        cut_back(writer);
        return;
    }
    options->text[options->length] = c;
    options->length++;
    options->text[options->length] = '\0';
}

static bool word_is_program(const struct word_writer *writer)
{
    static const char suffix[] = ".efi";
    const size_t suffix_length = sizeof(suffix) - 1;
    size_t end = writer->options->length; /* > word_text: a word has a character */
    if (writer->options->text[end - 1] == '"') {
        end--;
    }
    if (end - writer->word_text < suffix_length) {
        return false;
    }
    const char *const tail = writer->options->text + end - suffix_length;
    for (size_t i = 0; i < suffix_length; i++) {
        if (lower(tail[i]) != suffix[i]) {
            return false;
        }
    }
    return true;
}

static void end_word(struct word_writer *writer)
{
    if (!writer->in_word) {
        return;
    }
    if (writer->quoted) {
        put(writer, '"'); /* an open quote would swallow the next source's words */
        writer->quoted = false;
    }
    if (writer->in_word && writer->may_be_program && word_is_program(writer)) {
        cut_back(writer);
    }
    writer->may_be_program = false;
    writer->in_word = false;
}

static void begin_word(struct word_writer *writer)
{
    writer->word_start = writer->options->length;
    writer->in_word = true;
    if (writer->options->length > 0) {
        put(writer, ' ');
    }
    writer->word_text = writer->options->length;
}

static bool is_line_end(uint32_t unit)
{
    return unit == '\n' || unit == '\r';
}

static bool is_blank(uint32_t unit)
{
    return unit == ' ' || unit == '\t';
}

/* Takes the next character of the source, a byte or a UTF-16 unit. */
static void take(struct word_writer *writer, uint32_t unit)
{
    if (writer->full) {
        return;
    }
    if (is_line_end(unit) || (is_blank(unit) && !writer->quoted)) {
        end_word(writer);
        return;
    }
    if (!writer->in_word) {
        begin_word(writer);
    }
    if (writer->full) {
        return;
    }
    if (unit == '\t') {
        unit = ' ';
    }
    if (unit < FIRST_PRINTABLE || unit > LAST_PRINTABLE) {
        writer->options->replaced++;
        unit = '?';
    }
    if (unit == '"') {
        writer->quoted = !writer->quoted;
    }
    put(writer, (char)unit);
}

void options_append_text(struct options *options, const void *bytes, size_t size_bytes)
{
    static const uint8_t bom[] = { 0xef, 0xbb, 0xbf };
    const uint8_t *text = bytes;
    if (size_bytes >= sizeof(bom) && memcmp(text, bom, sizeof(bom)) == 0) {
        text += sizeof(bom);
        size_bytes -= sizeof(bom);
    }
    struct word_writer writer = { .options = options };
    bool line_start = true;
    bool comment = false;
    for (size_t i = 0; i < size_bytes; i++) {
        if (line_start) {
            comment = text[i] == '#';
        }
        line_start = is_line_end(text[i]);
        if (!comment) {
            take(&writer, text[i]);
        }
    }
    end_word(&writer);
}

void options_append_load_options(struct options *options, const void *utf16, size_t size_bytes)
{
    if (utf16 == NULL) {
        return;
    }
    const uint8_t *const bytes = utf16;
    struct word_writer writer = { .options = options, .may_be_program = true };
    for (size_t i = 0; i + 1 < size_bytes; i += 2) {
        const uint32_t unit = bytes[i] | (uint32_t)bytes[i + 1] << 8;
        if (unit == 0) {
            break;
        }
        if (i > 0 || unit != UTF16_BOM) {
            take(&writer, unit);
        }
    }
    end_word(&writer);
}

/* Length of the word at @p text, which does not start with a space. */
static size_t word_length(const char *text)
{
    bool quoted = false;
    size_t length = 0;
    while (text[length] != '\0' && (quoted || text[length] != ' ')) {
        quoted ^= text[length] == '"';
        length++;
    }
    return length;
}

/* Sets the value where the word is `name` or `name=...`. */
static bool match_word(const char *word, size_t word_bytes, const char *name, const char **value,
                       size_t *length)
{
    const size_t name_length = strlen(name);
    if (word_bytes < name_length || memcmp(word, name, name_length) != 0) {
        return false;
    }
    if (word_bytes == name_length) {
        *value = word + name_length;
        *length = 0;
        return true;
    }
    if (word[name_length] != '=') {
        return false;
    }
    const char *start = word + name_length + 1;
    size_t bytes = word_bytes - name_length - 1;
    if (bytes >= 2 && start[0] == '"' && start[bytes - 1] == '"') {
        start++;
        bytes -= 2;
    }
    *value = start;
    *length = bytes;
    return true;
}

bool options_get(const char *command_line, const char *name, const char **value, size_t *length)
{
    bool found = false;
    const char *word = command_line;
    while (*word != '\0') {
        if (*word == ' ') {
            word++;
            continue;
        }
        const size_t bytes = word_length(word);
        if (match_word(word, bytes, name, value, length)) {
            found = true;
        }
        word += bytes;
    }
    return found;
}

/* The value of @p c as a digit, or UINT32_MAX. */
static uint32_t digit_value(char c)
{
    const char small = lower(c);
    if (small >= '0' && small <= '9') {
        return (uint32_t)(small - '0');
    }
    if (small >= 'a' && small <= 'f') {
        return (uint32_t)(small - 'a') + 10;
    }
    return UINT32_MAX;
}

/* log2 of what the suffix multiplies by, or UINT32_MAX. */
static uint32_t suffix_shift(char c)
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
        return UINT32_MAX;
    }
}

/* Reads digits of @p base from *@p position on. */
static enum kstatus parse_number(const char *text, size_t length, uint32_t base, size_t *position,
                                 uint64_t *number)
{
    const size_t first = *position;
    size_t at = first;
    uint64_t sum = 0;
    while (at < length && digit_value(text[at]) < base) {
        if (__builtin_mul_overflow(sum, base, &sum) ||
            __builtin_add_overflow(sum, digit_value(text[at]), &sum)) {
            return K_EOVERFLOW;
        }
        at++;
    }
    if (at == first) {
        return K_EINVAL;
    }
    *position = at;
    *number = sum;
    return K_OK;
}

enum kstatus options_parse_size(const char *text, size_t length, uint64_t *size_bytes)
{
    const bool hexadecimal = length > 2 && text[0] == '0' && lower(text[1]) == 'x';
    size_t position = hexadecimal ? 2 : 0;
    uint64_t number;
    const enum kstatus status =
        parse_number(text, length, hexadecimal ? 16 : 10, &position, &number);
    if (status != K_OK) {
        return status;
    }
    uint32_t shift = 0;
    if (position < length) {
        shift = suffix_shift(text[position]);
        position++;
    }
    if (shift == UINT32_MAX || position != length) {
        return K_EINVAL;
    }
    uint64_t product;
    if (__builtin_mul_overflow(number, BIT(shift), &product)) {
        return K_EOVERFLOW;
    }
    *size_bytes = product;
    return K_OK;
}
