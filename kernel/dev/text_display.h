/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Text on a framebuffer: framebuffer, font and text_screen put together. Knows no mapping and no
 * allocator: the caller says where pixels and cells are, before each write if they move. Owned by
 * the caller. Pure; loader (the stop screen), kernel (dev/screen) and host.
 */
#ifndef DEV_TEXT_DISPLAY_H
#define DEV_TEXT_DISPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "dev/framebuffer.h"
#include "dev/psf_font.h"
#include "dev/text_screen.h"
#include "kstatus.h"

#define TEXT_DISPLAY_CHARACTERS 256U

/** What a display needs before it can be opened. */
struct text_display_plan {
    struct framebuffer_span span; /* to map: the pixels */
    struct text_screen_size size; /* characters */
    size_t cells_bytes;           /* memory for the cells, at most 100 KiB */
    struct psf_font font;
};

/** Members are private to text_display.c but for `framebuffer.pixels` and `text.cells`, which may
 *  be set anew before each write, to the same memory at another address. */
struct text_display {
    struct framebuffer framebuffer;
    struct psf_font font;
    struct text_screen text;
    uint32_t scale;
    uint32_t glyphs[TEXT_DISPLAY_CHARACTERS]; /* of each byte */
};

/**
 * All that can be refused, before anything is taken.
 * @param info        what the firmware says of the screen; not trusted
 * @param font_bytes  a PSF font of @p font_size_bytes, which must live as long as the display
 * @return K_OK; the errors of framebuffer_locate(), psf_font_parse() and text_screen_fit()
 */
MUST_CHECK enum kstatus text_display_plan(const struct bootinfo_framebuffer *info,
                                          const void *font_bytes, size_t font_size_bytes,
                                          struct text_display_plan *plan);

/**
 * An empty display: paints all of the framebuffer in the paper's colour.
 * @param info    the one of @p plan
 * @param pixels  of line 0
 * @param cells   plan->cells_bytes of any content
 */
void text_display_open(struct text_display *display, const struct bootinfo_framebuffer *info,
                       const struct text_display_plan *plan, volatile uint32_t *pixels,
                       uint8_t *cells);

/** Writes @p size_bytes of @p text and draws what has changed. Bytes that are not ASCII have no
 *  meaning without an encoding: they show as the replacement character, as does what the font
 *  lacks. */
void text_display_write(struct text_display *display, const char *text, size_t size_bytes);

#endif
