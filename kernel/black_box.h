/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The kernel's side of the black box (shared/black_box.h): goes on where the loader stopped, with
 * steps, lines of the log, and how it ended. The region is in the ledger and in the direct map, as
 * the kernel image is. Where the loader found no place every function does nothing.
 */
#ifndef KERNEL_BLACK_BOX_H
#define KERNEL_BLACK_BOX_H

#include "shared/black_box.h"
#include "shared/bootinfo.h"

/** Finds the box and takes the log's lines from here on. Context: once, after bootinfo_check(). */
void black_box_open(const struct bootinfo *bootinfo);

/** The boot has come to the step called @p name. */
void black_box_note(const char *name);

/** What became of this boot. Context: any, exceptions as well. */
void black_box_end(enum black_box_state state);

/** The boot before; step 0 where there is no record of one. */
struct black_box_mark black_box_last(void);

#endif
