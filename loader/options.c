/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Command-line text from outside: see options.h. A source is read one character at a time into a
 * word writer; a word that does not fit is taken back whole, so that "test=mm.buddy" never becomes
 * "test=mm". The state is the caller's. Loader and host.
 */
#include "options.h"

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
