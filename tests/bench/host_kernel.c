/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What the page-frame allocator wants of a kernel besides its own files, for host programs without
 * the tests' fakes: a log that nobody reads, a panic that ends the process, and where physical
 * memory is. Part of build/host/libmm.a.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <arch/physmap.h>

#include "panic.h"
#include "printk.h"

char *pa_memory;

/* A refused free is seen by its result. */
void printk(enum log_level level, const char *format, ...)
{
    (void)level;
    (void)format;
}

void panic_at(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "panic at %s:%d: ", file, line);
    (void)vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}
