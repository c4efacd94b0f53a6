/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The glass of the scripted firmware's screen (fake_efi_internal.h): its pixels in the fake RAM,
 * and what a person would read there. Glyphs are recognised by the font's bytes alone (a PSF1 font
 * whose ASCII stands in its place, as Debian's are), not by the units under test.
 */
#include <string.h>

#include <arch/physmap.h>

#include "mm/addr.h"
#include "tests/fake/efi/fake_efi_internal.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_ram.h"

#define FONT_HEADER_BYTES 4U
#define GLYPH_WIDTH       8U
#define GLYPH_HEIGHT      16U
#define COLUMNS           (FAKE_EFI_SCREEN_WIDTH / GLYPH_WIDTH)
#define ROWS              (FAKE_EFI_SCREEN_HEIGHT / GLYPH_HEIGHT)
#define UNTOUCHED_BYTE    0x5a
#define UNTOUCHED_PIXEL   0x5a5a5a5aU
#define PRESENT_WRITABLE  UINT64_C(3)
#define LEAF              UINT64_C(0x80)
#define SHIFT_1G          30U
#define INK_PIXEL         0x00c8c8c8U /* the same in RGB and BGR */

extern const uint8_t font_blob_start[];

static const uint32_t *pixels(void)
{
    return physmap_ptr(phys_addr(FAKE_EFI_SCREEN_BASE), FAKE_EFI_SCREEN_BYTES);
}

/* A top-level table, and one of leaves of 1 GiB (SDM vol 3A, "4-Level Paging"). */
static void make_tables(bool screen_is_mapped)
{
    fake_ram_add(FAKE_EFI_TABLES, 2 * PAGE_SIZE);
    uint64_t *const root = physmap_ptr(phys_addr(FAKE_EFI_TABLES), 2 * PAGE_SIZE);
    root[0] = (FAKE_EFI_TABLES + PAGE_SIZE) | PRESENT_WRITABLE;
    for (uint64_t i = 0; i < PAGE_ENTRY_COUNT; i++) {
        root[PAGE_ENTRY_COUNT + i] = i << SHIFT_1G | LEAF | PRESENT_WRITABLE;
    }
    if (!screen_is_mapped) {
        root[PAGE_ENTRY_COUNT + (FAKE_EFI_SCREEN_BASE >> SHIFT_1G)] = 0;
    }
    if (fake_cpu.cr3 == 0) {
        fake_cpu.cr3 = FAKE_EFI_TABLES;
    }
}

void fake_efi_screen_start(enum fake_efi_screen screen)
{
    fake_ram_add(FAKE_EFI_SCREEN_BASE, FAKE_EFI_SCREEN_BYTES);
    fake_ram_fill(FAKE_EFI_SCREEN_BASE, FAKE_EFI_SCREEN_BYTES, UNTOUCHED_BYTE);
    make_tables(screen != FAKE_EFI_SCREEN_UNMAPPED);
}

/* Line @p line of the cell, leftmost pixel in bit 7; -1 where a pixel is neither ink nor paper. */
static int cell_line(uint32_t column, uint32_t y)
{
    const uint32_t *const at = pixels() + (size_t)y * FAKE_EFI_SCREEN_WIDTH + column * GLYPH_WIDTH;
    int bits = 0;
    for (uint32_t x = 0; x < GLYPH_WIDTH; x++) {
        if (at[x] != INK_PIXEL && at[x] != 0) {
            return -1;
        }
        bits = bits << 1 | (at[x] != 0 ? 1 : 0);
    }
    return bits;
}

static bool cell_is(uint32_t column, uint32_t row, char character)
{
    const uint8_t *const glyph =
        font_blob_start + FONT_HEADER_BYTES + (size_t)(uint8_t)character * GLYPH_HEIGHT;
    for (uint32_t line = 0; line < GLYPH_HEIGHT; line++) {
        if (cell_line(column, row * GLYPH_HEIGHT + line) != glyph[line]) {
            return false;
        }
    }
    return true;
}

static char read_cell(uint32_t column, uint32_t row)
{
    for (char character = ' '; character < 0x7f; character++) {
        if (cell_is(column, row, character)) {
            return character;
        }
    }
    return '\1'; /* not a character that anybody prints */
}

static bool is_touched(void)
{
    const uint32_t *const all = pixels();
    for (size_t i = 0; i < FAKE_EFI_SCREEN_BYTES / sizeof(*all); i++) {
        if (all[i] != UNTOUCHED_PIXEL) {
            return true;
        }
    }
    return false;
}

void fake_efi_screen_finish(void)
{
    fake_efi.screen_is_touched = is_touched();
    if (!fake_efi.screen_is_touched) {
        return;
    }
    char *out = fake_efi.screen;
    for (uint32_t row = 0; row < ROWS; row++) {
        for (uint32_t column = 0; column < COLUMNS; column++) {
            *out++ = read_cell(column, row);
        }
        while (out > fake_efi.screen && out[-1] == ' ') {
            out--; /* blanks at the end */
        }
        *out++ = '\n';
    }
    *out = '\0';
}
