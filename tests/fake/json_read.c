/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See json_read.h. The check is a small machine with a stack of open brackets; looking things up
 * relies on the text being well-formed and only counts brackets.
 */
#include "tests/fake/json_read.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <ctype.h>

#define DEPTH_MAX 32U

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* ---- scalars: each returns what is behind it, or NULL where it is none ------------------------
 */

static const char *skip_escape(const char *at)
{
    if (*at != 'u') {
        return *at != '\0' && strchr("\"\\/bfnrt", *at) != NULL ? at + 1 : NULL;
    }
    for (unsigned i = 1; i <= 4; i++) {
        if (isxdigit((unsigned char)at[i]) == 0) {
            return NULL;
        }
    }
    return at + 5;
}

static const char *skip_string(const char *at)
{
    if (*at++ != '"') {
        return NULL;
    }
    while (at != NULL && *at != '"') {
        if ((unsigned char)*at < 0x20) {
            return NULL; /* a raw control character, or the end of the text */
        }
        at = *at == '\\' ? skip_escape(at + 1) : at + 1;
    }
    return at == NULL ? NULL : at + 1;
}

static const char *skip_digits(const char *at)
{
    const size_t count = strspn(at, "0123456789");
    return count == 0 ? NULL : at + count;
}

static const char *skip_number(const char *at)
{
    at += *at == '-' ? 1 : 0;
    at = *at == '0' ? at + 1 : skip_digits(at);
    if (at != NULL && *at == '.') {
        at = skip_digits(at + 1);
    }
    if (at != NULL && (*at == 'e' || *at == 'E')) {
        at++;
        at = skip_digits(at + (*at == '+' || *at == '-' ? 1 : 0));
    }
    return at;
}

static const char *skip_scalar(const char *at)
{
    static const char *const words[] = { "true", "false", "null" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strncmp(at, words[i], strlen(words[i])) == 0) {
            return at + strlen(words[i]);
        }
    }
    return *at == '"' ? skip_string(at) : skip_number(at);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

enum expectation {
    EXPECT_VALUE,
    EXPECT_ITEM_OR_END, /* just behind [ */
    EXPECT_KEY,
    EXPECT_KEY_OR_END, /* just behind { */
    EXPECT_NEXT,       /* behind a value */
    EXPECT_FAILED,
};

struct check {
    const char *at;
    char closers[DEPTH_MAX]; /* the brackets that must close what is open */
    unsigned depth;
};

static enum expectation open_bracket(struct check *check, char closer, enum expectation inside)
{
    if (check->depth == DEPTH_MAX) {
        return EXPECT_FAILED;
    }
    check->closers[check->depth++] = closer;
    check->at++;
    return inside;
}

static enum expectation close_bracket(struct check *check)
{
    if (check->depth == 0 || check->closers[check->depth - 1] != *check->at) {
        return EXPECT_FAILED;
    }
    check->depth--;
    check->at++;
    return EXPECT_NEXT;
}

static enum expectation read_value(struct check *check)
{
    if (*check->at == '{') {
        return open_bracket(check, '}', EXPECT_KEY_OR_END);
    }
    if (*check->at == '[') {
        return open_bracket(check, ']', EXPECT_ITEM_OR_END);
    }
    check->at = skip_scalar(check->at);
    return check->at == NULL ? EXPECT_FAILED : EXPECT_NEXT;
}

static enum expectation read_key(struct check *check)
{
    check->at = skip_string(check->at);
    if (check->at == NULL) {
        return EXPECT_FAILED;
    }
    check->at = skip_space(check->at);
    return *check->at++ == ':' ? EXPECT_VALUE : EXPECT_FAILED;
}

static enum expectation read_next(struct check *check)
{
    if (*check->at != ',' || check->depth == 0) {
        return close_bracket(check);
    }
    check->at++;
    return check->closers[check->depth - 1] == '}' ? EXPECT_KEY : EXPECT_VALUE;
}

static enum expectation step(struct check *check, enum expectation expected)
{
    const bool may_end = expected == EXPECT_ITEM_OR_END || expected == EXPECT_KEY_OR_END;
    if (may_end && (*check->at == ']' || *check->at == '}')) {
        return close_bracket(check);
    }
    if (expected == EXPECT_NEXT) {
        return read_next(check);
    }
    const bool is_key = expected == EXPECT_KEY || expected == EXPECT_KEY_OR_END;
    return is_key ? read_key(check) : read_value(check);
}

bool json_read_is_valid(const char *text)
{
    struct check check = { .at = skip_space(text) };
    enum expectation expected = EXPECT_VALUE;
    while (expected != EXPECT_FAILED) {
        if (expected == EXPECT_NEXT && check.depth == 0) {
            return *check.at == '\0';
        }
        expected = step(&check, expected);
        check.at = expected == EXPECT_FAILED ? check.at : skip_space(check.at);
    }
    return false;
}

/* ---- looking things up ------------------------------------------------------------------------
 */

/* Behind the value at `at`, of a valid text. */
static const char *skip_value(const char *at)
{
    unsigned depth = 0;
    do {
        if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            depth--;
            at++;
        } else if (*at == ',' || *at == ':') {
            at++;
        } else {
            at = skip_scalar(at);
        }
        at = skip_space(at);
    } while (depth > 0);
    return at;
}

/* The value of the member of the object at `at` that is called `key`. */
static const char *find_member(const char *at, const char *key, size_t length)
{
    if (*at != '{') {
        return NULL;
    }
    at = skip_space(at + 1);
    while (*at == '"') {
        const char *const behind = skip_string(at);
        const bool same = (size_t)(behind - at) == length + 2 && strncmp(at + 1, key, length) == 0;
        at = skip_space(skip_space(behind) + 1); /* the colon */
        if (same) {
            return at;
        }
        at = skip_value(at);
        at = *at == ',' ? skip_space(at + 1) : at;
    }
    return NULL;
}

const char *json_read_find(const char *text, const char *path)
{
    const char *at = skip_space(text);
    while (at != NULL && *path != '\0') {
        const size_t length = strcspn(path, ".");
        at = find_member(at, path, length);
        path += length + (path[length] == '.' ? 1 : 0);
    }
    return at;
}

uint64_t json_read_u64(const char *text, const char *path)
{
    const char *const at = json_read_find(text, path);
    return at == NULL || isdigit((unsigned char)*at) == 0 ? UINT64_MAX : strtoull(at, NULL, 10);
}

bool json_read_is(const char *text, const char *path, const char *value)
{
    const char *const at = json_read_find(text, path);
    return at != NULL && strncmp(at, value, strlen(value)) == 0;
}

const char *json_read_element(const char *array, uint32_t index)
{
    const char *at = skip_space(array + 1);
    while (*at != ']') {
        if (index-- == 0) {
            return at;
        }
        at = skip_value(at);
        at = *at == ',' ? skip_space(at + 1) : at;
    }
    return NULL;
}

uint32_t json_read_count(const char *text, const char *path)
{
    const char *const array = json_read_find(text, path);
    if (array == NULL || *array != '[') {
        return UINT32_MAX;
    }
    uint32_t count = 0;
    while (json_read_element(array, count) != NULL) {
        count++;
    }
    return count;
}
