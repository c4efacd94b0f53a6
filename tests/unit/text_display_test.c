/* SPDX-License-Identifier: GPL-2.0-only
 *
 * dev/text_display: what is refused before anything is taken, and that text becomes the glyphs of
 * the font in their cells. What the parts do has tests of its own.
 */
#include "dev/text_display.h"

#include <stdlib.h>
#include <string.h>

#include "lib/compiler.h"
#include "tests/ktest.h"

#define WIDTH     20U
#define HEIGHT    10U
#define PITCH     23U
#define INK       0xc8c8c8U
#define UNTOUCHED 0xdeadbeefU

/* PSF1, 256 glyphs of 8 x 4 pixels without a table: every line of glyph n is the byte n. */
#define FONT_BYTES (4U + 256U * 4U)

static uint8_t font[FONT_BYTES];

static void make_font(void)
{
    static const uint8_t header[] = { 0x36, 0x04, 0, 4 };
    memcpy(font, header, sizeof(header));
    for (size_t i = sizeof(header); i < FONT_BYTES; i++) {
        font[i] = (uint8_t)((i - sizeof(header)) / 4);
    }
}

static struct bootinfo_framebuffer good(void)
{
    make_font();
    return (struct bootinfo_framebuffer){ .base = 0xc0000004,
                                          .size = UINT64_C(4) * PITCH * HEIGHT,
                                          .width = WIDTH,
                                          .height = HEIGHT,
                                          .pitch = PITCH,
                                          .format = BOOTINFO_PIXEL_RGB };
}

static void text_display_plan_says_what_is_needed(struct ktest *t)
{
    const struct bootinfo_framebuffer info = good();
    struct text_display_plan plan;
    KTEST_STATUS(t, text_display_plan(&info, font, FONT_BYTES, &plan), K_OK);
    KTEST_EQ(t, plan.span.base.value, 0xc0000000);
    KTEST_EQ(t, plan.span.offset_bytes, 4);
    KTEST_EQ(t, plan.size.columns, 2);
    KTEST_EQ(t, plan.size.rows, 2);
    KTEST_EQ(t, plan.cells_bytes, 8);
}

static void text_display_plan_refuses_what_cannot_be_shown(struct ktest *t)
{
    struct text_display_plan plan;
    struct bootinfo_framebuffer info = good();
    info.format = BOOTINFO_PIXEL_NONE;
    KTEST_STATUS(t, text_display_plan(&info, font, FONT_BYTES, &plan), K_ENOENT);
    info = good();
    KTEST_STATUS(t, text_display_plan(&info, "no font", 7, &plan), K_ENOTSUP);
    info.height = 3; /* lower than a character */
    KTEST_STATUS(t, text_display_plan(&info, font, FONT_BYTES, &plan), K_ERANGE);
}

/* The first line of the cell in @p column and @p row, leftmost pixel in bit 7. */
static uint32_t cell(const uint32_t *pixels, uint32_t column, uint32_t row)
{
    uint32_t bits = 0;
    for (uint32_t x = 0; x < 8; x++) {
        bits = bits << 1 | (pixels[row * 4 * PITCH + column * 8 + x] == INK ? 1 : 0);
    }
    return bits;
}

static void text_display_draws_each_character_in_its_cell(struct ktest *t)
{
    static uint32_t pixels[PITCH * HEIGHT];
    const struct bootinfo_framebuffer info = good();
    struct text_display_plan plan;
    struct text_display display;
    uint8_t cells[8];
    for (size_t i = 0; i < ARRAY_COUNT(pixels); i++) {
        pixels[i] = UNTOUCHED;
    }
    KTEST_STATUS(t, text_display_plan(&info, font, FONT_BYTES, &plan), K_OK);
    text_display_open(&display, &info, &plan, pixels, cells);
    KTEST_EQ(t, pixels[PITCH * HEIGHT - 1 - (PITCH - WIDTH)], 0); /* the last one is paper */
    text_display_write(&display, "aB\nc\xff", 5);
    KTEST_EQ(t, cell(pixels, 0, 0), 'a');
    KTEST_EQ(t, cell(pixels, 1, 0), 'B');
    KTEST_EQ(t, cell(pixels, 0, 1), 'c');
    KTEST_EQ(t, cell(pixels, 1, 1), '?'); /* no ASCII, and the font has no U+FFFD */
    KTEST_EQ(t, pixels[WIDTH], UNTOUCHED);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(text_display_plan_says_what_is_needed),
    KTEST_CASE(text_display_plan_refuses_what_cannot_be_shown),
    KTEST_CASE(text_display_draws_each_character_in_its_cell),
};

KTEST_SUITE(text_display, "dev.text_display", cases);
