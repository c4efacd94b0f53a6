/* SPDX-License-Identifier: GPL-2.0-only
 *
 * dev/framebuffer: which descriptions are accepted, what a colour becomes, and that drawing writes
 * exactly the pixels it should and reads none.
 */
#include "dev/framebuffer.h"

#include "tests/fake/fake_video.h"
#include "tests/ktest.h"

#define UNTOUCHED 0xdeadbeefU

static struct bootinfo_framebuffer good(void)
{
    return (struct bootinfo_framebuffer){
        .base = 0xc0000000,
        .size = UINT64_C(800) * 600 * 4,
        .width = 800,
        .height = 600,
        .pitch = 800,
        .format = BOOTINFO_PIXEL_BGR,
    };
}

static enum kstatus locate(struct bootinfo_framebuffer info)
{
    struct framebuffer_span span;
    return framebuffer_locate(&info, &span);
}

/* ---- description ----------------------------------------------------------------------------- */

static void framebuffer_on_a_page_spans_whole_pages(struct ktest *t)
{
    struct framebuffer_span span;
    struct bootinfo_framebuffer info = good();
    info.size = SIZE_1G; /* the firmware gives all of the card's memory */
    KTEST_STATUS(t, framebuffer_locate(&info, &span), K_OK);
    KTEST_EQ(t, span.base.value, 0xc0000000);
    KTEST_EQ(t, span.size_bytes, 0x1d5000); /* 800 * 600 * 4 = 0x1d4c00 */
    KTEST_EQ(t, span.offset_bytes, 0);
}

static void framebuffer_off_a_page_above_4g_spans_the_page_before(struct ktest *t)
{
    struct framebuffer_span span;
    struct bootinfo_framebuffer info = good();
    info.base = UINT64_C(0x4000000ffc);
    KTEST_STATUS(t, framebuffer_locate(&info, &span), K_OK);
    KTEST_EQ(t, span.base.value, UINT64_C(0x4000000000));
    KTEST_EQ(t, span.offset_bytes, 0xffc);
    KTEST_EQ(t, span.size_bytes, 0x1d6000);
}

static void framebuffer_across_4g_spans_both_sides(struct ktest *t)
{
    struct framebuffer_span span;
    struct bootinfo_framebuffer info = good();
    info.base = SIZE_4G - 0x1004;
    KTEST_STATUS(t, framebuffer_locate(&info, &span), K_OK);
    KTEST_EQ(t, span.base.value, SIZE_4G - 0x2000);
    KTEST_EQ(t, span.offset_bytes, 0xffc);
    KTEST_EQ(t, span.size_bytes, 0x1d6000);
}

static void framebuffer_that_writes_do_not_reach_is_none(struct ktest *t)
{
    struct bootinfo_framebuffer info = good();
    info.format = BOOTINFO_PIXEL_NONE; /* also what the loader makes of PixelBltOnly */
    KTEST_STATUS(t, locate(info), K_ENOENT);
    info.format = 77;
    KTEST_STATUS(t, locate(info), K_ENOENT);
    info.format = BOOTINFO_PIXEL_MASKS; /* with no masks */
    KTEST_STATUS(t, locate(info), K_ENOENT);
}

static void framebuffer_masks_are_checked(struct ktest *t)
{
    struct bootinfo_framebuffer info = good();
    info.format = BOOTINFO_PIXEL_MASKS;
    info.red_mask = 0x3ff00000;
    info.green_mask = 0x000ffc00;
    info.blue_mask = 0x000003ff;
    KTEST_STATUS(t, locate(info), K_OK);
    info.red_mask = 0x33f00000; /* a gap */
    KTEST_STATUS(t, locate(info), K_ENOTSUP);
    info.red_mask = 0x00f00000; /* nothing above bit 23: pixels of three bytes */
    KTEST_STATUS(t, locate(info), K_ENOTSUP);
    info.reserved_mask = 0xff000000; /* four again */
    KTEST_STATUS(t, locate(info), K_OK);
    info.blue_mask = 0;
    KTEST_STATUS(t, locate(info), K_OK); /* two colours will do */
    info.red_mask = info.green_mask = info.blue_mask = 0;
    KTEST_STATUS(t, locate(info), K_ENOTSUP); /* no colour to write in */
}

static void framebuffer_impossible_geometry_is_refused(struct ktest *t)
{
    static const struct {
        uint64_t base;
        uint64_t size;
        uint32_t width;
        uint32_t height;
        uint32_t pitch;
    } bad[] = {
        { 0xc0000000, 0x1000000, 0, 600, 800 },
        { 0xc0000000, 0x1000000, 800, 0, 800 },
        { 0xc0000000, 0x1000000, 801, 600, 800 },
        { 0xc0000000, 0x1d4bff, 800, 600, 800 },
        { 0, 0x1000000, 800, 600, 800 },
        { 0xc0000002, 0x1000000, 800, 600, 800 },
        { UINT64_MAX - 3, 64, 4, 4, 4 },
        { UINT64_MAX - 0x3f, 64, 4, 4, 4 },
        { UINT64_MAX - 0x7f, 64, 4, 4, 4 }, /* ends below 2^64, its page does not */
        { 0xc0000000, UINT64_MAX, 8, UINT32_MAX, UINT32_MAX },
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct bootinfo_framebuffer info = good();
        info.base = bad[i].base;
        info.size = bad[i].size;
        info.width = bad[i].width;
        info.height = bad[i].height;
        info.pitch = bad[i].pitch;
        KTEST_STATUS(t, locate(info), K_EINVAL);
    }
}

static void framebuffer_of_more_than_1g_is_refused(struct ktest *t)
{
    struct bootinfo_framebuffer info = good();
    info.size = UINT64_MAX / 2;
    info.pitch = 16384;
    info.height = 16384;
    KTEST_STATUS(t, locate(info), K_OK);
    info.base += 4; /* a page more */
    KTEST_STATUS(t, locate(info), K_ERANGE);
    info.base -= 4;
    info.height++;
    KTEST_STATUS(t, locate(info), K_ERANGE);
}

/* ---- colours --------------------------------------------------------------------------------- */

static void framebuffer_colours_follow_the_format(struct ktest *t)
{
    struct bootinfo_framebuffer info = good();
    KTEST_EQ(t, framebuffer_colour(&info, 0x112233), 0x112233);
    info.format = BOOTINFO_PIXEL_RGB;
    KTEST_EQ(t, framebuffer_colour(&info, 0x112233), 0x332211);
    info.format = BOOTINFO_PIXEL_MASKS;
    info.red_mask = 0xffc00000; /* ten bits */
    info.green_mask = 0x000001f0;
    info.blue_mask = 0;
    KTEST_EQ(t, framebuffer_colour(&info, 0xffffff), 0xffc001f0);
    KTEST_EQ(t, framebuffer_colour(&info, 0x80ff00), (UINT32_C(513) << 22) | 0x1f0);
    KTEST_EQ(t, framebuffer_colour(&info, 0x0000ff), 0);
}

/* ---- drawing --------------------------------------------------------------------------------- */

/* Two glyphs of 10 x 2 pixels: an empty one, and
 *     #.........
 *     .........#     */
static const uint8_t glyph_bytes[] = { 0, 0, 0, 0, 0x80, 0x00, 0x00, 0x40 };
static const struct psf_font font = {
    .glyphs = glyph_bytes,
    .glyph_count = 2,
    .glyph_bytes = 4,
    .row_bytes = 2,
    .width = 10,
    .height = 2,
};

#define WIDTH  40U
#define HEIGHT 12U
#define PITCH  44U

struct fixture {
    struct fake_video video;
    struct framebuffer framebuffer;
};

static bool open_fixture(struct fixture *f)
{
    struct bootinfo_framebuffer info = good();
    info.width = WIDTH;
    info.height = HEIGHT;
    info.pitch = PITCH;
    if (!fake_video_open(&f->video, (size_t)PITCH * HEIGHT * 4 + 4096, UNTOUCHED)) {
        return false;
    }
    f->framebuffer = framebuffer_open(&info, f->video.pixels + 16); /* not at the page's start */
    return true;
}

/* Pixels with another value than `framebuffer_draw` should have left, given a wanted value for
 * each: `want` says for the place (x, y) of the picture. Everything else must be untouched. */
static uint32_t count_wrong(struct fixture *f, uint32_t (*want)(uint32_t x, uint32_t y))
{
    fake_video_stop(&f->video);
    uint32_t wrong = 0;
    for (size_t i = 0; i < f->video.size_bytes / 4; i++) {
        const size_t at = i - 16; /* wraps for what lies before: x and y are out of the picture */
        const uint32_t x = (uint32_t)(at % PITCH);
        const size_t y = at / PITCH;
        const bool inside = x < WIDTH && y < HEIGHT;
        const uint32_t wanted = inside ? want(x, (uint32_t)y) : UNTOUCHED;
        wrong += f->video.pixels[i] != wanted ? 1 : 0;
    }
    return wrong;
}

#define INK 0xc8c8c8U

#define PAPER 0x123456U

static uint32_t all_paper(uint32_t x, uint32_t y)
{
    (void)x;
    (void)y;
    return PAPER;
}

static void framebuffer_clear_leaves_the_pitch_alone_and_reads_nothing(struct ktest *t)
{
    struct fixture f;
    KTEST_TRUE(t, open_fixture(&f));
    f.framebuffer.paper = PAPER;
    framebuffer_clear(&f.framebuffer);
    KTEST_EQ(t, f.video.reads, 0);
    KTEST_EQ(t, f.video.writes, WIDTH * HEIGHT);
    KTEST_EQ(t, count_wrong(&f, all_paper), 0);
    fake_video_close(&f.video);
}

/* Glyph 1 at (7, 3), three pixels each way. */
static uint32_t one_glyph(uint32_t x, uint32_t y)
{
    if (x < 7 || x >= 37 || y < 3 || y >= 9) {
        return UNTOUCHED;
    }
    const uint32_t glyph_x = (x - 7) / 3;
    const uint32_t glyph_y = (y - 3) / 3;
    return (glyph_x == 0 && glyph_y == 0) || (glyph_x == 9 && glyph_y == 1) ? INK : 0;
}

static void framebuffer_glyph_is_scaled_in_place_and_reads_nothing(struct ktest *t)
{
    struct fixture f;
    KTEST_TRUE(t, open_fixture(&f));
    framebuffer_draw_glyph(&f.framebuffer, (struct framebuffer_spot){ 7, 3, 3 }, &font, 1);
    KTEST_EQ(t, f.video.reads, 0);
    KTEST_EQ(t, f.video.writes, 10 * 2 * 9);
    KTEST_EQ(t, count_wrong(&f, one_glyph), 0);
    fake_video_close(&f.video);
}

static void framebuffer_glyph_over_the_edge_is_not_drawn(struct ktest *t)
{
    static const struct framebuffer_spot outside[] = {
        { 31, 0, 1 }, { 0, 11, 1 },         { UINT32_MAX - 9, 0, 1 }, { 0, UINT32_MAX - 1, 1 },
        { 0, 0, 5 },  { 0, 0, UINT32_MAX },
    };
    struct fixture f;
    KTEST_TRUE(t, open_fixture(&f));
    for (size_t i = 0; i < ARRAY_COUNT(outside); i++) {
        framebuffer_draw_glyph(&f.framebuffer, outside[i], &font, 1);
    }
    KTEST_EQ(t, f.video.writes, 0);
    framebuffer_draw_glyph(&f.framebuffer, (struct framebuffer_spot){ 30, 10, 1 }, &font, 0);
    KTEST_EQ(t, f.video.writes, 20); /* just fits */
    fake_video_close(&f.video);
}

static void fake_video_counts_reads_and_writes(struct ktest *t)
{
    struct fake_video video;
    KTEST_TRUE(t, fake_video_open(&video, 100, 7));
    const uint32_t first = video.pixels[3];
    video.pixels[4] = first + 1;
    video.pixels[5] = 0;
    KTEST_EQ(t, first, 7);
    KTEST_EQ(t, video.reads, 1);
    KTEST_EQ(t, video.writes, 2);
    fake_video_stop(&video);
    KTEST_EQ(t, video.pixels[4], 8);
    KTEST_EQ(t, video.reads, 1); /* stopped: no more */
    fake_video_close(&video);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(framebuffer_on_a_page_spans_whole_pages),
    KTEST_CASE(framebuffer_off_a_page_above_4g_spans_the_page_before),
    KTEST_CASE(framebuffer_across_4g_spans_both_sides),
    KTEST_CASE(framebuffer_that_writes_do_not_reach_is_none),
    KTEST_CASE(framebuffer_masks_are_checked),
    KTEST_CASE(framebuffer_impossible_geometry_is_refused),
    KTEST_CASE(framebuffer_of_more_than_1g_is_refused),
    KTEST_CASE(framebuffer_colours_follow_the_format),
    KTEST_CASE(framebuffer_clear_leaves_the_pitch_alone_and_reads_nothing),
    KTEST_CASE(framebuffer_glyph_is_scaled_in_place_and_reads_nothing),
    KTEST_CASE(framebuffer_glyph_over_the_edge_is_not_drawn),
    KTEST_CASE(fake_video_counts_reads_and_writes),
};
KTEST_SUITE(dev_framebuffer, "dev.framebuffer", cases);
