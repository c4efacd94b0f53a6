/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/options.c: both sources as firmware, editors and shells really write them.
 */
#include "options.h"

#include <string.h>

#include "command_line.h"
#include "tests/ktest.h"

static struct options options; /* 4 KiB: not on the stack */

/* Appends @p text as UTF-16LE without a terminator. */
static void append_utf16(const char *text)
{
    uint8_t bytes[2 * 512];
    const size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        bytes[2 * i] = (uint8_t)text[i];
        bytes[2 * i + 1] = 0;
    }
    options_append_load_options(&options, bytes, 2 * length);
}

static void append_text(const char *text)
{
    options_append_text(&options, text, strlen(text));
}

/* What one text gives. */
static const char *from_text(const char *text)
{
    options_init(&options);
    append_text(text);
    return options.text;
}

static const char *from_utf16(const char *text)
{
    options_init(&options);
    append_utf16(text);
    return options.text;
}

static void options_text_words_are_joined_by_one_space(struct ktest *t)
{
    KTEST_STRING(t, from_text(""), "");
    KTEST_STRING(t, from_text("a"), "a");
    KTEST_STRING(t, from_text("  a \t b  "), "a b");
    KTEST_STRING(t, from_text("a\r\nb\n\n\rc"), "a b c");
    KTEST_EQ(t, options.length, 5);
    KTEST_EQ(t, options.replaced, 0);
    KTEST_FALSE(t, options.truncated);
}

static void options_text_comments_and_bom_are_dropped(struct ktest *t)
{
    KTEST_STRING(t, from_text("\xef\xbb\xbf# note\nmem=1G"), "mem=1G");
    KTEST_STRING(t, from_text("a\r\n#b c\r\nd #e\n#"), "a d #e");
    KTEST_STRING(t, from_text("#only \"a comment\nx"), "x");
    KTEST_STRING(t, from_text("\xef\xbb"), "??");
}

static void options_text_unprintable_bytes_are_shown(struct ktest *t)
{
    options_init(&options);
    options_append_text(&options, "a\0b\x7f\x1b\xc3\xa4", 7);
    KTEST_STRING(t, options.text, "a?b????");
    KTEST_EQ(t, options.replaced, 5);
    options_append_text(&options, NULL, 0);
    KTEST_STRING(t, options.text, "a?b????");
}

static void options_text_quotes_keep_spaces_to_the_end_of_line(struct ktest *t)
{
    KTEST_STRING(t, from_text("a=\"x  y\" b"), "a=\"x  y\" b");
    KTEST_STRING(t, from_text("a=\"x\ty\""), "a=\"x y\"");
    KTEST_STRING(t, from_text("a=\"x \nb"), "a=\"x \" b");
    append_text("c=\"");
    append_text("d");
    KTEST_STRING(t, options.text, "a=\"x \" b c=\"\" d");
}

static void options_load_options_drop_the_program_name(struct ktest *t)
{
    KTEST_STRING(t, from_utf16("\\EFI\\BOOT\\BOOTX64.EFI test=* exit"), "test=* exit");
    KTEST_STRING(t, from_utf16("  FS0:\\x.efi"), "");
    KTEST_STRING(t, from_utf16("\"fs0:\\my dir\\x.Efi\" a"), "a");
    KTEST_STRING(t, from_utf16(".efi"), "");
    KTEST_STRING(t, from_utf16("efi a"), "efi a");
    KTEST_STRING(t, from_utf16("a kernel=\\b.efi"), "a kernel=\\b.efi");
    KTEST_STRING(t, from_utf16("x.efi y.efi"), "y.efi");
    KTEST_STRING(t, from_text("x.efi a"), "x.efi a");
}

static void options_load_options_survive_odd_buffers(struct ktest *t)
{
    static const uint8_t odd[] = { 0xff, 0xfe, 'a', 0, ' ', 0, 'b', 0, 'c' };
    options_init(&options);
    options_append_load_options(&options, odd, sizeof(odd));
    KTEST_STRING(t, options.text, "a b");
    options_append_load_options(&options, NULL, 100);
    options_append_load_options(&options, odd, 0);
    options_append_load_options(&options, odd, 1);
    KTEST_STRING(t, options.text, "a b");
    static const uint8_t terminated[] = { 'c', 0, 0, 0, 'd', 0 };
    options_append_load_options(&options, terminated, sizeof(terminated));
    KTEST_STRING(t, options.text, "a b c");
    static const uint8_t wide[] = { 0x3d, 0xd8, 0x00, 0xde, 'x', 0x01, 'y', 0 };
    options_append_load_options(&options, wide, sizeof(wide));
    KTEST_STRING(t, options.text, "a b c ???y");
    KTEST_EQ(t, options.replaced, 3);
}

/* A boot entry as the firmware keeps it: attributes, length of the path, "Stick", path, words. */
#define ENTRY(attributes, path_bytes, ...)                                                      \
    {                                                                                           \
        attributes, 0, 0, 0, path_bytes, 0, 'S', 0, 't', 0, 'i', 0, 'c', 0, 'k', 0, 0, 0, 0x04, \
            0x04, 6, 0, 'x', 0, 0x7f, 0xff, 4, 0, __VA_ARGS__                                   \
    }
#define ENTRY_PATH_BYTES 10
#define ENTRY_WORDS      'd', 0, 'r', 0, 'y', 0

static const char *from_entry(const uint8_t *entry, size_t size_bytes)
{
    options_init(&options);
    options_append_load_options(&options, entry, size_bytes);
    return options.text;
}

static void options_load_options_may_be_a_whole_boot_entry(struct ktest *t)
{
    static const uint8_t active[] = ENTRY(1, ENTRY_PATH_BYTES, ENTRY_WORDS);
    KTEST_STRING(t, from_entry(active, sizeof(active)), "dry");
    KTEST_STRING(t, from_entry(active, sizeof(active) - 1), "dr");
    KTEST_STRING(t, from_entry(active, sizeof(active) - 6), ""); /* no words: nothing is left */
    KTEST_EQ(t, options.replaced, 0);
    static const uint8_t every_attribute[] = { 0x0b, 0x1f, 0,    0, 4, 0,   0,
                                               0,    0x7f, 0xff, 4, 0, 'w', 0 };
    KTEST_STRING(t, from_entry(every_attribute, sizeof(every_attribute)), "w");
    static const uint8_t named[] =
        ENTRY(1, ENTRY_PATH_BYTES, '.', 0, 'e', 0, 'f', 0, 'i', 0, ' ', 0, ENTRY_WORDS);
    KTEST_STRING(t, from_entry(named, sizeof(named)), "dry");
}

/* What looks like one and is none is text, up to its first NUL. */
static void options_load_options_that_are_no_boot_entry_are_text(struct ktest *t)
{
    static const uint8_t unknown_attribute[] = ENTRY(4, ENTRY_PATH_BYTES, ENTRY_WORDS);
    KTEST_STRING(t, from_entry(unknown_attribute, sizeof(unknown_attribute)), "?");
    static const uint8_t no_path[] = ENTRY(1, 0, ENTRY_WORDS);
    KTEST_STRING(t, from_entry(no_path, sizeof(no_path)), "?");
    static const uint8_t short_path[] = ENTRY(1, ENTRY_PATH_BYTES - 1, ENTRY_WORDS);
    KTEST_STRING(t, from_entry(short_path, sizeof(short_path)), "?");
    static const uint8_t long_path[] = ENTRY(1, 17, ENTRY_WORDS); /* one byte more than there is */
    KTEST_STRING(t, from_entry(long_path, sizeof(long_path)), "?");
    static const uint8_t active[] = ENTRY(1, ENTRY_PATH_BYTES, ENTRY_WORDS);
    KTEST_STRING(t, from_entry(active, sizeof(active) - 7), "?"); /* its path is cut off */
    static const uint8_t no_nul[] = { 1, 0, 0, 0, 12, 0, 'S', 0, 0x7f, 0xff, 4, 0 };
    for (size_t size_bytes = 2; size_bytes <= sizeof(no_nul); size_bytes++) {
        KTEST_STRING(t, from_entry(no_nul, size_bytes), "?");
    }
}

static void options_sources_are_joined_and_the_later_wins(struct ktest *t)
{
    options_init(&options);
    append_text("mem=1G quiet\n");
    append_utf16("BOOTX64.EFI mem=2G");
    KTEST_STRING(t, options.text, "mem=1G quiet mem=2G");
    struct command_line_word word;
    KTEST_TRUE(t, command_line_find(options.text, "mem", &word));
    KTEST_TRUE(t, command_line_value_is(&word, "2G"));
}

/* 4095 characters fit; a word that would pass them goes whole, the next source may still fit. */
static void options_too_long_is_cut_at_a_word(struct ktest *t)
{
    static char text[OPTIONS_MAX_BYTES + 8];
    memset(text, 'x', sizeof(text));
    text[OPTIONS_MAX_BYTES - 5] = ' ';
    options_init(&options);
    options_append_text(&options, text, OPTIONS_MAX_BYTES - 1);
    KTEST_EQ(t, options.length, OPTIONS_MAX_BYTES - 1);
    KTEST_FALSE(t, options.truncated);
    options_init(&options);
    options_append_text(&options, text, OPTIONS_MAX_BYTES);
    KTEST_EQ(t, options.length, OPTIONS_MAX_BYTES - 5);
    KTEST_EQ(t, strlen(options.text), OPTIONS_MAX_BYTES - 5);
    KTEST_TRUE(t, options.truncated);
    append_text("abcd e"); /* nothing of the source behind the cut is kept */
    KTEST_EQ(t, options.length, OPTIONS_MAX_BYTES - 5);
    append_text("abc");
    KTEST_EQ(t, options.length, OPTIONS_MAX_BYTES - 1);
    KTEST_STRING(t, options.text + OPTIONS_MAX_BYTES - 4, "abc");
    append_utf16("z"); /* not even the space before it fits */
    KTEST_EQ(t, options.length, OPTIONS_MAX_BYTES - 1);
}

/* The closing quote that is added may be what does not fit. */
static void options_too_long_with_open_quote_is_cut(struct ktest *t)
{
    static char text[OPTIONS_MAX_BYTES];
    memset(text, 'x', sizeof(text));
    text[1] = ' ';
    text[2] = '"';
    options_init(&options);
    options_append_text(&options, text, OPTIONS_MAX_BYTES - 1);
    KTEST_STRING(t, options.text, "x");
    KTEST_TRUE(t, options.truncated);
}

#define FILE_BYTES (size_t)65536 /* as much of cmdline.txt as the loader reads */

/* What FILE_BYTES bytes give; @p period of them repeat. */
static const char *from_large_file(const char *period)
{
    static char text[FILE_BYTES];
    const size_t length = strlen(period);
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = period[i % length];
    }
    options_init(&options);
    options_append_text(&options, text, sizeof(text));
    return options.text;
}

static void options_text_of_64_kib_is_cut_at_a_word(struct ktest *t)
{
    KTEST_EQ(t, strlen(from_large_file("word=value\r\n")), 372 * 11 - 1);
    KTEST_TRUE(t, options.truncated);
    KTEST_STRING(t, options.text + 371 * 11, "word=value");
    KTEST_STRING(t, from_large_file("x"), "");
    KTEST_TRUE(t, options.truncated);
    KTEST_STRING(t, from_large_file("\r\n"), "");
    KTEST_FALSE(t, options.truncated);
    KTEST_STRING(t, from_large_file("# a long comment\n"), "");
    KTEST_FALSE(t, options.truncated);
}

/* Every byte value, as when cmdline.txt is a picture: printable, terminated, no word half taken. */
static void options_text_of_binary_bytes_is_printable(struct ktest *t)
{
    uint8_t bytes[256];
    for (uint32_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    options_init(&options);
    options_append_text(&options, bytes, sizeof(bytes));
    KTEST_EQ(t, strlen(options.text), options.length);
    uint32_t bad = 0;
    for (size_t i = 0; i < options.length; i++) {
        bad += options.text[i] < ' ' || options.text[i] > '~' ? 1 : 0;
    }
    KTEST_EQ(t, bad, 0);
    KTEST_EQ(t, options.replaced, 256 - 95 - 3); /* tab, LF and CR part words */
}

static void options_load_options_surrogates_and_garbage_are_shown(struct ktest *t)
{
    static const uint8_t lone[] = { 'a', 0, 0x3d, 0xd8 }; /* half a pair, then the buffer ends */
    options_init(&options);
    options_append_load_options(&options, lone, sizeof(lone));
    KTEST_STRING(t, options.text, "a?");
    static const uint8_t swapped[] = { 0xfe, 0xff, 0, 'a', 0, 'b' }; /* big-endian */
    options_init(&options);
    options_append_load_options(&options, swapped, sizeof(swapped));
    KTEST_STRING(t, options.text, "???");
    static const uint8_t empty[] = { 0, 0, 'a', 0 };
    options_init(&options);
    options_append_load_options(&options, empty, sizeof(empty));
    KTEST_STRING(t, options.text, "");
    KTEST_EQ(t, options.replaced, 0);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(options_text_words_are_joined_by_one_space),
    KTEST_CASE(options_text_comments_and_bom_are_dropped),
    KTEST_CASE(options_text_unprintable_bytes_are_shown),
    KTEST_CASE(options_text_quotes_keep_spaces_to_the_end_of_line),
    KTEST_CASE(options_load_options_drop_the_program_name),
    KTEST_CASE(options_load_options_survive_odd_buffers),
    KTEST_CASE(options_load_options_may_be_a_whole_boot_entry),
    KTEST_CASE(options_load_options_that_are_no_boot_entry_are_text),
    KTEST_CASE(options_sources_are_joined_and_the_later_wins),
    KTEST_CASE(options_too_long_is_cut_at_a_word),
    KTEST_CASE(options_too_long_with_open_quote_is_cut),
    KTEST_CASE(options_text_of_64_kib_is_cut_at_a_word),
    KTEST_CASE(options_text_of_binary_bytes_is_printable),
    KTEST_CASE(options_load_options_surrogates_and_garbage_are_shown),
};
KTEST_SUITE(loader_options, "loader.options", cases);
