/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The loader's own writer on the screen for when the firmware's may no longer be called: after an
 * exit that was refused, and where the loader stops behind one that worked. It draws into the
 * framebuffer that the graphics output named, with the kernel's own units (dev/text_display.h).
 * Whatever it needs is taken before the exit; once open it calls nobody and allocates nothing.
 *
 * The framebuffer is reached as the firmware mapped it, identity (UEFI 2.10, 2.3.4): whoever uses
 * this is still on the firmware's page tables. Only memory has to be mapped there, and a
 * framebuffer above 4 GiB may be left out: stop_screen_is_mapped() looks. The caller owns the
 * struct. Loader and host.
 */
#ifndef LOADER_STOP_SCREEN_H
#define LOADER_STOP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "dev/text_display.h"
#include "mm/addr.h"

struct stop_screen {
    bool is_ready; /* it has memory and can be opened */
    bool is_open;
    struct text_display_plan plan;
    struct text_display display;
    phys_addr_t cells;
};

/**
 * Looks whether there is a screen that can be written to.
 * @param info  the firmware's framebuffer; not trusted
 * @return bytes of memory that the screen needs; 0 where there is none
 */
size_t stop_screen_plan(struct stop_screen *screen, const struct bootinfo_framebuffer *info);

/** Whether the page tables that the CPU uses have all of the planned screen's pixels at their
 *  physical address, writable. */
bool stop_screen_is_mapped(const struct stop_screen *screen);

/** Gives the memory that stop_screen_plan() asked for; @p cells is its physical address. */
void stop_screen_set_memory(struct stop_screen *screen, phys_addr_t cells);

/** Clears the screen and gets ready to write. Does nothing without memory, or where it is open.
 *  @param info  the one that was planned for
 *  @context boot services gone, or not to be called any more */
void stop_screen_open(struct stop_screen *screen, const struct bootinfo_framebuffer *info);

/** Writes text; nothing where the screen is not open. */
void stop_screen_write(struct stop_screen *screen, const char *text, size_t size_bytes);

#endif
