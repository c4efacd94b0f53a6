/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Just enough JSON for tests that look at a report: is it well-formed (RFC 8259), and what stands
 * at a path of keys. Pure; works on NUL-terminated text, copies nothing.
 */
#ifndef JSON_READ_H
#define JSON_READ_H

#include <stdbool.h>
#include <stdint.h>

/** Whether @p text is exactly one JSON value, nested at most 32 deep. */
bool json_read_is_valid(const char *text);

/** Where the value at @p path begins, e.g. "accounting.usable"; NULL where there is no such key.
 *  @p text is valid. */
const char *json_read_find(const char *text, const char *path);

/** The unsigned number at @p path; UINT64_MAX where there is none. */
uint64_t json_read_u64(const char *text, const char *path);

/** Whether what stands at @p path begins with the characters @p value. */
bool json_read_is(const char *text, const char *path, const char *value);

/** Elements of the array at @p path; UINT32_MAX where there is no array. */
uint32_t json_read_count(const char *text, const char *path);

/** The value of element @p index of the array that begins at @p array; NULL behind its end. */
const char *json_read_element(const char *array, uint32_t index);

#endif
