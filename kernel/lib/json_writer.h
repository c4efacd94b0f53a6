/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Writes one JSON text (RFC 8259) piece by piece through a callback, on one line, without a buffer;
 * commas and colons come by themselves. The output is plain ASCII: a byte outside of it is written
 * as the character with that number (Latin-1). The caller owns the struct. Pure; every world.
 *
 *     struct json_writer json;
 *     json_init(&json, put, context);
 *     json_begin_object(&json);
 *     json_member_u64(&json, "schema", 1);
 *     json_key(&json, "areas");
 *     json_begin_array(&json);
 *     ...
 *     json_end_array(&json);
 *     json_end_object(&json);
 */
#ifndef LIB_JSON_WRITER_H
#define LIB_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Deepest nesting of arrays and objects. */
#define JSON_MAX_DEPTH 32U

/** Receives @p size_bytes of the text, not terminated. */
typedef void (*json_put)(void *context, const char *text, size_t size_bytes);

struct json_writer {
    json_put put;
    void *context;      /* for put */
    uint32_t depth;     /* arrays and objects open */
    uint32_t is_object; /* bit d - 1: what is open at depth d is an object */
    bool need_comma;    /* a value stands before this place */
    bool after_key;     /* the next value belongs to a key */
    bool misused;       /* see json_is_complete() */
};

void json_init(struct json_writer *json, json_put put, void *context);

void json_begin_object(struct json_writer *json);
void json_end_object(struct json_writer *json);
void json_begin_array(struct json_writer *json);
void json_end_array(struct json_writer *json);

/** The name of the member that is written next. */
void json_key(struct json_writer *json, const char *key);

void json_string(struct json_writer *json, const char *text);
/** A string of @p size_bytes bytes, NULs included. */
void json_string_bytes(struct json_writer *json, const char *text, size_t size_bytes);
void json_u64(struct json_writer *json, uint64_t value);
void json_bool(struct json_writer *json, bool value);

void json_member_string(struct json_writer *json, const char *key, const char *text);
void json_member_u64(struct json_writer *json, const char *key, uint64_t value);
void json_member_bool(struct json_writer *json, const char *key, bool value);
/** A string of two lower-case digits for each of @p size_bytes bytes. */
void json_member_hex(struct json_writer *json, const char *key, const uint8_t *bytes,
                     size_t size_bytes);

/** Whether one whole value was written and every call so far was in place: ends match, members
 *  have keys, nesting fits. A misplaced call writes something wrong and shows here. */
bool json_is_complete(const struct json_writer *json);

#endif
