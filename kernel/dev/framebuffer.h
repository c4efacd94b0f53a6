/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Drawing into a linear framebuffer of 32-bit pixels, as the firmware's graphics output left it
 * (UEFI 2.10, 12.9): where its bytes are, what number a colour is, glyphs and filled areas. Video
 * memory is only written, never read: reads of it are slow, and nobody promises what they give.
 * Pure over its parameters; knows no mapping and no text. Kernel and host.
 *
 *     base (any multiple of 4)
 *     v
 *     +---------- width pixels ----------+--------+
 *     | line 0                           | unused |   pitch pixels from one line to the next
 *     | line 1                           |        |
 *     :                                  :        :   height lines
 */
#ifndef DEV_FRAMEBUFFER_H
#define DEV_FRAMEBUFFER_H

#include <stdint.h>

#include "shared/bootinfo.h"

#include "dev/psf_font.h"
#include "kstatus.h"
#include "mm/addr.h"

/** The pages under a framebuffer: what has to be mapped. */
struct framebuffer_span {
    phys_addr_t base;      /* page-aligned */
    uint64_t size_bytes;   /* whole pages, at most 1 GiB */
    uint64_t offset_bytes; /* of the first pixel from `base`, less than a page */
};

/** A framebuffer that can be drawn into. Owned by the caller. */
struct framebuffer {
    volatile uint32_t *pixels; /* of line 0 */
    uint32_t width;            /* pixels */
    uint32_t height;           /* lines */
    uint32_t pitch;            /* pixels */
    uint32_t ink;              /* pixel value of what is written */
    uint32_t paper;            /* and of what it is written on */
};

/** A glyph's place: its top left pixel, and how many pixels each way one of the font's takes. */
struct framebuffer_spot {
    uint32_t x;
    uint32_t y;
    uint32_t scale; /* 1.. */
};

/**
 * Checks a framebuffer's description and finds its pages.
 * @param info  not trusted
 * @return K_OK; K_ENOENT there is none that memory writes reach; K_ENOTSUP pixels that are not of
 *         32 bits, or masks with gaps; K_EINVAL a geometry that cannot be: no pixels, lines longer
 *         than the pitch, more bytes than the framebuffer has, an address that wraps or is no
 *         multiple of 4; K_ERANGE more than 1 GiB
 */
MUST_CHECK enum kstatus framebuffer_locate(const struct bootinfo_framebuffer *info,
                                           struct framebuffer_span *span);

/** The pixel value of a colour. @param info accepted by framebuffer_locate()
 *  @param rgb 0xRRGGBB */
uint32_t framebuffer_colour(const struct bootinfo_framebuffer *info, uint32_t rgb);

/** A framebuffer whose line 0 is at @p pixels, with grey ink on black paper.
 *  @param info accepted by framebuffer_locate() */
struct framebuffer framebuffer_open(const struct bootinfo_framebuffer *info,
                                    volatile uint32_t *pixels);

/** Paints all of it in the paper's colour; what lies between width and pitch is left alone. */
void framebuffer_clear(const struct framebuffer *framebuffer);

/** Draws a glyph with its background. One that would not lie wholly inside is not drawn.
 *  @param glyph  below font->glyph_count */
void framebuffer_draw_glyph(const struct framebuffer *framebuffer, struct framebuffer_spot spot,
                            const struct psf_font *font, uint32_t glyph);

#endif
