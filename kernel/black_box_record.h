/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Reading and writing the record in a black box (shared/black_box.h). All functions work on a
 * region of BLACK_BOX_BYTES that the caller can reach; each leaves a record that is whole, and its
 * bytes in memory and not in a cache only. What is read is hostile: anything may lie there. One
 * writer at a time. Pure but for the cache flush; loader, kernel and host.
 */
#ifndef KERNEL_BLACK_BOX_RECORD_H
#define KERNEL_BLACK_BOX_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/black_box.h"

/** Whether a whole record lies at @p region: magic, version, sizes, both CRCs, and marks whose
 * names end and whose states exist. */
bool black_box_is_whole(const void *region);

/** Begins a record at step 0 with no text. @param last  the boot before; step 0 for none */
void black_box_begin(void *region, const struct black_box_mark *last);

/** The boot has come to step @p step, called @p name (cut to what fits). The state is
 *  BLACK_BOX_RUNNING again. */
void black_box_step(void *region, uint32_t step, const char *name);

/** Where the boot is. */
struct black_box_mark black_box_now(const void *region);

/** The boot before that one. */
struct black_box_mark black_box_before(const void *region);

/** Leaves no record. */
void black_box_erase(void *region);

/** What became of the boot; the step stays. */
void black_box_set_state(void *region, enum black_box_state state);

/** Adds @p size_bytes of @p text. When the region is full its older half makes room; of a text that
 *  is larger than half the region its end is kept. A region that somebody overwrote takes none. */
void black_box_append(void *region, const char *text, size_t size_bytes);

/** The text, not terminated. @param size_bytes  receives its size */
const char *black_box_text(const void *region, size_t *size_bytes);

/** "stopped", "stopped in a panic", "came to its end", "left the firmware": a verb for "the last
 *  boot ...". */
const char *black_box_verb(enum black_box_state state);

#endif
