/* SPDX-License-Identifier: GPL-2.0-only
 *
 * lib/format against the C library's vsnprintf, and CRC-32C against RFC 3720's vectors.
 */
#include "lib/format.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/crc32c.h"
#include "tests/ktest.h"

/* Compares both implementations on one format; a macro because the arguments are variadic twice. */
#define SAME(t, size, ...)                                                \
    do {                                                                  \
        char ours[256];                                                   \
        char theirs[256];                                                 \
        const size_t our_length = format_text(ours, (size), __VA_ARGS__); \
        const int their_length = snprintf(theirs, (size), __VA_ARGS__);   \
        KTEST_STRING((t), ours, theirs);                                  \
        KTEST_EQ((t), our_length, their_length);                          \
    } while (0)

static void format_matches_the_c_library(struct ktest *t)
{
    SAME(t, 256, "%s|%10s|%-10s|%.2s", "abc", "abc", "abc", "abc");
    SAME(t, 256, "%d %d %d %+d", 0, -1, INT_MIN, 5);
    SAME(t, 256, "%5d|%-5d|%05d|%.3d", -42, -42, -42, -42);
    SAME(t, 256, "%u %lu %llu %zu", UINT_MAX, ULONG_MAX, ULLONG_MAX, (size_t)7);
    SAME(t, 256, "%x %#x %#010x %X %#018lx", 255U, 255U, 255U, 0xabcU, 0x1000UL);
    SAME(t, 256, "%hhu %hu %hhd", (unsigned char)0xff, (unsigned short)0xfffe, (signed char)-3);
    SAME(t, 256, "%lld %ld", LLONG_MIN, -7L);
    SAME(t, 256, "%c%c %% %*d %-*d|%.*s", 'a', 'b', 6, 42, 6, 42, 2, "xyz");
    SAME(t, 8, "%s", "much too long for eight");
    SAME(t, 1, "%d", 1234);
}

static void format_shows_unknown_conversions_as_written(struct ktest *t)
{
    char text[32];
    const char *const bad = "a%qb%";
    KTEST_EQ(t, format_text(text, sizeof(text), "%s", bad), 5);
    KTEST_STRING(t, text, "a%qb%");
}

static void format_writes_nothing_into_no_room(struct ktest *t)
{
    char guard = 'x';
    KTEST_EQ(t, format_text(&guard, 0, "%d", 99), 2);
    KTEST_EQ(t, guard, 'x');
}

static void crc32c_matches_rfc3720(struct ktest *t)
{
    uint8_t bytes[32];
    memset(bytes, 0, sizeof(bytes));
    KTEST_EQ(t, crc32c(bytes, sizeof(bytes)), 0x8a9136aaU);
    memset(bytes, 0xff, sizeof(bytes));
    KTEST_EQ(t, crc32c(bytes, sizeof(bytes)), 0x62a8ab43U);
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    KTEST_EQ(t, crc32c(bytes, sizeof(bytes)), 0x46dd794eU);
    KTEST_EQ(t, crc32c("123456789", 9), 0xe3069283U);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(format_matches_the_c_library),
    KTEST_CASE(format_shows_unknown_conversions_as_written),
    KTEST_CASE(format_writes_nothing_into_no_room),
    KTEST_CASE(crc32c_matches_rfc3720),
};
KTEST_SUITE(lib, "lib", cases);
