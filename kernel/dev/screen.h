/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The machine's one screen: a framebuffer mapped through the MMIO pool, a font and a table of
 * characters, put together (S40). console.c is what writes to it. Owner of all three, of the page
 * frames under the table and of the mapping, for good. One CPU writes.
 */
#ifndef DEV_SCREEN_H
#define DEV_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/bootinfo.h"

#include "kstatus.h"

/**
 * Maps the framebuffer write-combining, clears it and gets ready to write.
 * @param info  what the loader found; not trusted
 * @return K_OK; K_ENOENT the machine has none that memory writes reach; K_EFAULT it lies in memory
 *         of the direct map; K_ENOMEM; else as framebuffer_locate() and the MMIO pool. On error
 *         nothing is kept.
 * Context: after mm_init(); not twice.
 */
MUST_CHECK enum kstatus screen_init(const struct bootinfo_framebuffer *info);

/** Whether screen_init() succeeded. */
bool screen_is_up(void);

/** Writes text; nothing where the screen is not up. An exception inside of it may write as well:
 *  that text is dropped here, for the fault may be the framebuffer's own. */
void screen_write(const char *text, size_t size_bytes);

#endif
