/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The few string functions that a freestanding build needs (compilers emit calls to the mem*
 * family on their own). Same contracts as in C11 7.24. Not compiled on the host, which has them.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size_bytes);
void *memmove(void *to, const void *from, size_t size_bytes);
void *memset(void *to, int value, size_t size_bytes);
int memcmp(const void *a, const void *b, size_t size_bytes);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size_bytes);

#endif
