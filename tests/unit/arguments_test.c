/* SPDX-License-Identifier: GPL-2.0-only
 *
 * monitor/arguments: numbers, addresses and ranges as people type them.
 */
#include "monitor/arguments.h"

#include <string.h>

#include "lib/compiler.h"
#include "tests/ktest.h"

static void arguments_words_are_cut_at_spaces(struct ktest *t)
{
    const char *cursor = "  one two  ";
    struct monitor_word word;
    KTEST_TRUE(t, argument_word(&cursor, &word));
    KTEST_TRUE(t, argument_word_is(&word, "one"));
    KTEST_FALSE(t, argument_word_is(&word, "on"));
    KTEST_FALSE(t, argument_is_end(cursor));
    KTEST_FALSE(t, argument_take(&cursor, "tw"));
    KTEST_TRUE(t, argument_take(&cursor, "two"));
    KTEST_TRUE(t, argument_is_end(cursor));
    KTEST_FALSE(t, argument_word(&cursor, &word));
}

static void arguments_numbers_are_decimal_or_hex(struct ktest *t)
{
    const char *cursor = "12 0x1F 2K 3m 0x10G";
    uint64_t value;
    KTEST_STATUS(t, argument_u64(&cursor, &value), K_OK);
    KTEST_EQ(t, value, 12);
    KTEST_STATUS(t, argument_u64(&cursor, &value), K_OK);
    KTEST_EQ(t, value, 0x1f);
    KTEST_STATUS(t, argument_u64(&cursor, &value), K_EINVAL); /* a size */
    KTEST_STATUS(t, argument_size(&cursor, &value), K_OK);
    KTEST_EQ(t, value, 2048);
    KTEST_STATUS(t, argument_size(&cursor, &value), K_OK);
    KTEST_EQ(t, value, 3 << 20);
    KTEST_STATUS(t, argument_size(&cursor, &value), K_OK);
    KTEST_EQ(t, value, UINT64_C(16) << 30);
    KTEST_STATUS(t, argument_size(&cursor, &value), K_ENOENT);
    cursor = "99999999999999999999";
    KTEST_STATUS(t, argument_u64(&cursor, &value), K_EOVERFLOW);
}

static void expect_address(struct ktest *t, const char *text, bool physical, uint64_t value)
{
    struct monitor_address address;
    const char *cursor = text;
    if (KTEST_TRUE(t, argument_address(&cursor, &address) == K_OK)) {
        KTEST_EQ(t, address.physical, physical);
        KTEST_EQ(t, address.value, value);
        KTEST_TRUE(t, argument_is_end(cursor));
    }
}

static void arguments_addresses_are_hex(struct ktest *t)
{
    expect_address(t, "10", false, 0x10);
    expect_address(t, " 0xffff800000000000 ", false, UINT64_C(0xffff800000000000));
    expect_address(t, "FFFFFFFFFFFFFFFF", false, UINT64_MAX);
    expect_address(t, "p:100000", true, 0x100000);
    expect_address(t, "p:0x10+0x8", true, 0x18);
    expect_address(t, "1000+ff", false, 0x10ff);
    expect_address(t, "test_symbol+10", false, UINT64_C(0xffff800000200010));
}

static void arguments_bad_addresses_leave_the_cursor(struct ktest *t)
{
    static const char *const bad[] = { "0x", "p:",  "x",    "0xg",  "12z",  "-1",    "+1",
                                       "1+", "1+x", "1++",  "p:p:", "\xff", "1\x01", "ff_80",
                                       "p",  "P:1", "0x0x", "%n",   "&",    "1-2" };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct monitor_address address;
        const char *cursor = bad[i];
        KTEST_STATUS(t, argument_address(&cursor, &address), K_EINVAL);
        KTEST_TRUE(t, cursor == bad[i]);
    }
    struct monitor_address address;
    const char *cursor = "11111111111111111";
    KTEST_STATUS(t, argument_address(&cursor, &address), K_EOVERFLOW);
    cursor = "ffffffffffffffff+1";
    KTEST_STATUS(t, argument_address(&cursor, &address), K_EOVERFLOW);
    cursor = "   ";
    KTEST_STATUS(t, argument_address(&cursor, &address), K_ENOENT);
}

static void expect_range(struct ktest *t, const char *text, uint64_t base, uint64_t size_bytes)
{
    struct monitor_range range = { .size_bytes = 0 };
    const char *cursor = text;
    KTEST_STATUS(t, argument_range(&cursor, &range), K_OK);
    KTEST_EQ(t, range.base.value, base);
    KTEST_EQ(t, range.size_bytes, size_bytes);
}

static void arguments_ranges_have_an_end_or_a_size(struct ktest *t)
{
    expect_range(t, "p:1000-2000 rest", 0x1000, 0x1000);
    expect_range(t, "1000 4K", 0x1000, 4096);
    expect_range(t, "ffffffffffffffff 1", UINT64_MAX, 1);
    expect_range(t, "0 0xffffffffffffffff", 0, UINT64_MAX);
}

static void arguments_bad_ranges_are_refused(struct ktest *t)
{
    static const struct {
        const char *text;
        enum kstatus status;
    } bad[] = {
        { "", K_ENOENT },          { "1000", K_ENOENT },
        { "1000 0", K_EINVAL },    { "1000-1000", K_EINVAL },
        { "2000-1000", K_EINVAL }, { "1000-", K_EINVAL },
        { "-1000", K_EINVAL },     { "1000-2000-3000", K_EINVAL },
        { "1000 x", K_EINVAL },    { "ffffffffffffffff 2", K_EOVERFLOW },
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct monitor_range range;
        const char *cursor = bad[i].text;
        KTEST_STATUS(t, argument_range(&cursor, &range), bad[i].status);
        KTEST_TRUE(t, cursor == bad[i].text);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(arguments_words_are_cut_at_spaces),
    KTEST_CASE(arguments_numbers_are_decimal_or_hex),
    KTEST_CASE(arguments_addresses_are_hex),
    KTEST_CASE(arguments_bad_addresses_leave_the_cursor),
    KTEST_CASE(arguments_ranges_have_an_end_or_a_size),
    KTEST_CASE(arguments_bad_ranges_are_refused),
};
KTEST_SUITE(monitor_arguments, "monitor.arguments", cases);
