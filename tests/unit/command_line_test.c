/* SPDX-License-Identifier: GPL-2.0-only
 *
 * kernel/command_line: cutting words, quotes, the last one wins, numbers and sizes.
 */
#include "command_line.h"

#include <stdio.h>
#include <string.h>

#include "tests/ktest.h"

/* The words of @p line as "[name|value]..." , or "[name]" for a word without '='. */
static const char *words(const char *line, char *text, size_t size_bytes)
{
    struct command_line_word word;
    size_t length = 0;
    text[0] = '\0';
    while (command_line_next(&line, &word) && length < size_bytes) {
        const int written =
            snprintf(text + length, size_bytes - length, "[%.*s%s%.*s]", (int)word.name_length,
                     word.name, word.has_value ? "|" : "", (int)word.value_length, word.value);
        length += (size_t)written;
    }
    return text;
}

static void command_line_splits_words_at_spaces(struct ktest *t)
{
    char text[128];
    KTEST_STRING(t, words("", text, sizeof(text)), "");
    KTEST_STRING(t, words("  \t ", text, sizeof(text)), "");
    KTEST_STRING(t, words("exit", text, sizeof(text)), "[exit]");
    KTEST_STRING(t, words("  a=1 b\t\r\nc=  d==e ", text, sizeof(text)), "[a|1][b][c|][d|=e]");
    KTEST_STRING(t, words("earlycon=uart8250,io,0x3f8", text, sizeof(text)),
                 "[earlycon|uart8250,io,0x3f8]");
    KTEST_STRING(t, words("=x", text, sizeof(text)), "[|x]");
    KTEST_STRING(t, words("\xff\x80=\x01", text, sizeof(text)), "[\xff\x80|\x01]");
}

static void command_line_quotes_keep_spaces(struct ktest *t)
{
    char text[128];
    KTEST_STRING(t, words("a=\"b c\" d", text, sizeof(text)), "[a|b c][d]");
    KTEST_STRING(t, words("\"a=b c\" d", text, sizeof(text)), "[a|b c][d]");
    KTEST_STRING(t, words("a=\"\" b", text, sizeof(text)), "[a|][b]");
    KTEST_STRING(t, words("a=\"b c", text, sizeof(text)), "[a|b c]"); /* never closed */
    KTEST_STRING(t, words("a=b\"c d\"e f", text, sizeof(text)), "[a|b\"c d\"e][f]");
    KTEST_STRING(t, words("\"", text, sizeof(text)), "[]");
    KTEST_STRING(t, words("a=\"", text, sizeof(text)), "[a|]");
}

/* A lone quote is its own pair's start and end: the lengths must not go below 0. */
static void command_line_lone_quote_is_an_empty_text(struct ktest *t)
{
    struct command_line_word word;
    const char *cursor = "a=\" ";
    KTEST_TRUE(t, command_line_next(&cursor, &word));
    KTEST_EQ(t, word.value_length, 1); /* an open quote takes the line's rest: one space */
    cursor = "b=\"";
    KTEST_TRUE(t, command_line_next(&cursor, &word));
    KTEST_TRUE(t, word.has_value);
    KTEST_EQ(t, word.value_length, 0);
    cursor = "\"";
    KTEST_TRUE(t, command_line_next(&cursor, &word));
    KTEST_EQ(t, word.name_length, 0);
    KTEST_EQ(t, word.value_length, 0);
    KTEST_FALSE(t, command_line_next(&cursor, &word));
}

static void command_line_last_word_wins(struct ktest *t)
{
    const char *const line = "mem=1G test=a mem=2G memory=3G xmem=4G test";
    char value[8];
    KTEST_STATUS(t, command_line_get(line, "mem", value, sizeof(value)), K_OK);
    KTEST_STRING(t, value, "2G");
    KTEST_STATUS(t, command_line_get(line, "test", value, sizeof(value)), K_OK);
    KTEST_STRING(t, value, "");
    KTEST_TRUE(t, command_line_has(line, "test"));
    KTEST_FALSE(t, command_line_has(line, "me"));
    KTEST_FALSE(t, command_line_has(line, "2G"));
    KTEST_FALSE(t, command_line_has(line, ""));
}

static void command_line_get_reports_what_is_wrong(struct ktest *t)
{
    char value[4] = "old";
    KTEST_STATUS(t, command_line_get("a=1", "b", value, sizeof(value)), K_ENOENT);
    KTEST_STATUS(t, command_line_get("a=1234", "a", value, sizeof(value)), K_ENOSPC);
    KTEST_STATUS(t, command_line_get("a=", "a", value, 0), K_ENOSPC);
    KTEST_STRING(t, value, "old");
    KTEST_STATUS(t, command_line_get("a=123", "a", value, sizeof(value)), K_OK);
    KTEST_STRING(t, value, "123");
}

static void command_line_value_is_compares_the_whole_value(struct ktest *t)
{
    struct command_line_word word;
    KTEST_TRUE(t, command_line_find("log=deferred panic", "log", &word));
    KTEST_TRUE(t, command_line_value_is(&word, "deferred"));
    KTEST_FALSE(t, command_line_value_is(&word, "defer"));
    KTEST_FALSE(t, command_line_value_is(&word, "deferred!"));
    KTEST_TRUE(t, command_line_find("log=deferred panic", "panic", &word));
    KTEST_FALSE(t, command_line_value_is(&word, ""));
}

static void command_line_lists_unknown_words(struct ktest *t)
{
    const char *cursor = "console=fb nokaslr earlycon=x loglevel=7 panic=exit mem=1G maxcpus=1 "
                         "test=* seed=1 exit dryrun kernel=\\k quiet=2 gdb=ttyS1 log=deferred "
                         "Exit";
    struct command_line_word word;
    KTEST_TRUE(t, command_line_next_unknown(&cursor, &word));
    KTEST_TRUE(t, strncmp(word.name, "nokaslr", word.name_length) == 0 && word.name_length == 7);
    KTEST_TRUE(t, command_line_next_unknown(&cursor, &word));
    KTEST_TRUE(t, strncmp(word.name, "quiet", word.name_length) == 0 && word.name_length == 5);
    KTEST_TRUE(t, command_line_next_unknown(&cursor, &word));
    KTEST_TRUE(t, strncmp(word.name, "Exit", word.name_length) == 0 && word.name_length == 4);
    KTEST_FALSE(t, command_line_next_unknown(&cursor, &word));
}

static uint64_t number(struct ktest *t, const char *text, enum kstatus expected)
{
    uint64_t value = 99;
    KTEST_STATUS(t, command_line_parse_u64(text, strlen(text), &value), expected);
    return value;
}

static void command_line_parses_numbers(struct ktest *t)
{
    KTEST_EQ(t, number(t, "0", K_OK), 0);
    KTEST_EQ(t, number(t, "115200", K_OK), 115200);
    KTEST_EQ(t, number(t, "007", K_OK), 7);
    KTEST_EQ(t, number(t, "0x3F8", K_OK), 0x3f8);
    KTEST_EQ(t, number(t, "0Xa", K_OK), 10);
    KTEST_EQ(t, number(t, "18446744073709551615", K_OK), UINT64_MAX);
    KTEST_EQ(t, number(t, "0xffffffffffffffff", K_OK), UINT64_MAX);
    KTEST_EQ(t, number(t, "18446744073709551616", K_EOVERFLOW), 99);
    KTEST_EQ(t, number(t, "0x10000000000000000", K_EOVERFLOW), 99);
    KTEST_EQ(t, number(t, "99999999999999999999999", K_EOVERFLOW), 99);
    static const char *const bad[] = { "", "0x", "x", "-1", "+1", " 1", "1 ", "1a", "0xg", "12:" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        KTEST_EQ(t, number(t, bad[i], K_EINVAL), 99);
    }
}

static uint64_t size_of(struct ktest *t, const char *text, enum kstatus expected)
{
    uint64_t value = 99;
    KTEST_STATUS(t, command_line_parse_size(text, strlen(text), &value), expected);
    return value;
}

static void command_line_parses_sizes(struct ktest *t)
{
    KTEST_EQ(t, size_of(t, "4096", K_OK), 4096);
    KTEST_EQ(t, size_of(t, "4k", K_OK), 4096);
    KTEST_EQ(t, size_of(t, "256M", K_OK), UINT64_C(256) << 20);
    KTEST_EQ(t, size_of(t, "3G", K_OK), UINT64_C(3) << 30);
    KTEST_EQ(t, size_of(t, "16t", K_OK), UINT64_C(16) << 40);
    KTEST_EQ(t, size_of(t, "0x10K", K_OK), 0x4000);
    KTEST_EQ(t, size_of(t, "16777215T", K_OK), UINT64_C(16777215) << 40);
    KTEST_EQ(t, size_of(t, "16777216T", K_EOVERFLOW), 99);
    KTEST_EQ(t, size_of(t, "K", K_EINVAL), 99);
    KTEST_EQ(t, size_of(t, "", K_EINVAL), 99);
    KTEST_EQ(t, size_of(t, "1KB", K_EINVAL), 99);
    KTEST_EQ(t, size_of(t, "1P", K_EINVAL), 99);
}

static void command_line_reads_numbers_by_name(struct ktest *t)
{
    uint64_t value = 0;
    const char *const line = "seed=0x10 mem=2M maxcpus=\"4\" seed";
    KTEST_STATUS(t, command_line_get_u64(line, "maxcpus", &value), K_OK);
    KTEST_EQ(t, value, 4);
    KTEST_STATUS(t, command_line_get_size(line, "mem", &value), K_OK);
    KTEST_EQ(t, value, 0x200000);
    KTEST_STATUS(t, command_line_get_u64(line, "mem", &value), K_EINVAL);
    KTEST_STATUS(t, command_line_get_u64(line, "seed", &value), K_EINVAL);
    KTEST_STATUS(t, command_line_get_size(line, "size", &value), K_ENOENT);
    KTEST_EQ(t, value, 0x200000);
}

struct lookup {
    const char *line;
    const char *name;
    const char *value; /* NULL: not found */
};

static void command_line_find_finds_whole_names(struct ktest *t)
{
    static const struct lookup lookups[] = {
        { "", "a", NULL },
        { "a", "a", "" },
        { "ab", "a", NULL },
        { "a", "abcdefghijklmnopqrstuvwxyz0123456789", NULL },
        { "a=", "a", "" },
        { "a=b=c", "a", "b=c" },
        { "xa=1 a=2", "a", "2" },
        { "a=1 ab=2", "a", "1" },
        { "a=1 a", "a", "" },
        { "a=1  a=3 ", "a", "3" },
        { "a=\"x y\" b", "a", "x y" },
        { "a=\"x a=7 y\"", "a", "x a=7 y" },
        { "b=\"x a=7 y\"", "a", NULL },
        { "a=\"\"", "a", "" },
        { "a=x\"y z\"", "a", "x\"y z\"" },
        { "console=fb console=ttyS0", "console", "ttyS0" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(lookups); i++) {
        struct command_line_word word = { .value = "untouched", .value_length = 9 };
        const bool found = command_line_find(lookups[i].line, lookups[i].name, &word);
        KTEST_EQ(t, found, lookups[i].value != NULL);
        const char *const wanted = lookups[i].value != NULL ? lookups[i].value : "untouched";
        KTEST_EQ(t, word.value_length, strlen(wanted));
        if (!KTEST_EQ(t, memcmp(word.value, wanted, word.value_length), 0)) {
            ktest_output("    # line %s\n", lookups[i].line);
        }
    }
}

static void command_line_parse_size_follows_mem(struct ktest *t)
{
    static const struct {
        const char *text;
        enum kstatus status;
        uint64_t size_bytes;
    } sizes[] = {
        { "0", K_OK, 0 },
        { "4096", K_OK, 4096 },
        { "010", K_OK, 10 },
        { "0x10", K_OK, 16 },
        { "0XfFk", K_OK, 255 * 1024 },
        { "1K", K_OK, 1024 },
        { "3m", K_OK, 3 << 20 },
        { "2G", K_OK, UINT64_C(2) << 30 },
        { "16T", K_OK, UINT64_C(16) << 40 },
        { "18446744073709551615", K_OK, UINT64_MAX },
        { "16777215T", K_OK, UINT64_C(16777215) << 40 },
        { "18446744073709551616", K_EOVERFLOW, 0 },
        { "0x10000000000000000", K_EOVERFLOW, 0 },
        { "16777216T", K_EOVERFLOW, 0 },
        { "", K_EINVAL, 0 },
        { "G", K_EINVAL, 0 },
        { "0x", K_EINVAL, 0 },
        { "0xG", K_EINVAL, 0 },
        { "1Q", K_EINVAL, 0 },
        { "1GB", K_EINVAL, 0 },
        { "-1", K_EINVAL, 0 },
        { " 1", K_EINVAL, 0 },
        { "1 ", K_EINVAL, 0 },
        { "1a", K_EINVAL, 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        uint64_t size_bytes = 0;
        KTEST_STATUS(t, command_line_parse_size(sizes[i].text, strlen(sizes[i].text), &size_bytes),
                     sizes[i].status);
        KTEST_EQ(t, size_bytes, sizes[i].size_bytes);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(command_line_splits_words_at_spaces),
    KTEST_CASE(command_line_quotes_keep_spaces),
    KTEST_CASE(command_line_lone_quote_is_an_empty_text),
    KTEST_CASE(command_line_last_word_wins),
    KTEST_CASE(command_line_get_reports_what_is_wrong),
    KTEST_CASE(command_line_value_is_compares_the_whole_value),
    KTEST_CASE(command_line_lists_unknown_words),
    KTEST_CASE(command_line_parses_numbers),
    KTEST_CASE(command_line_parses_sizes),
    KTEST_CASE(command_line_reads_numbers_by_name),
    KTEST_CASE(command_line_find_finds_whole_names),
    KTEST_CASE(command_line_parse_size_follows_mem),
};
KTEST_SUITE(command_line, "command_line", cases);
