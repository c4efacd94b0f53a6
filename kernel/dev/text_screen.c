/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See text_screen.h. Stateless.
 */
#include "dev/text_screen.h"

#include <stdbool.h>

#include "lib/bits.h"
#include "lib/string.h"

#define BLANK       ((uint8_t)' ')
#define TAB_COLUMNS 8U
#define ESC         0x1bU

enum {
    ESCAPE_NONE,
    ESCAPE_START,
    ESCAPE_CONTROL
};

enum kstatus text_screen_fit(uint32_t width, uint32_t height, uint32_t glyph_width,
                             uint32_t glyph_height, struct text_screen_size *size)
{
    /* The first scale with fewer than MAX + 1 columns: width < scale * glyph_width * (MAX + 1). */
    const uint64_t too_wide = (uint64_t)glyph_width * (TEXT_SCREEN_MAX_COLUMNS + 1);
    const uint64_t scale = width / too_wide + 1; /* at most 2^32 / 201 + 1 */
    const uint64_t columns = width / (glyph_width * scale);
    const uint64_t rows = bits_min(height / (glyph_height * scale), TEXT_SCREEN_MAX_ROWS);
    if (columns == 0 || rows == 0) {
        return K_ERANGE;
    }
    *size = (struct text_screen_size){
        .columns = (uint32_t)columns,
        .rows = (uint32_t)rows,
        .scale = (uint32_t)scale,
    };
    return K_OK;
}

size_t text_screen_cells_bytes(const struct text_screen_size *size)
{
    return (size_t)2 * size->columns * size->rows;
}

/* A row on the glass, in the ring. */
static uint8_t *wanted_row(const struct text_screen *screen, uint32_t row)
{
    return screen->cells + (size_t)((screen->top + row) % screen->rows) * screen->columns;
}

static uint8_t *shown_row(const struct text_screen *screen, uint32_t row)
{
    return screen->cells + (size_t)(screen->rows + row) * screen->columns;
}

void text_screen_init(struct text_screen *screen, const struct text_screen_size *size,
                      uint8_t *cells, text_screen_draw draw, void *context)
{
    *screen = (struct text_screen){
        .cells = cells,
        .columns = size->columns,
        .rows = size->rows,
        .changed_start = size->rows,
        .draw = draw,
        .context = context,
    };
    memset(cells, BLANK, text_screen_cells_bytes(size));
}

/* ---- what is wanted ----------------------------------------------------------------------------
 */

static void note_change(struct text_screen *screen, uint32_t start, uint32_t end)
{
    screen->changed_start = (uint32_t)bits_min(screen->changed_start, start);
    screen->changed_end = (uint32_t)bits_max(screen->changed_end, end);
}

static void start_line(struct text_screen *screen)
{
    screen->column = 0;
    if (screen->row + 1 < screen->rows) {
        screen->row++;
        return;
    }
    screen->top = (screen->top + 1) % screen->rows;
    memset(wanted_row(screen, screen->row), BLANK, screen->columns);
    note_change(screen, 0, screen->rows);
}

static void put_printable(struct text_screen *screen, uint8_t character)
{
    if (screen->column == screen->columns) {
        start_line(screen);
    }
    wanted_row(screen, screen->row)[screen->column] = character;
    screen->column++;
    note_change(screen, screen->row, screen->row + 1);
}

static void put_tab(struct text_screen *screen)
{
    const uint32_t next = screen->column / TAB_COLUMNS * TAB_COLUMNS + TAB_COLUMNS;
    const uint32_t last = screen->columns - 1;
    if (screen->column < last) {
        screen->column = next < last ? next : last;
    }
}

static void clear(struct text_screen *screen)
{
    for (uint32_t row = 0; row < screen->rows; row++) {
        memset(wanted_row(screen, row), BLANK, screen->columns);
    }
    note_change(screen, 0, screen->rows);
}

/* A byte inside an escape sequence (ECMA-48: "Control sequences"), 0x20 or more. */
static void put_escape(struct text_screen *screen, uint8_t byte)
{
    if (screen->escape == ESCAPE_START) {
        screen->escape = byte == '[' ? ESCAPE_CONTROL : ESCAPE_NONE;
        screen->parameter = 0;
        return;
    }
    if (byte < 0x40) {
        screen->parameter = byte;
        return;
    }
    screen->escape = ESCAPE_NONE;
    if (byte == 'H' && screen->parameter == 0) {
        screen->row = 0;
        screen->column = 0;
    } else if (byte == 'J' && screen->parameter == '2') {
        clear(screen);
    }
}

static void put(struct text_screen *screen, uint8_t character)
{
    if (screen->escape != ESCAPE_NONE && character >= BLANK) {
        put_escape(screen, character);
        return;
    }
    screen->escape = character == ESC ? ESCAPE_START : ESCAPE_NONE;
    switch (character) {
    case '\n':
        start_line(screen);
        break;
    case '\r':
        screen->column = 0;
        break;
    case '\b':
        screen->column -= screen->column > 0 ? 1 : 0;
        break;
    case '\t':
        put_tab(screen);
        break;
    default:
        if (character >= BLANK && character != 0x7f) {
            put_printable(screen, character);
        }
        break;
    }
}

/* ---- what is shown -----------------------------------------------------------------------------
 */

static void draw_row(const struct text_screen *screen, uint32_t row)
{
    const uint8_t *const wanted = wanted_row(screen, row);
    uint8_t *const shown = shown_row(screen, row);
    for (uint32_t column = 0; column < screen->columns; column++) {
        if (shown[column] != wanted[column]) {
            shown[column] = wanted[column];
            screen->draw(screen->context, column, row, wanted[column]);
        }
    }
}

void text_screen_write(struct text_screen *screen, const char *text, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++) {
        put(screen, (uint8_t)text[i]);
    }
    for (uint32_t row = screen->changed_start; row < screen->changed_end; row++) {
        draw_row(screen, row);
    }
    screen->changed_start = screen->rows;
    screen->changed_end = 0;
}
