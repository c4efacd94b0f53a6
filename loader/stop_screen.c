/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See stop_screen.h. The font is the one inside the kernel image (kernel_blob.S).
 */
#include "stop_screen.h"

#include <arch/cpu.h>
#include <arch/physmap.h>

#include "mm/page_walk.h"

extern const uint8_t font_blob_start[];
extern const uint8_t font_blob_end[];

size_t stop_screen_plan(struct stop_screen *screen, const struct bootinfo_framebuffer *info)
{
    const size_t font_bytes = (uintptr_t)font_blob_end - (uintptr_t)font_blob_start;
    const bool fits = text_display_plan(info, font_blob_start, font_bytes, &screen->plan) == K_OK;
    return fits ? screen->plan.cells_bytes : 0;
}

bool stop_screen_is_mapped(const struct stop_screen *screen)
{
    const phys_addr_t root = phys_addr(x86_read_cr3() & ENTRY_ADDRESS_MASK);
    const uint64_t end = screen->plan.span.base.value + screen->plan.span.size_bytes;
    uint64_t at = screen->plan.span.base.value;
    while (at < end) {
        struct page_path path;
        struct page_leaf leaf;
        if (page_walk_path(root, virt_addr(at), &path) != K_OK ||
            page_walk_leaf(&path, &leaf) != K_OK || leaf.phys.value != leaf.virt.value ||
            !leaf.flags.write) {
            return false;
        }
        at = leaf.virt.value + page_level_size(leaf.level);
    }
    return true;
}

void stop_screen_set_memory(struct stop_screen *screen, phys_addr_t cells)
{
    screen->cells = cells;
    screen->is_ready = true;
}

static volatile uint32_t *pixels_of(const struct stop_screen *screen)
{
    const struct framebuffer_span *const span = &screen->plan.span;
    uint8_t *const first = physmap_ptr(span->base, span->size_bytes);
    return (volatile uint32_t *)(void *)(first + span->offset_bytes); /* a multiple of 4 */
}

void stop_screen_open(struct stop_screen *screen, const struct bootinfo_framebuffer *info)
{
    if (!screen->is_ready || screen->is_open) {
        return;
    }
    text_display_open(&screen->display, info, &screen->plan, pixels_of(screen),
                      physmap_ptr(screen->cells, screen->plan.cells_bytes));
    screen->is_open = true;
}

void stop_screen_write(struct stop_screen *screen, const char *text, size_t size_bytes)
{
    if (!screen->is_open) {
        return;
    }
    screen->display.framebuffer.pixels = pixels_of(screen);
    screen->display.text.cells = physmap_ptr(screen->cells, screen->plan.cells_bytes);
    text_display_write(&screen->display, text, size_bytes);
}
