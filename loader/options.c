/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Command-line text from outside: see options.h. A source is read one character at a time into a
 * word writer; a word that does not fit is taken back whole, so that "test=mm.buddy" never becomes
 * "test=mm". The state is the caller's. Loader and host.
 */
#include "options.h"

#include "lib/little_endian.h"
#include "lib/string.h"

#define FIRST_PRINTABLE 0x20U
#define LAST_PRINTABLE  0x7eU
#define UTF16_BOM       0xfeffU
#define UTF16_BYTES     2U

/* EFI_LOAD_OPTION: attributes, length of the device path, description, device path, data. */
#define LOAD_OPTION_PATH_BYTES  4U /* where the length is */
#define LOAD_OPTION_DESCRIPTION 6U
#define LOAD_OPTION_ATTRIBUTES  0x1f0bU /* all that are defined; no text begins with them and 0 */
#define DEVICE_PATH_NODE_BYTES  4U

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

/* Where the text of UTF-16 at @p start ends, behind its NUL; 0 where it has none. */
static size_t end_of_string(const uint8_t *bytes, size_t size_bytes, size_t start)
{
    for (size_t i = start; i + UTF16_BYTES <= size_bytes; i += UTF16_BYTES) {
        if (little_endian(bytes + i, UTF16_BYTES) == 0) {
            return i + UTF16_BYTES;
        }
    }
    return 0;
}

/* Firmware of Dell passes the whole variable Boot#### instead of the data at its end. @return where
 * that data starts; 0 where @p bytes are no such variable, but the text itself */
static size_t load_option_data(const uint8_t *bytes, size_t size_bytes)
{
    static const uint8_t path_end[DEVICE_PATH_NODE_BYTES] = { 0x7f, 0xff, DEVICE_PATH_NODE_BYTES };
    if (size_bytes < LOAD_OPTION_DESCRIPTION ||
        (little_endian(bytes, 4) & ~(uint64_t)LOAD_OPTION_ATTRIBUTES) != 0) {
        return 0;
    }
    const size_t path_bytes = (size_t)little_endian(bytes + LOAD_OPTION_PATH_BYTES, 2);
    const size_t path = end_of_string(bytes, size_bytes, LOAD_OPTION_DESCRIPTION);
    if (path == 0 || path_bytes > size_bytes - path) {
        return 0;
    }
    const size_t data = path + path_bytes; /* a shorter path would end in the NUL, which differs */
    return memcmp(bytes + data - sizeof(path_end), path_end, sizeof(path_end)) == 0 ? data : 0;
}

void options_append_load_options(struct options *options, const void *utf16, size_t size_bytes)
{
    if (utf16 == NULL) {
        return;
    }
    const size_t start = load_option_data(utf16, size_bytes);
    const uint8_t *const bytes = (const uint8_t *)utf16 + start;
    size_bytes -= start;
    struct word_writer writer = { .options = options, .may_be_program = true };
    for (size_t i = 0; i + UTF16_BYTES <= size_bytes; i += UTF16_BYTES) {
        const uint32_t unit = (uint32_t)little_endian(bytes + i, UTF16_BYTES);
        if (unit == 0) {
            break;
        }
        if (i > 0 || unit != UTF16_BOM) {
            take(&writer, unit);
        }
    }
    end_word(&writer);
}
