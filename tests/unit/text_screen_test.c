/* SPDX-License-Identifier: GPL-2.0-only
 *
 * dev/text_screen: sizes, control characters, wrapping, scrolling, and that only what changed is
 * drawn. The property test next door compares long random texts with a model.
 */
#include "dev/text_screen.h"

#include <stdio.h>
#include <string.h>

#include "tests/ktest.h"

#define COLUMNS 10U
#define ROWS    3U

/* What was drawn, as text. */
struct fixture {
    struct text_screen screen;
    uint8_t cells[2 * COLUMNS * ROWS];
    char glass[ROWS][COLUMNS + 1];
    uint32_t draws;
};

static void draw(void *context, uint32_t column, uint32_t row, uint8_t character)
{
    struct fixture *const f = context;
    f->glass[row][column] = (char)character;
    f->draws++;
}

static void start(struct fixture *f)
{
    static const struct text_screen_size size = { .columns = COLUMNS, .rows = ROWS, .scale = 1 };
    memset(f, 0, sizeof(*f));
    memset(f->cells, 'x', sizeof(f->cells));
    for (uint32_t row = 0; row < ROWS; row++) {
        memset(f->glass[row], ' ', COLUMNS);
    }
    text_screen_init(&f->screen, &size, f->cells, draw, f);
}

static void write_text(struct fixture *f, const char *text)
{
    text_screen_write(&f->screen, text, strlen(text));
}

static void check_glass(struct ktest *t, const struct fixture *f, const char *first,
                        const char *second, const char *third)
{
    const char *const wanted[ROWS] = { first, second, third };
    for (uint32_t row = 0; row < ROWS; row++) {
        char padded[COLUMNS + 1];
        snprintf(padded, sizeof(padded), "%-10s", wanted[row]);
        KTEST_STRING(t, f->glass[row], padded);
    }
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static void text_screen_common_modes_have_80_to_200_columns(struct ktest *t)
{
    static const struct {
        uint32_t width;
        uint32_t height;
        struct text_screen_size size;
    } modes[] = {
        { 640, 480, { 80, 30, 1 } },    { 800, 600, { 100, 37, 1 } },
        { 1024, 768, { 128, 48, 1 } },  { 1280, 800, { 160, 50, 1 } },
        { 1366, 768, { 170, 48, 1 } },  { 1600, 1200, { 200, 75, 1 } },
        { 1607, 1200, { 200, 75, 1 } }, { 1608, 1200, { 100, 37, 2 } },
        { 1920, 1080, { 120, 33, 2 } }, { 2560, 1440, { 160, 45, 2 } },
        { 3840, 2160, { 160, 45, 3 } }, { 1080, 1920, { 135, 120, 1 } },
        { 7680, 4320, { 192, 54, 5 } },
    };
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        struct text_screen_size size;
        KTEST_STATUS(t, text_screen_fit(modes[i].width, modes[i].height, 8, 16, &size), K_OK);
        KTEST_EQ(t, size.columns, modes[i].size.columns);
        KTEST_EQ(t, size.rows, modes[i].size.rows);
        KTEST_EQ(t, size.scale, modes[i].size.scale);
    }
}

static void text_screen_every_width_has_80_to_200_columns_that_fit(struct ktest *t)
{
    uint32_t bad = 0;
    for (uint32_t width = 640; width <= 8192; width++) {
        struct text_screen_size size = { 0 };
        const enum kstatus status = text_screen_fit(width, 480, 8, 16, &size);
        bad += status != K_OK || size.columns < 80 || size.columns > 200 ||
               size.columns * 8 * size.scale > width || size.rows * 16 * size.scale > 480;
    }
    KTEST_EQ(t, bad, 0);
}

static void text_screen_extreme_pictures_are_bounded_or_refused(struct ktest *t)
{
    struct text_screen_size size;
    KTEST_STATUS(t, text_screen_fit(8, 16, 8, 16, &size), K_OK);
    KTEST_EQ(t, size.columns, 1);
    KTEST_EQ(t, size.rows, 1);
    KTEST_STATUS(t, text_screen_fit(7, 16, 8, 16, &size), K_ERANGE);
    KTEST_STATUS(t, text_screen_fit(8, 15, 8, 16, &size), K_ERANGE);
    KTEST_STATUS(t, text_screen_fit(60000, 40, 8, 16, &size), K_ERANGE); /* scale 38 */
    KTEST_STATUS(t, text_screen_fit(UINT32_MAX, UINT32_MAX, 64, 64, &size), K_OK);
    KTEST_TRUE(t, size.columns <= TEXT_SCREEN_MAX_COLUMNS && size.rows <= TEXT_SCREEN_MAX_ROWS);
    KTEST_STATUS(t, text_screen_fit(640, 65535, 8, 16, &size), K_OK);
    KTEST_EQ(t, size.rows, TEXT_SCREEN_MAX_ROWS);
    KTEST_EQ(t, text_screen_cells_bytes(&size), 2 * 80 * TEXT_SCREEN_MAX_ROWS);
}

/* ---- text ------------------------------------------------------------------------------------ */

static void text_screen_empty_draws_nothing(struct ktest *t)
{
    struct fixture f;
    start(&f);
    write_text(&f, "\r\n   \t\b");
    KTEST_EQ(t, f.draws, 0);
    check_glass(t, &f, "", "", "");
}

static void text_screen_lines_follow_each_other(struct ktest *t)
{
    struct fixture f;
    start(&f);
    write_text(&f, "one\ntwo");
    write_text(&f, " 2\n3");
    check_glass(t, &f, "one", "two 2", "3");
    KTEST_EQ(t, f.draws, 3 + 4 + 1); /* a blank on a blank needs none */
}

static void text_screen_full_line_wraps_late(struct ktest *t)
{
    struct fixture f;
    start(&f);
    write_text(&f, "0123456789\nnext");
    check_glass(t, &f, "0123456789", "next", "");
    start(&f);
    write_text(&f, "0123456789abc");
    check_glass(t, &f, "0123456789", "abc", "");
}

static void text_screen_carriage_return_overwrites(struct ktest *t)
{
    struct fixture f;
    start(&f);
    write_text(&f, "abcdef\rXY");
    check_glass(t, &f, "XYcdef", "", "");
    write_text(&f, "\r0123456789\rZ"); /* a full line is still the same line */
    check_glass(t, &f, "Z123456789", "", "");
}

static void text_screen_backspace_stops_at_the_first_column(struct ktest *t)
{
    struct fixture f;
    start(&f);
    write_text(&f, "ab\b \b");
    check_glass(t, &f, "a", "", "");
    write_text(&f, "\b\b\b\bZ");
    check_glass(t, &f, "Z", "", "");
    write_text(&f, "\r0123456789\b \b!"); /* how the line editor takes back a full line's last */
    check_glass(t, &f, "012345678!", "", "");
}

static void text_screen_tab_goes_to_multiples_of_8(struct ktest *t)
{
    struct fixture f;
    start(&f);
    write_text(&f, "\ta\n1234567\tb\n12345678\tc");
    check_glass(t, &f, "        a", "1234567 b", "12345678 c");
}

static void text_screen_tab_on_a_full_line_stays(struct ktest *t)
{
    struct fixture f;
    start(&f);
    write_text(&f, "0123456789\t!");
    check_glass(t, &f, "0123456789", "!", "");
}

static void text_screen_other_control_characters_do_nothing(struct ktest *t)
{
    struct fixture f;
    start(&f);
    text_screen_write(&f.screen, "a\0\a\x1b\x7f\x80", 6);
    check_glass(t, &f, "a\x80", "", "");
    KTEST_EQ(t, f.draws, 2);
}

static void text_screen_scrolls_what_was_there(struct ktest *t)
{
    struct fixture f;
    start(&f);
    write_text(&f, "1\n2\n3\n4");
    check_glass(t, &f, "2", "3", "4");
    write_text(&f, "\n");
    check_glass(t, &f, "3", "4", "");
}

static void text_screen_scrolling_draws_only_cells_that_differ(struct ktest *t)
{
    struct fixture f;
    start(&f);
    write_text(&f, "same\nsame\nsame");
    KTEST_EQ(t, f.draws, 12);
    write_text(&f, "\nsome");
    check_glass(t, &f, "same", "same", "some");
    KTEST_EQ(t, f.draws, 13);
}

static void text_screen_long_text_is_drawn_once(struct ktest *t)
{
    struct fixture f;
    char text[3001];
    start(&f);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        text[i] = i % 7 == 6 ? '\n' : 'a';
    }
    text[sizeof(text) - 1] = '\0';
    write_text(&f, text);
    KTEST_TRUE(t, f.draws <= COLUMNS * ROWS);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(text_screen_common_modes_have_80_to_200_columns),
    KTEST_CASE(text_screen_every_width_has_80_to_200_columns_that_fit),
    KTEST_CASE(text_screen_extreme_pictures_are_bounded_or_refused),
    KTEST_CASE(text_screen_empty_draws_nothing),
    KTEST_CASE(text_screen_lines_follow_each_other),
    KTEST_CASE(text_screen_full_line_wraps_late),
    KTEST_CASE(text_screen_carriage_return_overwrites),
    KTEST_CASE(text_screen_backspace_stops_at_the_first_column),
    KTEST_CASE(text_screen_tab_goes_to_multiples_of_8),
    KTEST_CASE(text_screen_tab_on_a_full_line_stays),
    KTEST_CASE(text_screen_other_control_characters_do_nothing),
    KTEST_CASE(text_screen_scrolls_what_was_there),
    KTEST_CASE(text_screen_scrolling_draws_only_cells_that_differ),
    KTEST_CASE(text_screen_long_text_is_drawn_once),
};
KTEST_SUITE(dev_text_screen, "dev.text_screen", cases);
