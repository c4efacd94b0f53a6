/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The tests' own JSON reader: what the checks of the report rely on.
 */
#include "tests/fake/json_read.h"

#include <stddef.h>

#include "tests/ktest.h"

static void json_read_takes_valid_texts(struct ktest *t)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        " [ ] ",
        "0",
        "-1.5e+3",
        "\"\"",
        "null",
        "[[],{}]",
        "[1,2,3]",
        "{\"a\":1,\"b\":[true,false]}",
        "{ \"a\\n\\u00e9\" : \"\\\"\" }",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        KTEST_STRING(t, json_read_is_valid(texts[i]) ? "valid" : texts[i], "valid");
    }
}

static void json_read_refuses_everything_else(struct ktest *t)
{
    static const char *const texts[] = {
        "",         "{",          "}",         "[1,]",    "[,1]",        "[1 2]",  "{\"a\"}",
        "{\"a\":}", "{\"a\":1,}", "{a:1}",     "[1}",     "{\"a\":1]",   "01",     "1.",
        "-",        "1e",         "\"",        "\"\\x\"", "\"\\u12g4\"", "\"\t\"", "nul",
        "[]]",      "1 2",        "{\"a\" 1}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        KTEST_STRING(t, json_read_is_valid(texts[i]) ? texts[i] : "refused", "refused");
    }
}

static void json_read_finds_by_path(struct ktest *t)
{
    static const char text[] =
        "{\"a\":{\"x\":\"}\",\"b\":[1,{\"c\":2},[3]]},\"ab\":7,\"b\":{\"c\":42},\"d\":true}";
    KTEST_TRUE(t, json_read_is_valid(text));
    KTEST_EQ(t, json_read_u64(text, "b.c"), 42);
    KTEST_EQ(t, json_read_u64(text, "ab"), 7);
    KTEST_EQ(t, json_read_u64(text, "a"), UINT64_MAX);
    KTEST_EQ(t, json_read_u64(text, "b.x"), UINT64_MAX);
    KTEST_TRUE(t, json_read_find(text, "ab.x") == NULL);
    KTEST_TRUE(t, json_read_is(text, "d", "true"));
    KTEST_EQ(t, json_read_count(text, "a.b"), 3);
    KTEST_EQ(t, json_read_count(text, "ab"), UINT32_MAX);
    const char *const element = json_read_element(json_read_find(text, "a.b"), 1);
    KTEST_TRUE(t, element != NULL && json_read_u64(element, "c") == 2);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(json_read_takes_valid_texts),
    KTEST_CASE(json_read_refuses_everything_else),
    KTEST_CASE(json_read_finds_by_path),
};
KTEST_SUITE(fake_json_read, "fake.json_read", cases);
