/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Freestanding mem* and str*. Plain loops over bytes and words: the compiler must not turn them
 * back into calls of themselves, hence -fno-builtin and -fno-tree-loop-distribute-patterns for
 * this file (Makefile). Large fills and copies are by 64-bit words: rep stosb costs eight times as
 * many instructions under emulation (measured; see docs/testing.md).
 */
#include "lib/string.h"

#include <stdint.h>

/* Words through a type that may alias anything (C11 6.5p7 allows only character types). */
typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

void *memcpy(void *restrict to, const void *restrict from, size_t size_bytes)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    while (size_bytes >= sizeof(word_t)) {
        *(word_t *)out = *(const word_t *)in;
        out += sizeof(word_t);
        in += sizeof(word_t);
        size_bytes -= sizeof(word_t);
    }
    while (size_bytes > 0) {
        *out++ = *in++;
        size_bytes--;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t size_bytes)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if ((uintptr_t)out - (uintptr_t)in >= size_bytes) {
        return memcpy(to, from, size_bytes); /* forward is safe: no byte is read after its write */
    }
    while (size_bytes > 0) {
        size_bytes--;
        out[size_bytes] = in[size_bytes];
    }
    return to;
}

void *memset(void *to, int value, size_t size_bytes)
{
    uint8_t *out = to;
    const uint64_t word = (uint8_t)value * UINT64_C(0x0101010101010101);
    while (size_bytes >= sizeof(word_t)) {
        *(word_t *)out = word;
        out += sizeof(word_t);
        size_bytes -= sizeof(word_t);
    }
    while (size_bytes > 0) {
        *out++ = (uint8_t)value;
        size_bytes--;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size_bytes)
{
    const uint8_t *left = a;
    const uint8_t *right = b;
    for (size_t i = 0; i < size_bytes; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    return length;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++) {
        if (a[i] != b[i]) {
            return (uint8_t)a[i] < (uint8_t)b[i] ? -1 : 1;
        }
        if (a[i] == '\0') {
            return 0;
        }
    }
    return 0;
}
