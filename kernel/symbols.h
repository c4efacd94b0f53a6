/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Names and source lines of the running kernel's code, from the table that the build puts into the
 * image (symbol_table.h). For crash dumps, the monitor and the GDB stub.
 */
#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>

#include "mm/addr.h"
#include "symbol_table.h"

/** Finds function, offset, file and line of @p address. A return address belongs to the call before
 *  it: pass it less one. @return false (@p place undefined) outside of the kernel's code. Context:
 *  any; takes a few milliseconds; a call inside another one spoils the outer's answer. */
bool symbols_lookup(virt_addr_t address, struct symbol_place *place);

/** Finds the first function called @p name. @return false where there is none. Context as above. */
bool symbols_find(const char *name, virt_addr_t *start);

/** Text of @p address: "function+0x12 file:line", or "(outside the kernel's code)". @return its
 *  length as format_text() does. */
size_t symbols_describe(virt_addr_t address, char *text, size_t size_bytes);

#endif
