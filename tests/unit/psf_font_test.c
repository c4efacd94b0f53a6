/* SPDX-License-Identifier: GPL-2.0-only
 *
 * dev/psf_font: both formats, their tables, and fonts that lie about themselves. Fonts under test
 * are heap copies of exactly their size, so that ASan sees a byte too far.
 */
#include "dev/psf_font.h"

#include <stdlib.h>
#include <string.h>

#include "tests/ktest.h"

extern const uint8_t font_blob_start[];
extern const uint8_t font_blob_end[];

#define NO_GLYPH    UINT32_MAX
#define PSF1_GLYPHS 256U
#define FONT_MAX    2048U

/* A font under construction. */
struct builder {
    uint8_t bytes[FONT_MAX];
    size_t size_bytes;
};

static void add(struct builder *b, const void *bytes, size_t size_bytes)
{
    memcpy(b->bytes + b->size_bytes, bytes, size_bytes);
    b->size_bytes += size_bytes;
}

static void add_u32(struct builder *b, uint32_t value)
{
    const uint8_t bytes[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                               (uint8_t)(value >> 24) };
    add(b, bytes, sizeof(bytes));
}

/* Glyph n is two lines of the byte n. */
static void start_psf1(struct builder *b, uint8_t mode)
{
    b->size_bytes = 0;
    const uint8_t header[4] = { 0x36, 0x04, mode, 2 };
    add(b, header, sizeof(header));
    for (unsigned i = 0; i < PSF1_GLYPHS; i++) {
        const uint8_t rows[2] = { (uint8_t)i, (uint8_t)i };
        add(b, rows, sizeof(rows));
    }
}

/* Three glyphs of 12 x 2 pixels, so two bytes a line: glyph n holds bytes of 0x10 * (n + 1). */
static void start_psf2(struct builder *b, uint32_t flags)
{
    static const uint32_t header[8] = { 0x864ab572, 0, 32, 0, 3, 4, 2, 12 };
    b->size_bytes = 0;
    for (unsigned i = 0; i < 8; i++) {
        add_u32(b, i == 3 ? flags : header[i]);
    }
    for (uint32_t i = 1; i <= 3; i++) {
        add_u32(b, i * 0x10101010);
    }
}

/* Looks up `character` in a copy of the font; what the parser says is the status. */
static enum kstatus find(const struct builder *b, uint32_t character, uint32_t *glyph)
{
    uint8_t *const copy = malloc(b->size_bytes);
    memcpy(copy, b->bytes, b->size_bytes);
    struct psf_font font;
    const enum kstatus status = psf_font_parse(copy, b->size_bytes, &font);
    *glyph = NO_GLYPH;
    if (status == K_OK) {
        (void)psf_font_find(&font, character, glyph); /* NO_GLYPH stays */
    }
    free(copy);
    return status;
}

static void psf_font_embedded_terminus_has_all_of_ascii(struct ktest *t)
{
    struct psf_font font;
    const size_t size_bytes = (size_t)(font_blob_end - font_blob_start);
    KTEST_STATUS(t, psf_font_parse(font_blob_start, size_bytes, &font), K_OK);
    KTEST_EQ(t, font.width, 8);
    KTEST_EQ(t, font.height, 16);
    for (uint32_t character = ' '; character < 0x7f; character++) {
        uint32_t glyph = NO_GLYPH;
        KTEST_TRUE(t, psf_font_find(&font, character, &glyph));
        KTEST_EQ(t, glyph, character); /* Debian's fonts keep ASCII in place */
    }
    static const uint8_t letter_l[16] = { 0x00, 0x00, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
                                          0x40, 0x40, 0x40, 0x7e, 0x00, 0x00, 0x00, 0x00 };
    KTEST_TRUE(t, memcmp(psf_font_glyph(&font, 'L'), letter_l, sizeof(letter_l)) == 0);
}

static void psf_font_psf1_without_table_is_in_place(struct ktest *t)
{
    struct builder b;
    uint32_t glyph;
    start_psf1(&b, 0);
    KTEST_STATUS(t, find(&b, 'A', &glyph), K_OK);
    KTEST_EQ(t, glyph, 'A');
    KTEST_STATUS(t, find(&b, PSF1_GLYPHS, &glyph), K_OK);
    KTEST_EQ(t, glyph, NO_GLYPH);
}

static void psf_font_psf1_table_is_followed(struct ktest *t)
{
    struct builder b;
    uint32_t glyph;
    start_psf1(&b, 0x02);
    /* glyph 0: 'A', U+0391; glyph 1: 'B', and the sequence 'C' U+0301; glyph 2: U+FFFD */
    static const uint8_t table[] = { 'A', 0x00, 0x91, 0x03, 0xff, 0xff, 'B',  0x00, 0xfe, 0xff,
                                     'C', 0x00, 0x01, 0x03, 0xff, 0xff, 0xfd, 0xff, 0xff, 0xff };
    add(&b, table, sizeof(table));
    KTEST_STATUS(t, find(&b, 'A', &glyph), K_OK);
    KTEST_EQ(t, glyph, 0);
    KTEST_STATUS(t, find(&b, 0x391, &glyph), K_OK);
    KTEST_EQ(t, glyph, 0);
    KTEST_STATUS(t, find(&b, 'B', &glyph), K_OK);
    KTEST_EQ(t, glyph, 1);
    KTEST_STATUS(t, find(&b, 'C', &glyph), K_OK);
    KTEST_EQ(t, glyph, NO_GLYPH); /* only in a sequence */
    KTEST_STATUS(t, find(&b, 0xfffd, &glyph), K_OK);
    KTEST_EQ(t, glyph, 2);
    KTEST_STATUS(t, find(&b, 0xffff, &glyph), K_OK);
    KTEST_EQ(t, glyph, NO_GLYPH); /* the end mark is no character */
}

static void psf_font_psf2_glyphs_are_two_bytes_a_line(struct ktest *t)
{
    struct builder b;
    start_psf2(&b, 0);
    struct psf_font font;
    KTEST_STATUS(t, psf_font_parse(b.bytes, b.size_bytes, &font), K_OK);
    KTEST_EQ(t, font.width, 12);
    KTEST_EQ(t, font.height, 2);
    KTEST_EQ(t, font.row_bytes, 2);
    KTEST_EQ(t, font.glyph_count, 3);
    KTEST_EQ(t, psf_font_glyph(&font, 2)[0], 0x30);
}

static void psf_font_psf2_utf8_table_is_followed(struct ktest *t)
{
    struct builder b;
    uint32_t glyph;
    start_psf2(&b, 1);
    /* glyph 0: U+E9, a stray byte, 'a'; glyph 1: U+20AC, sequence of 'x'; glyph 2: U+1F600, a cut
     * character, 'b', five bytes for U+200000 */
    static const uint8_t table[] = { 0xc3, 0xa9, 0xa0, 'a',  0xff, 0xe2, 0x82, 0xac,
                                     0xfe, 'x',  0xff, 0xf0, 0x9f, 0x98, 0x80, 0xc3,
                                     'b',  0xf8, 0x88, 0x80, 0x80, 0x80, 0xff };
    add(&b, table, sizeof(table));
    const uint32_t expected[][2] = {
        { 0xe9, 0 },
        { 'a', 0 },
        { 0x20ac, 1 },
        { 'x', NO_GLYPH },
        { 0x1f600, 2 },
        { 0xa0, NO_GLYPH },
        { ' ', NO_GLYPH },
        { 'b', 2 },
        { 0xe2, NO_GLYPH },
        { 0x200000, NO_GLYPH },
        { 0xfffffffd, NO_GLYPH },
    };
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        KTEST_STATUS(t, find(&b, expected[i][0], &glyph), K_OK);
        KTEST_EQ(t, glyph, expected[i][1]);
    }
}

static void psf_font_table_with_too_many_entries_stops_at_the_last_glyph(struct ktest *t)
{
    struct builder b;
    uint32_t glyph;
    start_psf2(&b, 1);
    add(&b,
        "a\xff"
        "b\xff"
        "c\xff"
        "d\xff",
        8);
    KTEST_STATUS(t, find(&b, 'c', &glyph), K_OK);
    KTEST_EQ(t, glyph, 2);
    KTEST_STATUS(t, find(&b, 'd', &glyph), K_OK);
    KTEST_EQ(t, glyph, NO_GLYPH);
}

static void psf_font_any_other_file_is_not_supported(struct ktest *t)
{
    struct builder b = { .bytes = { 0x7f, 'E', 'L', 'F' }, .size_bytes = 64 };
    uint32_t glyph;
    KTEST_STATUS(t, find(&b, 'A', &glyph), K_ENOTSUP);
    start_psf2(&b, 0);
    b.bytes[4] = 1; /* version */
    KTEST_STATUS(t, find(&b, 'A', &glyph), K_ENOTSUP);
}

static void psf_font_header_out_of_range_is_refused(struct ktest *t)
{
    /* byte of the header, value of its word */
    static const uint32_t bad[][2] = {
        { 8, 31 },          { 8, 0xffffffff },  { 16, 0 },          { 16, 4 },
        { 16, 0xffffffff }, { 16, 0x40000001 }, { 20, 3 },          { 20, 0xffffffff },
        { 20, 5 },          { 24, 0 },          { 24, 3 },          { 24, 0xffffffff },
        { 28, 0 },          { 28, 17 },         { 28, 0xffffffff }, { 28, 65 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct builder b;
        uint32_t glyph;
        start_psf2(&b, 0);
        const size_t whole = b.size_bytes;
        b.size_bytes = bad[i][0];
        add_u32(&b, bad[i][1]);
        b.size_bytes = whole;
        KTEST_STATUS(t, find(&b, 'A', &glyph), K_EINVAL);
    }
}

static void psf_font_glyphs_of_64_pixels_are_the_largest(struct ktest *t)
{
    for (uint32_t pixels = 64; pixels <= 65; pixels++) {
        const uint32_t header[8] = { 0x864ab572, 0, 32, 0, 1, 9 * 65, pixels, pixels };
        struct builder b = { .size_bytes = 0 };
        uint32_t glyph;
        for (unsigned i = 0; i < 8; i++) {
            add_u32(&b, header[i]);
        }
        b.size_bytes += (size_t)9 * 65;
        KTEST_STATUS(t, find(&b, 0, &glyph), pixels == 64 ? K_OK : K_EINVAL);
        memcpy(b.bytes + 28, "\x01", 1); /* one pixel wide */
        KTEST_STATUS(t, find(&b, 0, &glyph), pixels == 64 ? K_OK : K_EINVAL);
    }
}

static void psf_font_cut_anywhere_is_refused(struct ktest *t)
{
    struct builder b;
    uint32_t glyph;
    start_psf2(&b, 0);
    for (size_t whole = b.size_bytes; b.size_bytes > 1 && b.size_bytes <= whole; b.size_bytes--) {
        const bool is_whole = b.size_bytes == whole;
        KTEST_TRUE(t, (find(&b, 1, &glyph) == K_OK) == is_whole);
    }
    start_psf1(&b, 0);
    b.bytes[2] = 0x01; /* 512 glyphs: there are 256 */
    KTEST_STATUS(t, find(&b, 1, &glyph), K_EINVAL);
    b.bytes[2] = 0x00;
    b.size_bytes--;
    KTEST_STATUS(t, find(&b, 1, &glyph), K_EINVAL);
    for (b.size_bytes = 3; b.size_bytes > 0; b.size_bytes--) {
        KTEST_STATUS(t, find(&b, 1, &glyph), K_ENOTSUP);
    }
}

static void psf_font_psf1_table_cut_inside_a_character_ends(struct ktest *t)
{
    struct builder b;
    uint32_t glyph;
    start_psf1(&b, 0x02);
    add(&b,
        "A\0\xff\xff"
        "B",
        5);
    KTEST_STATUS(t, find(&b, 'B', &glyph), K_OK);
    KTEST_EQ(t, glyph, NO_GLYPH);
}

static void psf_font_every_byte_changed_stays_inside(struct ktest *t)
{
    struct builder b;
    start_psf2(&b, 1);
    add(&b,
        "\xc3\xa9\xff\xfe"
        "a\xff\xf0\x9f\x98\x80",
        10);
    uint32_t accepted = 0;
    for (size_t at = 0; at < b.size_bytes; at++) {
        const uint8_t before = b.bytes[at];
        for (unsigned value = 0; value < 256; value++) {
            uint32_t glyph;
            b.bytes[at] = (uint8_t)value;
            const enum kstatus status = find(&b, 0x1f600, &glyph); /* reads all of the table */
            accepted += status == K_OK ? 1 : 0;
            KTEST_TRUE(t, glyph == NO_GLYPH || glyph < 0x10000);
        }
        b.bytes[at] = before;
    }
    KTEST_TRUE(t, accepted > 1000);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(psf_font_embedded_terminus_has_all_of_ascii),
    KTEST_CASE(psf_font_psf1_without_table_is_in_place),
    KTEST_CASE(psf_font_psf1_table_is_followed),
    KTEST_CASE(psf_font_psf2_glyphs_are_two_bytes_a_line),
    KTEST_CASE(psf_font_psf2_utf8_table_is_followed),
    KTEST_CASE(psf_font_table_with_too_many_entries_stops_at_the_last_glyph),
    KTEST_CASE(psf_font_any_other_file_is_not_supported),
    KTEST_CASE(psf_font_header_out_of_range_is_refused),
    KTEST_CASE(psf_font_glyphs_of_64_pixels_are_the_largest),
    KTEST_CASE(psf_font_cut_anywhere_is_refused),
    KTEST_CASE(psf_font_psf1_table_cut_inside_a_character_ends),
    KTEST_CASE(psf_font_every_byte_changed_stays_inside),
};
KTEST_SUITE(dev_psf_font, "dev.psf_font", cases);
