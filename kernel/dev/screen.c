/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See screen.h. Failure plan: screen_init() undoes what it did in reverse order; a machine without
 * a screen boots as if it had never been looked for.
 */
#include "dev/screen.h"

#include <arch/physmap.h>

#include "dev/framebuffer.h"
#include "dev/psf_font.h"
#include "dev/text_screen.h"
#include "mm/locked_frame_allocator.h"
#include "mm/memory_map.h"
#include "mm/mm_init.h"
#include "mm/mmio_pool.h"
#include "panic.h"
#include "printk.h"
#include "printk_control.h"

extern const uint8_t font_blob_start[] __attribute__((visibility("hidden")));
extern const uint8_t font_blob_end[] __attribute__((visibility("hidden")));

#define CHARACTER_COUNT 256U

struct screen {
    bool is_up;
    bool is_writing;
    struct mmio_guard mapping;
    struct framebuffer framebuffer;
    struct psf_font font;
    struct text_screen text;
    uint32_t scale;
    phys_addr_t cells; /* the frames of `text` */
    uint64_t cells_bytes;
    uint32_t glyphs[CHARACTER_COUNT]; /* of each byte */
};

static struct screen screen;

/* ---- font --------------------------------------------------------------------------------------
 */

/* Bytes that are not ASCII have no meaning without an encoding: they show as the replacement
 * character, as does what the font lacks. */
static void choose_glyphs(void)
{
    uint32_t replacement = 0; /* without either of these: glyph 0, which every font has */
    if (!psf_font_find(&screen.font, 0xfffd, &replacement)) {
        (void)psf_font_find(&screen.font, '?', &replacement);
    }
    for (uint32_t i = 0; i < CHARACTER_COUNT; i++) {
        screen.glyphs[i] = replacement;
        if (i >= ' ' && i < 0x7f) {
            (void)psf_font_find(&screen.font, i, &screen.glyphs[i]); /* the replacement stays */
        }
    }
}

/* ---- drawing -----------------------------------------------------------------------------------
 */

static void draw_cell(void *context, uint32_t column, uint32_t row, uint8_t character)
{
    (void)context;
    const struct framebuffer_spot spot = {
        .x = column * screen.font.width * screen.scale,
        .y = row * screen.font.height * screen.scale,
        .scale = screen.scale,
    };
    framebuffer_draw_glyph(&screen.framebuffer, spot, &screen.font, screen.glyphs[character]);
}

void screen_write(const char *text, size_t size_bytes)
{
    if (!screen.is_up || screen.is_writing) {
        return;
    }
    screen.is_writing = true;
    screen.text.cells = physmap_ptr(screen.cells, screen.cells_bytes);
    text_screen_write(&screen.text, text, size_bytes);
    screen.is_writing = false;
}

bool screen_is_up(void)
{
    return screen.is_up;
}

/* ---- set-up ------------------------------------------------------------------------------------
 */

/* Whether a byte of `span` is in the direct map: the loader pins a framebuffer in RAM, so that
 * these bytes would be somebody else's. */
static bool is_in_direct_map(const struct framebuffer_span *span)
{
    const struct memory_map map = mm_memory_map();
    const uint64_t end = span->base.value + span->size_bytes;
    for (uint32_t i = 0; i < map.count; i++) {
        const struct multiboot2_mmap_entry *const entry = &map.entries[i];
        if (memory_map_type_is_mapped(entry->type) && entry->address < end &&
            entry->address + entry->length > span->base.value) {
            return true;
        }
    }
    return false;
}

/* Undoes what was done a moment ago, with nobody holding the kernel mapper: it cannot fail. */
static void drop_mapping(void)
{
    BUG_ON(mmio_guard_release(&screen.mapping) != K_OK);
}

static enum kstatus map_framebuffer(const struct bootinfo_framebuffer *info,
                                    const struct framebuffer_span *span)
{
    if (is_in_direct_map(span)) {
        return K_EFAULT;
    }
    enum kstatus status = create_mmio(span->size_bytes, &screen.mapping);
    if (status != K_OK) {
        return status;
    }
    status = mmio_guard_map_phys(&screen.mapping, span->base, span->size_bytes,
                                 PAGE_CACHE_WRITE_COMBINING);
    if (status != K_OK) {
        drop_mapping();
        return status;
    }
    const virt_addr_t first = virt_add(screen.mapping.virt, span->offset_bytes);
    screen.framebuffer = framebuffer_open(info, (volatile uint32_t *)(uintptr_t)first.value);
    return K_OK;
}

static enum kstatus make_cells(const struct text_screen_size *size)
{
    screen.cells_bytes = text_screen_cells_bytes(size);
    const uint64_t frames = bits_align_up(screen.cells_bytes, PAGE_SIZE) / PAGE_SIZE;
    const enum kstatus status =
        allocate_page_frames(page_frame_count(BIT(bits_log2_ceil(frames))), &screen.cells);
    if (status == K_OK) {
        screen.scale = size->scale;
        text_screen_init(&screen.text, size, physmap_ptr(screen.cells, screen.cells_bytes),
                         draw_cell, NULL);
    }
    return status;
}

/* All that can be refused before anything is taken. */
static enum kstatus plan(const struct bootinfo_framebuffer *info, struct framebuffer_span *span,
                         struct text_screen_size *size)
{
    enum kstatus status = framebuffer_locate(info, span);
    if (status != K_OK) {
        return status;
    }
    const size_t font_bytes = (uintptr_t)font_blob_end - (uintptr_t)font_blob_start;
    status = psf_font_parse(font_blob_start, font_bytes, &screen.font);
    if (status != K_OK) {
        return status;
    }
    return text_screen_fit(info->width, info->height, screen.font.width, screen.font.height, size);
}

enum kstatus screen_init(const struct bootinfo_framebuffer *info)
{
    BUG_ON(screen.is_up);
    struct framebuffer_span span;
    struct text_screen_size size;
    enum kstatus status = plan(info, &span, &size);
    if (status != K_OK) {
        return status;
    }
    status = map_framebuffer(info, &span);
    if (status != K_OK) {
        return status;
    }
    status = make_cells(&size);
    if (status != K_OK) {
        drop_mapping();
        return status;
    }
    choose_glyphs();
    framebuffer_clear(&screen.framebuffer);
    screen.is_up = true;
    printk_replay(screen_write);
    pr_info("screen: %ux%u pixels at " PRIphys ", %ux%u characters, scale %u", info->width,
            info->height, info->base, size.columns, size.rows, size.scale);
    return K_OK;
}
