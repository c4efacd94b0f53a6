/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Names for the GNU attributes that this tree uses. No logic; every world (loader, kernel, host)
 * includes it.
 */
#ifndef LIB_COMPILER_H
#define LIB_COMPILER_H

#define MUST_CHECK        __attribute__((warn_unused_result))
#define NORETURN          __attribute__((noreturn))
#define NOINLINE          __attribute__((noinline))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define ALIGNED(bytes)    __attribute__((aligned(bytes)))
#define PACKED            __attribute__((packed))
#define IN_SECTION(name)  __attribute__((section(name), used))
/** Code in which no debugger may set a breakpoint (arch/x86_64/gdb_server.c says why). */
#define NO_BREAKPOINT       __attribute__((section(".text.nobreak"), noinline))
#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define ARRAY_COUNT(array)  (sizeof(array) / sizeof((array)[0]))

/** The structure that holds @p member, from a pointer to the member. */
#define CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
