/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Text formatting without a C library: a printf subset for kernel and loader. Stateless and pure;
 * on the host the tests compare it with the C library's.
 *
 * Conversions: %c %s %d %i %u %x %X %p %%; flags '-', '0', '#', '+'; width; precision for %s and
 * integers; '*' for both; length h, hh, l, ll, z. Anything else is printed as it stands.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"

/* Length modifiers for uint64_t: unsigned long on ELF targets, unsigned long long in the loader. */
#if __SIZEOF_LONG__ == 8
#    define FMTu64 "lu"
#    define FMTx64 "lx"
#    define FMTd64 "ld"
#else
#    define FMTu64 "llu"
#    define FMTx64 "llx"
#    define FMTd64 "lld"
#endif

/** A physical or virtual address as every log line shows it; takes the .value. */
#define PRIphys "0x%016" FMTx64
#define PRIvirt "0x%016" FMTx64

/**
 * Formats into @p buffer, always NUL-terminated where @p size_bytes > 0.
 * @return characters that the whole text has, without the NUL, as C's vsnprintf; a result >=
 *         size_bytes means that the text was cut
 */
size_t format_text_v(char *buffer, size_t size_bytes, const char *format, va_list list)
    PRINTF_LIKE(3, 0);

/** format_text_v() with its arguments in line. */
size_t format_text(char *buffer, size_t size_bytes, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
