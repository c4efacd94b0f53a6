/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Reads console fonts in the PSF formats of the Linux console: PSF1 (8 pixels wide) and PSF2 (any
 * width), with or without the table that says which glyph stands for which character. The bytes
 * may be anything: a font that is accepted can be drawn without another check. Nothing is copied,
 * the struct points into the caller's bytes. Pure; kernel and host.
 *
 *     PSF1:  36 04 mode charsize                                   glyphs   table (16-bit)
 *     PSF2:  72 b5 4a 86  version header_size flags count          glyphs   table (UTF-8)
 *            glyph_bytes height width
 *
 * A table has one entry for each glyph: characters, then sequences of characters that combine to
 * one glyph (passed over here), then an end mark.
 */
#ifndef DEV_PSF_FONT_H
#define DEV_PSF_FONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kstatus.h"

/** Largest glyph that is accepted, pixels each way. */
#define PSF_FONT_MAX_PIXELS 64U

/** A font that was accepted: every glyph below `glyph_count` lies inside the bytes. */
struct psf_font {
    const uint8_t *glyphs;
    uint32_t glyph_count;
    uint32_t glyph_bytes; /* from one glyph to the next */
    uint32_t row_bytes;   /* from one line of a glyph to the next */
    uint32_t width;       /* pixels, 1..PSF_FONT_MAX_PIXELS */
    uint32_t height;      /* pixels, the same */
    const uint8_t *table;
    size_t table_bytes; /* 0: no table, glyph n is character n */
    bool table_is_utf8;
};

/**
 * Checks @p size_bytes of a font file.
 * @return K_OK; K_ENOTSUP neither PSF1 nor PSF2, or a version that is newer; K_EINVAL a size in the
 *         header that cannot be, or that passes the file's end
 */
MUST_CHECK enum kstatus psf_font_parse(const void *bytes, size_t size_bytes, struct psf_font *font);

/**
 * Finds the glyph of a character (Unicode).
 * @return false (@p glyph untouched) where the font has none. What is broken in a table is passed
 *         over, never an error.
 */
bool psf_font_find(const struct psf_font *font, uint32_t character, uint32_t *glyph);

/** First line of glyph @p glyph, which is below glyph_count: `height` lines of `row_bytes` bytes,
 *  leftmost pixel in bit 7 of the first one. */
static inline const uint8_t *psf_font_glyph(const struct psf_font *font, uint32_t glyph)
{
    return font->glyphs + (size_t)glyph * font->glyph_bytes;
}

#endif
