/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Reading a command line (design.md section 7): words separated by spaces, `name` or `name=value`,
 * the last of a name wins. A pair of quotes around a value or a whole word keeps spaces and is
 * removed; inside a word quotes stay. Any bytes are accepted: a word that nobody knows is listed,
 * never fatal. Nothing is copied or changed, results point into the line. Pure; loader, kernel and
 * host, so no `long` here.
 */
#ifndef KERNEL_COMMAND_LINE_H
#define KERNEL_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kstatus.h"

/** One word; the texts are not terminated. */
struct command_line_word {
    const char *name;
    size_t name_length;  /* bytes */
    const char *value;   /* behind the '=', without quotes */
    size_t value_length; /* bytes; 0 also where there is no value */
    bool has_value;      /* there was a '=' */
};

/**
 * Reads the next word.
 * @param cursor  in: where to read on, first the line itself; out: behind the word
 * @return false (@p word untouched) at the end of the line
 */
bool command_line_next(const char **cursor, struct command_line_word *word);

/** Like command_line_next(), but passes over the words of design.md section 7. */
bool command_line_next_unknown(const char **cursor, struct command_line_word *word);

/** The last word called @p name. @return whether there is one, else @p word is untouched */
bool command_line_find(const char *line, const char *name, struct command_line_word *word);

/** Whether there is a word called @p name, with or without a value. */
bool command_line_has(const char *line, const char *name);

/** Whether the word's value is exactly @p text. */
bool command_line_value_is(const struct command_line_word *word, const char *text);

/**
 * Copies the value of the last word called @p name, NUL-terminated; "" for a word without one.
 * @param size_bytes  of @p value, with the NUL
 * @return K_OK; K_ENOENT where there is no such word; K_ENOSPC where it does not fit; @p value is
 *         untouched on error
 */
MUST_CHECK enum kstatus command_line_get(const char *line, const char *name, char *value,
                                         size_t size_bytes);

/**
 * Reads the value as a number: decimal, or hexadecimal after 0x.
 * @return K_OK; K_ENOENT; K_EINVAL where it is no number; K_EOVERFLOW where it passes 64 bits
 */
MUST_CHECK enum kstatus command_line_get_u64(const char *line, const char *name, uint64_t *value);

/** Like command_line_get_u64(), with a suffix K, M, G or T of any case. @param size_bytes bytes */
MUST_CHECK enum kstatus command_line_get_size(const char *line, const char *name,
                                              uint64_t *size_bytes);

/** The number in @p length bytes at @p text. @return as command_line_get_u64(), never K_ENOENT */
MUST_CHECK enum kstatus command_line_parse_u64(const char *text, size_t length, uint64_t *value);

/** The size in @p length bytes at @p text. @return as command_line_get_size(), never K_ENOENT */
MUST_CHECK enum kstatus command_line_parse_size(const char *text, size_t length,
                                                uint64_t *size_bytes);

#endif
