/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See text_display.h. Stateless.
 */
#include "dev/text_display.h"

enum kstatus text_display_plan(const struct bootinfo_framebuffer *info, const void *font_bytes,
                               size_t font_size_bytes, struct text_display_plan *plan)
{
    enum kstatus status = framebuffer_locate(info, &plan->span);
    if (status == K_OK) {
        status = psf_font_parse(font_bytes, font_size_bytes, &plan->font);
    }
    if (status == K_OK) {
        status = text_screen_fit(info->width, info->height, plan->font.width, plan->font.height,
                                 &plan->size);
    }
    if (status == K_OK) {
        plan->cells_bytes = text_screen_cells_bytes(&plan->size);
    }
    return status;
}

static void choose_glyphs(struct text_display *display)
{
    uint32_t replacement = 0; /* without either of these: glyph 0, which every font has */
    if (!psf_font_find(&display->font, 0xfffd, &replacement)) {
        (void)psf_font_find(&display->font, '?', &replacement);
    }
    for (uint32_t i = 0; i < TEXT_DISPLAY_CHARACTERS; i++) {
        display->glyphs[i] = replacement;
        if (i >= ' ' && i < 0x7f) {
            /* Where it fails the replacement stays. */
            (void)psf_font_find(&display->font, i, &display->glyphs[i]);
        }
    }
}

static void draw_cell(void *context, uint32_t column, uint32_t row, uint8_t character)
{
    const struct text_display *const display = context;
    const struct framebuffer_spot spot = {
        .x = column * display->font.width * display->scale,
        .y = row * display->font.height * display->scale,
        .scale = display->scale,
    };
    framebuffer_draw_glyph(&display->framebuffer, spot, &display->font, display->glyphs[character]);
}

void text_display_open(struct text_display *display, const struct bootinfo_framebuffer *info,
                       const struct text_display_plan *plan, volatile uint32_t *pixels,
                       uint8_t *cells)
{
    display->framebuffer = framebuffer_open(info, pixels);
    display->font = plan->font;
    display->scale = plan->size.scale;
    text_screen_init(&display->text, &plan->size, cells, draw_cell, display);
    choose_glyphs(display);
    framebuffer_clear(&display->framebuffer);
}

void text_display_write(struct text_display *display, const char *text, size_t size_bytes)
{
    text_screen_write(&display->text, text, size_bytes);
}
