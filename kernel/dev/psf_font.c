/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See psf_font.h. Stateless. Every number of the header is checked before it is used to reach into
 * the bytes; the table is only ever read through next_item(), which stops at its end.
 */
#include "dev/psf_font.h"

#include "lib/bits.h"

#define PSF1_MAGIC        0x0436U
#define PSF1_HEADER_BYTES 4U
#define PSF1_WIDTH        8U
#define PSF1_512_GLYPHS   BIT(0)
#define PSF1_HAS_TABLE    BIT(1)
#define PSF1_HAS_SEQUENCE BIT(2) /* a table as well */

#define PSF2_MAGIC        0x864ab572U
#define PSF2_HEADER_BYTES 32U
#define PSF2_HAS_TABLE    BIT(0)

/* What a table holds besides characters; none of these is one. */
#define ITEM_BROKEN   UINT32_C(0xfffffffd) /* bytes that are no UTF-8 */
#define ITEM_SEQUENCE UINT32_C(0xfffffffe) /* from here on combinations, until the end mark */
#define ITEM_END      UINT32_C(0xffffffff) /* the glyph's entry is over */

/* ---- header ------------------------------------------------------------------------------------
 */

static uint32_t read_u16(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t read_u32(const uint8_t *bytes)
{
    return read_u16(bytes) | read_u16(bytes + 2) << 16;
}

/* Places glyphs and table behind a header of `header_bytes`; all but these fields are filled. */
static enum kstatus place(const uint8_t *bytes, size_t size_bytes, size_t header_bytes,
                          bool has_table, struct psf_font *font)
{
    if (font->width == 0 || font->width > PSF_FONT_MAX_PIXELS || font->height == 0 ||
        font->height > PSF_FONT_MAX_PIXELS || font->glyph_count == 0) {
        return K_EINVAL;
    }
    font->row_bytes = (font->width + 7) / 8;
    if (font->glyph_bytes < font->row_bytes * font->height || header_bytes > size_bytes) {
        return K_EINVAL;
    }
    const uint64_t glyph_bytes = (uint64_t)font->glyph_count * font->glyph_bytes;
    if (glyph_bytes > size_bytes - header_bytes) {
        return K_EINVAL;
    }
    font->glyphs = bytes + header_bytes;
    font->table = font->glyphs + glyph_bytes;
    font->table_bytes = has_table ? size_bytes - header_bytes - glyph_bytes : 0;
    return K_OK;
}

static enum kstatus parse_psf1(const uint8_t *bytes, size_t size_bytes, struct psf_font *font)
{
    const uint8_t mode = bytes[2];
    *font = (struct psf_font){
        .glyph_count = (mode & PSF1_512_GLYPHS) != 0 ? 512 : 256,
        .glyph_bytes = bytes[3],
        .width = PSF1_WIDTH,
        .height = bytes[3],
    };
    const bool has_table = (mode & (PSF1_HAS_TABLE | PSF1_HAS_SEQUENCE)) != 0;
    return place(bytes, size_bytes, PSF1_HEADER_BYTES, has_table, font);
}

static enum kstatus parse_psf2(const uint8_t *bytes, size_t size_bytes, struct psf_font *font)
{
    const uint32_t version = read_u32(bytes + 4);
    const uint32_t header_bytes = read_u32(bytes + 8);
    if (version != 0) {
        return K_ENOTSUP;
    }
    if (header_bytes < PSF2_HEADER_BYTES) {
        return K_EINVAL;
    }
    *font = (struct psf_font){
        .glyph_count = read_u32(bytes + 16),
        .glyph_bytes = read_u32(bytes + 20),
        .width = read_u32(bytes + 28),
        .height = read_u32(bytes + 24),
        .table_is_utf8 = true,
    };
    const bool has_table = (read_u32(bytes + 12) & PSF2_HAS_TABLE) != 0;
    return place(bytes, size_bytes, header_bytes, has_table, font);
}

enum kstatus psf_font_parse(const void *bytes, size_t size_bytes, struct psf_font *font)
{
    struct psf_font found = { 0 };
    enum kstatus status = K_ENOTSUP;
    if (size_bytes >= PSF1_HEADER_BYTES && read_u16(bytes) == PSF1_MAGIC) {
        status = parse_psf1(bytes, size_bytes, &found);
    } else if (size_bytes >= PSF2_HEADER_BYTES && read_u32(bytes) == PSF2_MAGIC) {
        status = parse_psf2(bytes, size_bytes, &found);
    }
    if (status == K_OK) {
        *font = found;
    }
    return status;
}

/* ---- table -------------------------------------------------------------------------------------
 */

struct reader {
    const uint8_t *at;
    size_t left_bytes;
};

/* Takes one byte that continues a UTF-8 character. */
static bool take_continuation(struct reader *reader, uint32_t *character)
{
    if (reader->left_bytes == 0 || (*reader->at & 0xc0U) != 0x80U) {
        return false;
    }
    *character = *character << 6 | (*reader->at & 0x3fU);
    reader->at++;
    reader->left_bytes--;
    return true;
}

static uint32_t next_utf8(struct reader *reader)
{
    const uint8_t first = *reader->at;
    reader->at++;
    reader->left_bytes--;
    if (first == 0xff || first == 0xfe) {
        return first == 0xff ? ITEM_END : ITEM_SEQUENCE;
    }
    if (first < 0x80) {
        return first;
    }
    /* Leading ones of the first byte: 110xxxxx has one byte more, 11110xxx three. */
    const unsigned ones = (unsigned)__builtin_clz(~((uint32_t)first << 24));
    if (ones < 2 || ones > 4) {
        return ITEM_BROKEN;
    }
    uint32_t character = first & (0x7fU >> ones);
    for (unsigned i = 1; i < ones; i++) {
        if (!take_continuation(reader, &character)) {
            return ITEM_BROKEN;
        }
    }
    return character;
}

static uint32_t next_u16(struct reader *reader)
{
    const size_t size_bytes = bits_min(reader->left_bytes, 2);
    const uint32_t item = size_bytes == 2 ? read_u16(reader->at) : ITEM_BROKEN;
    reader->at += size_bytes;
    reader->left_bytes -= size_bytes;
    if (item == 0xffff || item == 0xfffe) {
        return item == 0xffff ? ITEM_END : ITEM_SEQUENCE;
    }
    return item;
}

static bool find_in_table(const struct psf_font *font, uint32_t character, uint32_t *glyph)
{
    struct reader reader = { .at = font->table, .left_bytes = font->table_bytes };
    uint32_t index = 0;
    bool in_sequence = false;
    while (reader.left_bytes > 0 && index < font->glyph_count) {
        const uint32_t item = font->table_is_utf8 ? next_utf8(&reader) : next_u16(&reader);
        if (item == character && !in_sequence) {
            *glyph = index;
            return true;
        }
        if (item == ITEM_END) {
            index++;
        }
        in_sequence = item == ITEM_SEQUENCE || (in_sequence && item != ITEM_END);
    }
    return false;
}

bool psf_font_find(const struct psf_font *font, uint32_t character, uint32_t *glyph)
{
    if (character >= ITEM_BROKEN) {
        return false;
    }
    if (font->table_bytes > 0) {
        return find_in_table(font, character, glyph);
    }
    if (character >= font->glyph_count) {
        return false;
    }
    *glyph = character;
    return true;
}
