/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Words of a command's argument text: numbers, sizes, addresses. Each function takes the next word
 * at *cursor and moves the cursor behind it; on failure the cursor stays. Nothing is copied. The
 * text is hostile: whatever was typed. Pure but for the table of symbols; kernel and host.
 */
#ifndef MONITOR_ARGUMENTS_H
#define MONITOR_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kstatus.h"

/** Not terminated. */
struct monitor_word {
    const char *text;
    size_t length; /* bytes, at least 1 */
};

/** An address as typed: where it points is for the command to judge. */
struct monitor_address {
    bool physical; /* written p:ADDR */
    uint64_t value;
};

/** A range of addresses, half-open; size_bytes is at least 1 and base + size_bytes - 1 fits. */
struct monitor_range {
    struct monitor_address base;
    uint64_t size_bytes;
};

const char *argument_skip_spaces(const char *text);

/** The next word, up to a space. @return false where only spaces are left */
bool argument_word(const char **cursor, struct monitor_word *word);

/** Whether @p word is exactly @p text. */
bool argument_word_is(const struct monitor_word *word, const char *text);

/** Takes the next word where it is exactly @p text. */
bool argument_take(const char **cursor, const char *text);

/** Whether nothing but spaces is left. */
bool argument_is_end(const char *cursor);

/** A number: decimal, or hexadecimal after 0x. @return K_OK; K_ENOENT no word; K_EINVAL no number;
 *  K_EOVERFLOW above 64 bits */
MUST_CHECK enum kstatus argument_u64(const char **cursor, uint64_t *value);

/** A number with a suffix K, M, G or T of any case. @return as argument_u64() */
MUST_CHECK enum kstatus argument_size(const char **cursor, uint64_t *size_bytes);

/** A hexadecimal number with or without 0x. @return as argument_u64() */
MUST_CHECK enum kstatus argument_hex(const char **cursor, uint64_t *value);

/**
 * An address: hexadecimal with or without 0x, or a symbol's name; then +OFFSET in hex; with p: in
 * front it is a physical one. What reads as a number is one, even where a symbol has that name.
 * @return K_OK; K_ENOENT no word; K_EINVAL neither number nor symbol; K_EOVERFLOW above 64 bits
 */
MUST_CHECK enum kstatus argument_address(const char **cursor, struct monitor_address *address);

/**
 * A range: START-END in one word (END is behind the last byte), or START and a size in two.
 * @return K_OK; as argument_address(); K_EINVAL where it is empty; K_EOVERFLOW where it wraps
 */
MUST_CHECK enum kstatus argument_range(const char **cursor, struct monitor_range *range);

#endif
