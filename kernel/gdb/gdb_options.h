/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The value of the command-line word `gdb=`: PORT[,115200][,wait]. Pure; kernel and host.
 */
#ifndef GDB_GDB_OPTIONS_H
#define GDB_GDB_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kstatus.h"

struct gdb_options {
    uint32_t port_index; /* 0..3: ttyS0..ttyS3 */
    bool wait;           /* stop early in the boot, until a debugger lets it go on */
};

/** Reads @p length bytes at @p text. @return K_OK; K_EINVAL for anything else than the above */
MUST_CHECK enum kstatus gdb_options_parse(const char *text, size_t length,
                                          struct gdb_options *options);

#endif
