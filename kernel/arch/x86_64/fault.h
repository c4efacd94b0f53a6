/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Exceptions on purpose, for seeing what a crash looks like and for testing that it is told right.
 */
#ifndef ARCH_X86_64_FAULT_H
#define ARCH_X86_64_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/** What can be provoked. */
struct fault_kind {
    const char *name;
    void (*prepare)(void); /* NULL: nothing to do */
    void (*raise)(void);
    void (*restore)(void); /* undoes prepare; NULL: nothing to do */
};

/** All kinds, @p count of them. */
const struct fault_kind *fault_kinds(size_t *count);

/** Raises @p kind. Where @p returns is set, the dump is printed as for a crash, and execution goes
 * on behind it. @return where nothing was raised (a CPU without NX, SMAP), or with @p returns.
 *  Context: the prompt. */
void fault_provoke(const struct fault_kind *kind, bool returns);

#endif
