/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A screen of text as two tables of characters in RAM; knows nothing of pixels. What is written
 * changes the first table only. At the end of each write the two are compared, and every cell that
 * differs is drawn, once: however often a long text scrolled, however slow drawing is, and without
 * ever reading what was drawn.
 *
 *        wanted: a ring of rows                 shown: as it stands on the glass
 *      +-------------------------+            +-------------------------+
 *      | third line              |     +----> | first line              |
 *      | (blank: the cursor)     |     |      | second line             |
 *  top-> first line              | ----+      | third line              |
 *      | second line             |  compare   | (blank: the cursor)     |
 *      +-------------------------+  and draw  +-------------------------+
 *
 * Printable ASCII takes a cell; '\n' starts a new line, '\r' goes to the first column, '\b' one
 * column back, '\t' to the next multiple of 8. Bytes of 0x80 and more take a cell and are drawn as
 * whoever draws thinks fit; other control characters do nothing. Of the escape sequences ESC [ H
 * goes to the first cell and ESC [ 2 J blanks all; other ones (colours) are swallowed, and a
 * control character breaks one off. A line that is full wraps when its next character comes, not
 * before: a line of exactly the screen's width leaves no blank one.
 *
 * Invariants, after every single store, so that a write that an exception interrupts leaves a
 * table that another write can use: top < rows, row < rows, column <= columns.
 *
 * The caller owns the struct and the cells. Pure; kernel and host.
 */
#ifndef DEV_TEXT_SCREEN_H
#define DEV_TEXT_SCREEN_H

#include <stddef.h>
#include <stdint.h>

#include "kstatus.h"

/** More columns than this are too small to read: pixels are doubled, tripled, ... instead. */
#define TEXT_SCREEN_MAX_COLUMNS 200U
/** More rows than this are left unused. */
#define TEXT_SCREEN_MAX_ROWS 256U

/** How text fits a picture. */
struct text_screen_size {
    uint32_t columns; /* 1..TEXT_SCREEN_MAX_COLUMNS */
    uint32_t rows;    /* 1..TEXT_SCREEN_MAX_ROWS */
    uint32_t scale;   /* pixels of the picture for one of the font, each way */
};

/** Draws @p character at a cell. */
typedef void (*text_screen_draw)(void *context, uint32_t column, uint32_t row, uint8_t character);

/** Members are private to text_screen.c; `cells` may be set anew before each write, to the same
 *  memory at another address. */
struct text_screen {
    uint8_t *cells; /* wanted, then shown, rows * columns each */
    uint32_t columns;
    uint32_t rows;
    uint32_t top;           /* row of the ring that stands first on the glass */
    uint32_t row;           /* of the next character, on the glass */
    uint32_t column;        /* columns: the line is full */
    uint8_t escape;         /* an escape sequence: 0 none, 1 after ESC, 2 after ESC [ */
    uint8_t parameter;      /* the last byte of its parameters */
    uint32_t changed_start; /* rows on the glass that may differ: [start, end) */
    uint32_t changed_end;
    text_screen_draw draw;
    void *context;
};

/**
 * The smallest integer scale that leaves at most 200 columns; this gives 80 columns at 640 pixels
 * and 8-pixel glyphs, and never less than 100 where a scale of 1 would be too small.
 * @param width, height              of the picture, pixels
 * @param glyph_width, glyph_height  pixels, not 0
 * @return K_OK; K_ERANGE where not even one character fits
 */
MUST_CHECK enum kstatus text_screen_fit(uint32_t width, uint32_t height, uint32_t glyph_width,
                                        uint32_t glyph_height, struct text_screen_size *size);

/** Bytes that the cells of such a screen take: at most 100 KiB. */
size_t text_screen_cells_bytes(const struct text_screen_size *size);

/** An empty screen. @param cells text_screen_cells_bytes() of any content
 *  Every cell counts as drawn blank: the caller has cleared the picture. */
void text_screen_init(struct text_screen *screen, const struct text_screen_size *size,
                      uint8_t *cells, text_screen_draw draw, void *context);

/** Writes @p size_bytes of @p text, then draws what has changed. */
void text_screen_write(struct text_screen *screen, const char *text, size_t size_bytes);

#endif
