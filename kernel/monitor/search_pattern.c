/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See search_pattern.h. No state.
 */
#include "monitor/search_pattern.h"

#include <string.h>

#include "monitor/arguments.h"

static enum kstatus parse_text(const char *text, struct search_pattern *pattern)
{
    const size_t length = strlen(text);
    if (length < 2 || text[length - 1] != '"') {
        return K_EINVAL;
    }
    if (length - 2 > SEARCH_PATTERN_MAX) {
        return K_ENOSPC;
    }
    pattern->length = length - 2;
    memcpy(pattern->bytes, text + 1, pattern->length);
    return pattern->length > 0 ? K_OK : K_EINVAL;
}

/* -1 for what is none. */
static int digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const int lower = c | 0x20; /* of a letter */
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

enum kstatus search_parse(const char *text, struct search_pattern *pattern)
{
    text = argument_skip_spaces(text);
    if (*text == '"') {
        return parse_text(text, pattern);
    }
    pattern->length = 0;
    while (*text != '\0') {
        const int high = digit(text[0]);
        const int low = high < 0 ? -1 : digit(text[1]);
        if (low < 0) {
            return K_EINVAL;
        }
        if (pattern->length == SEARCH_PATTERN_MAX) {
            return K_ENOSPC;
        }
        pattern->bytes[pattern->length] = (uint8_t)(high * 16 + low); /* 0..255 */
        pattern->length++;
        text = argument_skip_spaces(text + 2);
    }
    return pattern->length > 0 ? K_OK : K_EINVAL;
}

size_t search_find(const struct search_pattern *pattern, const uint8_t *bytes, size_t size_bytes,
                   size_t from)
{
    for (size_t i = from; i + pattern->length <= size_bytes; i++) {
        if (bytes[i] == pattern->bytes[0] &&
            memcmp(bytes + i, pattern->bytes, pattern->length) == 0) {
            return i;
        }
    }
    return size_bytes;
}
