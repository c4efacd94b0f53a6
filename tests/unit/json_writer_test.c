/* SPDX-License-Identifier: GPL-2.0-only
 *
 * lib/json_writer: structure, commas, escapes, numbers, and misuse that must show.
 */
#include "lib/json_writer.h"

#include <string.h>

#include "tests/ktest.h"

struct fixture {
    struct json_writer json;
    char text[1024]; /* NUL-terminated */
    size_t length;
};

static void collect(void *context, const char *text, size_t size_bytes)
{
    struct fixture *const f = context;
    if (f->length + size_bytes < sizeof(f->text)) {
        memcpy(f->text + f->length, text, size_bytes);
        f->length += size_bytes;
        f->text[f->length] = '\0';
    }
}

static void start(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    json_init(&f->json, collect, f);
}

static void json_writes_nested_values_with_commas(struct ktest *t)
{
    struct fixture f;
    start(&f);
    json_begin_object(&f.json);
    json_member_u64(&f.json, "schema", 1);
    json_key(&f.json, "efi_map");
    json_begin_object(&f.json);
    json_key(&f.json, "entries");
    json_begin_array(&f.json);
    for (uint64_t i = 0; i < 2; i++) {
        json_begin_array(&f.json);
        json_u64(&f.json, i);
        json_u64(&f.json, i * 10);
        json_end_array(&f.json);
    }
    json_end_array(&f.json);
    json_end_object(&f.json);
    json_key(&f.json, "none");
    json_begin_array(&f.json);
    json_end_array(&f.json);
    json_member_bool(&f.json, "nx", true);
    json_member_bool(&f.json, "la57", false);
    json_member_string(&f.json, "vendor", "EDK II");
    KTEST_FALSE(t, json_is_complete(&f.json));
    json_end_object(&f.json);
    KTEST_STRING(t, f.text,
                 "{\"schema\":1,\"efi_map\":{\"entries\":[[0,0],[1,10]]},\"none\":[],"
                 "\"nx\":true,\"la57\":false,\"vendor\":\"EDK II\"}");
    KTEST_TRUE(t, json_is_complete(&f.json));
}

static void json_escapes_what_is_not_plain(struct ktest *t)
{
    struct fixture f;
    start(&f);
    json_begin_array(&f.json);
    json_string(&f.json, "");
    json_string(&f.json, "a\"b\\c/");
    json_string(&f.json, "\n\t\x01\x1f\x7f");
    json_string(&f.json, "\x80\xe4\xff~ ");
    json_string_bytes(&f.json, "x\0y", 3);
    json_end_array(&f.json);
    KTEST_STRING(t, f.text,
                 "[\"\",\"a\\\"b\\\\c/\",\"\\u000a\\u0009\\u0001\\u001f\\u007f\","
                 "\"\\u0080\\u00e4\\u00ff~ \",\"x\\u0000y\"]");
}

static void json_escapes_keys_too(struct ktest *t)
{
    struct fixture f;
    start(&f);
    json_begin_object(&f.json);
    json_member_u64(&f.json, "a\"", 1);
    json_end_object(&f.json);
    KTEST_STRING(t, f.text, "{\"a\\\"\":1}");
}

static void json_numbers_have_all_64_bits(struct ktest *t)
{
    struct fixture f;
    start(&f);
    json_begin_array(&f.json);
    json_u64(&f.json, 0);
    json_u64(&f.json, 10);
    json_u64(&f.json, UINT64_MAX);
    json_end_array(&f.json);
    KTEST_STRING(t, f.text, "[0,10,18446744073709551615]");
}

static void json_lone_value_is_complete(struct ktest *t)
{
    struct fixture f;
    start(&f);
    KTEST_FALSE(t, json_is_complete(&f.json));
    json_u64(&f.json, 7);
    KTEST_TRUE(t, json_is_complete(&f.json));
    json_u64(&f.json, 8);
    KTEST_FALSE(t, json_is_complete(&f.json));
}

/* One misplaced call each; closed properly afterwards, so that only the flag can tell. */
static void json_misuse_shows(struct ktest *t)
{
    struct fixture f;
    start(&f);
    json_begin_object(&f.json);
    json_u64(&f.json, 1); /* no key */
    json_end_object(&f.json);
    KTEST_FALSE(t, json_is_complete(&f.json));
    start(&f);
    json_begin_array(&f.json);
    json_member_u64(&f.json, "a", 1); /* a key in an array */
    json_end_array(&f.json);
    KTEST_FALSE(t, json_is_complete(&f.json));
    start(&f);
    json_begin_object(&f.json);
    json_end_array(&f.json); /* the wrong end */
    KTEST_FALSE(t, json_is_complete(&f.json));
    start(&f);
    json_begin_object(&f.json);
    json_key(&f.json, "a");
    json_end_object(&f.json); /* a key without a value */
    KTEST_FALSE(t, json_is_complete(&f.json));
    start(&f);
    json_begin_object(&f.json);
    json_key(&f.json, "a");
    json_member_u64(&f.json, "b", 1); /* two keys */
    json_end_object(&f.json);
    KTEST_FALSE(t, json_is_complete(&f.json));
    start(&f);
    json_u64(&f.json, 1);
    json_end_array(&f.json); /* nothing is open */
    KTEST_FALSE(t, json_is_complete(&f.json));
}

static void json_nesting_is_bounded(struct ktest *t)
{
    struct fixture f;
    for (unsigned depth = JSON_MAX_DEPTH; depth <= JSON_MAX_DEPTH + 1; depth++) {
        start(&f);
        for (unsigned i = 0; i < depth; i++) {
            json_begin_array(&f.json);
        }
        for (unsigned i = 0; i < depth; i++) {
            json_end_array(&f.json);
        }
        KTEST_EQ(t, json_is_complete(&f.json), depth == JSON_MAX_DEPTH);
        KTEST_EQ(t, f.length, 2 * depth);
    }
}

/* Arrays inside objects inside arrays: after closing, the outer kind is known again. */
static void json_remembers_the_kind_of_every_level(struct ktest *t)
{
    struct fixture f;
    start(&f);
    json_begin_array(&f.json);
    json_begin_object(&f.json);
    json_key(&f.json, "a");
    json_begin_array(&f.json);
    json_u64(&f.json, 1);
    json_end_array(&f.json);
    json_member_u64(&f.json, "b", 2);
    json_end_object(&f.json);
    json_begin_array(&f.json);
    json_u64(&f.json, 3);
    json_end_array(&f.json);
    json_end_array(&f.json);
    KTEST_STRING(t, f.text, "[{\"a\":[1],\"b\":2},[3]]");
    KTEST_TRUE(t, json_is_complete(&f.json));
}

static const struct ktest_case cases[] = {
    KTEST_CASE(json_writes_nested_values_with_commas),
    KTEST_CASE(json_escapes_what_is_not_plain),
    KTEST_CASE(json_escapes_keys_too),
    KTEST_CASE(json_numbers_have_all_64_bits),
    KTEST_CASE(json_lone_value_is_complete),
    KTEST_CASE(json_misuse_shows),
    KTEST_CASE(json_nesting_is_bounded),
    KTEST_CASE(json_remembers_the_kind_of_every_level),
};
KTEST_SUITE(lib_json_writer, "lib.json_writer", cases);
