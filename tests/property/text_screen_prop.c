/* SPDX-License-Identifier: GPL-2.0-only
 *
 * dev/text_screen against a model: a plain array of lines that is moved up to scroll. Random sizes,
 * random texts of letters and control characters in random pieces. After every piece the glass
 * shows what the model holds, and as many cells were drawn as the model changed: none twice, none
 * that stayed.
 */
#include "dev/text_screen.h"

#include <string.h>

#include "lib/compiler.h"
#include "lib/random.h"
#include "tests/ktest.h"

#define MAX_COLUMNS 40U
#define MAX_ROWS    12U
#define MAX_PIECE   400U
#define MACHINES    60U
#define PIECES      150U

struct model {
    uint8_t line[MAX_ROWS][MAX_COLUMNS];
    uint32_t row;
    uint32_t column;
    char sequence[400]; /* an escape sequence in progress; "" for none */
};

struct fixture {
    struct random random;
    struct text_screen_size size;
    struct text_screen screen;
    uint8_t cells[2 * MAX_COLUMNS * MAX_ROWS];
    struct model model;
    uint8_t glass[MAX_ROWS][MAX_COLUMNS];
    uint32_t draws;
    uint32_t draws_outside;
};

static void draw(void *context, uint32_t column, uint32_t row, uint8_t character)
{
    struct fixture *const f = context;
    if (column >= f->size.columns || row >= f->size.rows) {
        f->draws_outside++;
        return;
    }
    f->glass[row][column] = character;
    f->draws++;
}

static void model_new_line(struct fixture *f)
{
    f->model.column = 0;
    f->model.row++;
    if (f->model.row == f->size.rows) {
        memmove(f->model.line[0], f->model.line[1], sizeof(f->model.line) - MAX_COLUMNS);
        f->model.row--;
        memset(f->model.line[f->model.row], ' ', MAX_COLUMNS);
    }
}

/* Whether @p c belongs to an escape sequence; one that is complete takes effect. */
static bool model_escape(struct model *m, uint8_t c)
{
    const size_t length = strlen(m->sequence);
    if (c < ' ') {
        m->sequence[0] = '\0';
    }
    if (c == 0x1b) {
        (void)strcpy(m->sequence, "\x1b"); /* fits */
        return true;
    }
    if (c < ' ' || length == 0) {
        return false;
    }
    m->sequence[length] = (char)c;
    m->sequence[length + 1] = '\0';
    if (strcmp(m->sequence, "\x1b[H") == 0) {
        m->row = 0;
        m->column = 0;
    } else if (strcmp(m->sequence, "\x1b[2J") == 0) {
        memset(m->line, ' ', sizeof(m->line));
    }
    if (length == 1 ? c != '[' : c >= 0x40) {
        m->sequence[0] = '\0';
    }
    return true;
}

static void model_put(struct fixture *f, uint8_t c)
{
    struct model *const m = &f->model;
    if (model_escape(m, c)) {
        return;
    }
    if (c == '\n') {
        model_new_line(f);
    } else if (c == '\r') {
        m->column = 0;
    } else if (c == '\b' && m->column > 0) {
        m->column--;
    } else if (c == '\t') {
        do { /* blank by blank, but the last column is as far as it goes */
            m->column += m->column + 1 < f->size.columns ? 1 : 0;
        } while (m->column % 8 != 0 && m->column + 1 < f->size.columns);
    } else if (c >= ' ' && c != 0x7f) {
        if (m->column == f->size.columns) {
            model_new_line(f);
        }
        m->line[m->row][m->column++] = c;
    }
}

static uint8_t random_byte(struct random *random)
{
    static const char control[] = "\n\n\n\r\b\b\t\a";
    if (random_chance(random, 15)) {
        return (uint8_t)control[random_below(random, sizeof(control) - 1)];
    }
    if (random_chance(random, 2)) {
        return (uint8_t)random_next(random);
    }
    return (uint8_t)("abc "[random_below(random, 4)]); /* few, so that many cells stay */
}

static void start(struct fixture *f)
{
    f->size = (struct text_screen_size){
        .columns = 1 + (uint32_t)random_below(&f->random, MAX_COLUMNS),
        .rows = 1 + (uint32_t)random_below(&f->random, MAX_ROWS),
        .scale = 1,
    };
    f->model = (struct model){ 0 };
    memset(f->model.line, ' ', sizeof(f->model.line));
    memset(f->glass, ' ', sizeof(f->glass));
    text_screen_init(&f->screen, &f->size, f->cells, draw, f);
}

static uint32_t cells_that_differ(const struct fixture *f)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < f->size.rows; row++) {
        for (uint32_t column = 0; column < f->size.columns; column++) {
            count += f->glass[row][column] != f->model.line[row][column] ? 1 : 0;
        }
    }
    return count;
}

static const char *const sequences[] = {
    "\x1b[H", "\x1b[2J", "\x1b[J", "\x1b[1;31m", "\x1b[0m", "\x1bM", "\x1b[3\n", "\x1b\x1b[2J",
};

/* @return whether the screen did as the model */
static bool write_piece(struct fixture *f)
{
    char text[MAX_PIECE];
    const size_t size_bytes =
        random_below(&f->random, random_chance(&f->random, 20) ? MAX_PIECE : 12);
    const char *sequence = "";
    for (size_t i = 0; i < size_bytes; i++) {
        if (*sequence == '\0' && random_chance(&f->random, 3)) {
            sequence = sequences[random_below(&f->random, ARRAY_COUNT(sequences))];
        }
        text[i] = *sequence != '\0' ? *sequence++ : (char)random_byte(&f->random);
        model_put(f, (uint8_t)text[i]);
    }
    const uint32_t to_draw = cells_that_differ(f);
    f->draws = 0;
    text_screen_write(&f->screen, text, size_bytes);
    return f->draws == to_draw && f->draws_outside == 0 && cells_that_differ(f) == 0;
}

static void text_screen_agrees_with_model(struct ktest *t)
{
    struct fixture f = { 0 };
    random_init(&f.random, t->seed);
    for (uint32_t i = 0; i < MACHINES; i++) {
        start(&f);
        uint32_t done = 0;
        while (done < PIECES && write_piece(&f)) {
            done++;
        }
        KTEST_EQ(t, done, PIECES);
    }
}

static const struct ktest_case cases[] = { KTEST_CASE(text_screen_agrees_with_model) };
KTEST_SUITE(dev_text_screen_prop, "dev.text_screen_prop", cases);
