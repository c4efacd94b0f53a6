/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See json_writer.h. Where a comma goes is known from one flag: it is set by every finished value
 * and cleared by every opening bracket and key. Nesting is kept as bits, for json_is_complete().
 */
#include "lib/json_writer.h"

#include "lib/bits.h"
#include "lib/string.h"

static void put_text(struct json_writer *json, const char *text)
{
    json->put(json->context, text, strlen(text));
}

/* Whether what is open now is an object. */
static bool inside_object(const struct json_writer *json)
{
    return json->depth > 0 && (json->is_object & BIT(json->depth - 1)) != 0;
}

/* Comma before a value, where one is due. */
static void begin_value(struct json_writer *json)
{
    if (json->after_key != inside_object(json) || (json->depth == 0 && json->need_comma)) {
        json->misused = true;
    }
    if (json->need_comma) {
        put_text(json, ",");
    }
    json->need_comma = true;
    json->after_key = false;
}

static void open_bracket(struct json_writer *json, const char *bracket, bool is_object)
{
    begin_value(json);
    put_text(json, bracket);
    json->need_comma = false;
    if (json->depth == JSON_MAX_DEPTH) {
        json->misused = true;
        return;
    }
    const uint32_t bit = (uint32_t)BIT(json->depth); /* depth < 32 */
    json->is_object = is_object ? json->is_object | bit : json->is_object & ~bit;
    json->depth++;
}

static void close_bracket(struct json_writer *json, const char *bracket, bool is_object)
{
    if (json->depth == 0 || inside_object(json) != is_object || json->after_key) {
        json->misused = true;
    }
    put_text(json, bracket);
    json->depth -= json->depth > 0 ? 1 : 0;
    json->need_comma = true;
}

void json_init(struct json_writer *json, json_put put, void *context)
{
    *json = (struct json_writer){ .put = put, .context = context };
}

void json_begin_object(struct json_writer *json)
{
    open_bracket(json, "{", true);
}

void json_end_object(struct json_writer *json)
{
    close_bracket(json, "}", true);
}

void json_begin_array(struct json_writer *json)
{
    open_bracket(json, "[", false);
}

void json_end_array(struct json_writer *json)
{
    close_bracket(json, "]", false);
}

static bool is_plain(char c)
{
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

static void put_escaped(struct json_writer *json, char c)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t byte = (uint8_t)c;
    if (c == '"' || c == '\\') {
        const char escaped[2] = { '\\', c };
        json->put(json->context, escaped, sizeof(escaped));
        return;
    }
    const char escaped[6] = { '\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15U] };
    json->put(json->context, escaped, sizeof(escaped));
}

static void put_quoted(struct json_writer *json, const char *text, size_t size_bytes)
{
    put_text(json, "\"");
    size_t start = 0; /* of the plain characters not yet written */
    for (size_t i = 0; i < size_bytes; i++) {
        if (is_plain(text[i])) {
            continue;
        }
        if (i > start) {
            json->put(json->context, text + start, i - start);
        }
        put_escaped(json, text[i]);
        start = i + 1;
    }
    if (size_bytes > start) {
        json->put(json->context, text + start, size_bytes - start);
    }
    put_text(json, "\"");
}

void json_string_bytes(struct json_writer *json, const char *text, size_t size_bytes)
{
    begin_value(json);
    put_quoted(json, text, size_bytes);
}

void json_string(struct json_writer *json, const char *text)
{
    json_string_bytes(json, text, strlen(text));
}

void json_key(struct json_writer *json, const char *key)
{
    if (json->after_key) { /* outside of an object it shows at what follows */
        json->misused = true;
    }
    if (json->need_comma) {
        put_text(json, ",");
    }
    put_quoted(json, key, strlen(key));
    put_text(json, ":");
    json->need_comma = false;
    json->after_key = true;
}

void json_u64(struct json_writer *json, uint64_t value)
{
    char digits[20]; /* 2^64 - 1 has 20 */
    size_t first = sizeof(digits);
    do {
        first--;
        digits[first] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    begin_value(json);
    json->put(json->context, digits + first, sizeof(digits) - first);
}

void json_bool(struct json_writer *json, bool value)
{
    begin_value(json);
    put_text(json, value ? "true" : "false");
}

void json_member_string(struct json_writer *json, const char *key, const char *text)
{
    json_key(json, key);
    json_string(json, text);
}

void json_member_u64(struct json_writer *json, const char *key, uint64_t value)
{
    json_key(json, key);
    json_u64(json, value);
}

void json_member_bool(struct json_writer *json, const char *key, bool value)
{
    json_key(json, key);
    json_bool(json, value);
}

void json_member_hex(struct json_writer *json, const char *key, const uint8_t *bytes,
                     size_t size_bytes)
{
    static const char digits[] = "0123456789abcdef";
    json_key(json, key);
    begin_value(json);
    put_text(json, "\"");
    for (size_t i = 0; i < size_bytes; i++) {
        const char pair[2] = { digits[bytes[i] >> 4], digits[bytes[i] & 15U] };
        json->put(json->context, pair, sizeof(pair));
    }
    put_text(json, "\"");
}

bool json_is_complete(const struct json_writer *json)
{
    return json->depth == 0 && json->need_comma && !json->misused;
}
