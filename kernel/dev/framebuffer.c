/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See framebuffer.h. Stateless.
 */
#include "dev/framebuffer.h"

#include "mm/mmio_pool.h"

#define PIXEL_BYTES 4U
#define INK_RGB     0xc8c8c8U
#define PAPER_RGB   0x000000U

/* ---- description -------------------------------------------------------------------------------
 */

struct masks {
    uint32_t red;
    uint32_t green;
    uint32_t blue;
    uint32_t reserved;
};

/* Masks of the format, which counts more than the mask fields. All 0: no framebuffer. */
static struct masks masks_of(const struct bootinfo_framebuffer *info)
{
    switch (info->format) {
    case BOOTINFO_PIXEL_RGB:
        return (struct masks){ 0x0000ff, 0x00ff00, 0xff0000, 0xff000000 };
    case BOOTINFO_PIXEL_BGR:
        return (struct masks){ 0xff0000, 0x00ff00, 0x0000ff, 0xff000000 };
    case BOOTINFO_PIXEL_MASKS:
        return (struct masks){ info->red_mask, info->green_mask, info->blue_mask,
                               info->reserved_mask };
    default:
        return (struct masks){ 0 };
    }
}

/* One run of bits, or none. */
static bool is_run(uint32_t mask)
{
    return mask == 0 || bits_is_power_of_two((uint64_t)(mask >> bits_lowest(mask)) + 1);
}

static enum kstatus check_masks(const struct bootinfo_framebuffer *info)
{
    const struct masks masks = masks_of(info);
    const uint32_t colours = masks.red | masks.green | masks.blue;
    const uint32_t all = colours | masks.reserved;
    if (all == 0) {
        return K_ENOENT;
    }
    /* A pixel has as many bytes as the highest bit needs (UEFI 2.10, 12.9.2). */
    if (all < BIT(24) || colours == 0) {
        return K_ENOTSUP;
    }
    return is_run(masks.red) && is_run(masks.green) && is_run(masks.blue) ? K_OK : K_ENOTSUP;
}

enum kstatus framebuffer_locate(const struct bootinfo_framebuffer *info,
                                struct framebuffer_span *span)
{
    const enum kstatus status = check_masks(info);
    if (status != K_OK) {
        return status;
    }
    uint64_t size_bytes; /* pitch * height needs up to 64 bits by itself */
    if (__builtin_mul_overflow((uint64_t)info->pitch * info->height, PIXEL_BYTES, &size_bytes) ||
        info->width == 0 || info->height == 0 || info->pitch < info->width ||
        size_bytes > info->size || !bits_is_aligned(info->base, PIXEL_BYTES)) {
        return K_EINVAL;
    }
    uint64_t end;
    if (info->base == 0 || __builtin_add_overflow(info->base, size_bytes, &end) ||
        !bits_align_up_checked(end, PAGE_SIZE, &end)) {
        return K_EINVAL;
    }
    const uint64_t base = bits_align_down(info->base, PAGE_SIZE);
    if (end - base > MMIO_BLOCK_MAX) {
        return K_ERANGE;
    }
    *span = (struct framebuffer_span){
        .base = phys_addr(base),
        .size_bytes = end - base,
        .offset_bytes = info->base - base,
    };
    return K_OK;
}

/* ---- colours -----------------------------------------------------------------------------------
 */

/* `value` of 0..255 in the bits of `mask`, all of them set for 255. */
static uint32_t channel(uint32_t mask, uint32_t value)
{
    if (mask == 0) {
        return 0;
    }
    const unsigned shift = bits_lowest(mask);
    const uint64_t most = mask >> shift;
    const uint64_t scaled = value * most / 255; /* at most `most` */
    return (uint32_t)(scaled << shift) & mask;
}

uint32_t framebuffer_colour(const struct bootinfo_framebuffer *info, uint32_t rgb)
{
    const struct masks masks = masks_of(info);
    return channel(masks.red, rgb >> 16 & 0xff) | channel(masks.green, rgb >> 8 & 0xff) |
           channel(masks.blue, rgb & 0xff);
}

struct framebuffer framebuffer_open(const struct bootinfo_framebuffer *info,
                                    volatile uint32_t *pixels)
{
    return (struct framebuffer){
        .pixels = pixels,
        .width = info->width,
        .height = info->height,
        .pitch = info->pitch,
        .ink = framebuffer_colour(info, INK_RGB),
        .paper = framebuffer_colour(info, PAPER_RGB),
    };
}

/* ---- drawing -----------------------------------------------------------------------------------
 */

static volatile uint32_t *line_at(const struct framebuffer *framebuffer, uint32_t y)
{
    return framebuffer->pixels + (uint64_t)y * framebuffer->pitch;
}

void framebuffer_clear(const struct framebuffer *framebuffer)
{
    const uint32_t paper = framebuffer->paper; /* a copy: loaded once, not for each pixel */
    for (uint32_t y = 0; y < framebuffer->height; y++) {
        volatile uint32_t *out = line_at(framebuffer, y);
        const volatile uint32_t *const end = out + framebuffer->width;
        while (out < end) {
            *out++ = paper;
        }
    }
}

/* One line of a glyph, each pixel `scale` times. */
static void draw_line(const struct framebuffer *framebuffer, volatile uint32_t *out,
                      const uint8_t *bits, uint32_t width, uint32_t scale)
{
    const uint32_t ink = framebuffer->ink;
    const uint32_t paper = framebuffer->paper;
    for (uint32_t x = 0; x < width; x++) {
        const uint32_t value = (bits[x / 8] << (x % 8) & 0x80) != 0 ? ink : paper;
        for (uint32_t i = 0; i < scale; i++) {
            *out++ = value;
        }
    }
}

void framebuffer_draw_glyph(const struct framebuffer *framebuffer, struct framebuffer_spot spot,
                            const struct psf_font *font, uint32_t glyph)
{
    if (spot.x + (uint64_t)font->width * spot.scale > framebuffer->width ||
        spot.y + (uint64_t)font->height * spot.scale > framebuffer->height) {
        return;
    }
    const uint8_t *const rows = psf_font_glyph(font, glyph);
    for (uint32_t line = 0; line < font->height * spot.scale; line++) {
        draw_line(framebuffer, line_at(framebuffer, spot.y + line) + spot.x,
                  rows + (size_t)(line / spot.scale) * font->row_bytes, font->width, spot.scale);
    }
}
