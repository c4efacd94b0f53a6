/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See screen.h. Failure plan: screen_init() undoes what it did in reverse order; a machine without
 * a screen boots as if it had never been looked for.
 */
#include "dev/screen.h"

#include <arch/physmap.h>

#include "dev/text_display.h"
#include "mm/locked_frame_allocator.h"
#include "mm/memory_map.h"
#include "mm/mm_init.h"
#include "mm/mmio_pool.h"
#include "panic.h"
#include "printk.h"

extern const uint8_t font_blob_start[] __attribute__((visibility("hidden")));
extern const uint8_t font_blob_end[] __attribute__((visibility("hidden")));

struct screen {
    bool is_up;
    bool is_writing;
    struct mmio_guard mapping;
    struct text_display display;
    phys_addr_t cells; /* the frames of its characters */
    uint64_t cells_bytes;
};

static struct screen screen;

void screen_write(const char *text, size_t size_bytes)
{
    if (!screen.is_up || screen.is_writing) {
        return;
    }
    screen.is_writing = true;
    screen.display.text.cells = physmap_ptr(screen.cells, screen.cells_bytes);
    text_display_write(&screen.display, text, size_bytes);
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

static enum kstatus map_framebuffer(const struct framebuffer_span *span)
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
    }
    return status;
}

static enum kstatus allocate_cells(size_t size_bytes)
{
    screen.cells_bytes = size_bytes;
    const uint64_t frames = bits_align_up(size_bytes, PAGE_SIZE) / PAGE_SIZE;
    return allocate_page_frames(page_frame_count(BIT(bits_log2_ceil(frames))), &screen.cells);
}

static enum kstatus take(const struct text_display_plan *plan)
{
    enum kstatus status = map_framebuffer(&plan->span);
    if (status != K_OK) {
        return status;
    }
    status = allocate_cells(plan->cells_bytes);
    if (status != K_OK) {
        drop_mapping();
    }
    return status;
}

enum kstatus screen_init(const struct bootinfo_framebuffer *info)
{
    BUG_ON(screen.is_up);
    struct text_display_plan plan;
    const size_t font_bytes = (uintptr_t)font_blob_end - (uintptr_t)font_blob_start;
    enum kstatus status = text_display_plan(info, font_blob_start, font_bytes, &plan);
    if (status == K_OK) {
        status = take(&plan);
    }
    if (status != K_OK) {
        return status;
    }
    const virt_addr_t pixels = virt_add(screen.mapping.virt, plan.span.offset_bytes);
    text_display_open(&screen.display, info, &plan, (volatile uint32_t *)(uintptr_t)pixels.value,
                      physmap_ptr(screen.cells, screen.cells_bytes));
    screen.is_up = true;
    pr_info("screen: %ux%u pixels at " PRIphys ", %ux%u characters, scale %u", info->width,
            info->height, info->base, plan.size.columns, plan.size.rows, plan.size.scale);
    return K_OK;
}
