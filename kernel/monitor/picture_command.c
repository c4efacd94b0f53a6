/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See picture_command.h. No state.
 */
#include "monitor/picture_command.h"

#include <stdbool.h>
#include <stddef.h>

#include "shared/multiboot2_mmap.h"

#include "console.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_init.h"
#include "monitor/arguments.h"
#include "monitor/command.h"

#define BAR_COLUMNS 40U

/* In order of rank: of two classes with equally many bytes in a cell the first is shown. */
static const struct picture_kind {
    char letter;
    uint8_t colour; /* of the background, SGR 40..47; 0: none */
    const char *name;
} kinds[] = {
    { 'K', 44, "kernel" }, { 'B', 41, "bad" },      { 'D', 41, "dropped" },
    { 'N', 43, "NVS" },    { 'A', 43, "ACPI" },     { 'L', 46, "low" },
    { 'l', 46, "loader" }, { 'r', 45, "reserved" }, { '.', 42, "usable" },
};

#define KIND_COUNT ARRAY_COUNT(kinds)

/* Index in kinds[]. */
static size_t kind_of(uint32_t type, uint32_t reason)
{
    switch (type) {
    case MMAP_KERNEL:
        return 0;
    case MMAP_BAD_RAM:
        return 1;
    case MMAP_ACPI_NVS:
        return 3;
    case MMAP_ACPI_RECLAIMABLE:
        return 4;
    case MMAP_LOW:
        return 5;
    case MMAP_LOADER:
        return 6;
    case MMAP_AVAILABLE:
        return 8;
    default:
        return reason == MMAP_REASON_DROPPED ? 2 : 7;
    }
}

uint64_t picture_cell_bytes(const struct memory_map *map)
{
    const uint64_t cells = (uint64_t)PICTURE_COLUMNS * PICTURE_ROWS;
    uint64_t end = 0;
    if (map->ram_count > 0) {
        const struct bootinfo_ram_range *const last = &map->ram[map->ram_count - 1];
        end = last->base + last->size;
    }
    return bits_align_down(end / cells, PAGE_SIZE) + PAGE_SIZE;
}

char picture_class(const struct memory_map *map, uint64_t base, uint64_t size_bytes)
{
    uint64_t bytes[KIND_COUNT] = { 0 };
    for (uint32_t i = 0; i < map->count; i++) {
        const struct multiboot2_mmap_entry *const e = &map->entries[i];
        const uint64_t start = bits_max(e->address, base);
        const uint64_t end = bits_min(e->address + e->length, base + size_bytes);
        if (start < end) {
            bytes[kind_of(e->type, map->reasons[i])] += end - start;
        }
    }
    size_t most = 0;
    for (size_t i = 1; i < KIND_COUNT; i++) {
        most = bytes[i] > bytes[most] ? i : most;
    }
    if (bytes[most] == 0) {
        return ' ';
    }
    return kinds[most].letter;
}

static uint8_t colour_of(char letter)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].letter == letter) {
            return kinds[i].colour;
        }
    }
    return 0;
}

static void set_colour(uint8_t colour, bool plain)
{
    if (!plain) {
        console_printf("\x1b[%um", (unsigned)colour); /* 0 ends all colours */
    }
}

static void draw_row(const struct memory_map *map, uint64_t base, uint64_t cell_bytes, bool plain)
{
    uint8_t colour = 0;
    console_printf("%12" FMTx64 " ", base);
    for (unsigned i = 0; i < PICTURE_COLUMNS; i++) {
        const char letter = picture_class(map, base + i * cell_bytes, cell_bytes);
        if (colour_of(letter) != colour) {
            set_colour(0, plain || colour == 0);
            colour = colour_of(letter);
            set_colour(colour, plain || colour == 0);
        }
        console_printf("%c", letter);
    }
    set_colour(0, plain || colour == 0);
    console_printf("\n");
}

static void draw_map(bool plain)
{
    const struct memory_map map = mm_memory_map();
    const uint64_t cell_bytes = picture_cell_bytes(&map);
    for (unsigned row = 0; row < PICTURE_ROWS && !monitor_interrupted(); row++) {
        draw_row(&map, (uint64_t)row * PICTURE_COLUMNS * cell_bytes, cell_bytes, plain);
    }
    console_printf("a cell is %" FMTu64 " KiB;\n", cell_bytes / 1024);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        console_printf("%s%c %s", i > 0 ? "  " : "", kinds[i].letter, kinds[i].name);
    }
    console_printf("\n");
}

/* ---- fragmentation -----------------------------------------------------------------------------
 */

static void draw_bar(uint64_t part, uint64_t all, bool plain)
{
    const uint64_t columns = all == 0 ? 0 : (part * BAR_COLUMNS + all / 2) / all;
    set_colour(42, plain || columns == 0);
    for (uint64_t i = 0; i < columns; i++) {
        console_printf(plain ? "#" : " ");
    }
    set_colour(0, plain || columns == 0);
}

static void draw_fragmentation(bool plain)
{
    struct buddy_allocator *const buddy = locked_frame_allocator_inner();
    if (buddy == NULL) {
        return;
    }
    const struct buddy_statistics s = buddy_statistics(buddy);
    console_printf("free memory by size of its blocks:\n");
    for (unsigned order = 0; order < BUDDY_ORDER_COUNT; order++) {
        const uint64_t frames = s.free_blocks[order] << order;
        console_printf("%9" FMTu64 " KiB %6" FMTu64 " blocks %3" FMTu64 " %% ", BIT(order) * 4,
                       s.free_blocks[order], s.free_frames == 0 ? 0 : frames * 100 / s.free_frames);
        draw_bar(frames, s.free_frames, plain);
        console_printf("\n");
    }
}

void picture_command(const char *argument)
{
    const bool plain = argument_take(&argument, "plain");
    if (!argument_is_end(argument)) {
        monitor_usage("picture");
        return;
    }
    draw_map(plain);
    draw_fragmentation(plain);
}
