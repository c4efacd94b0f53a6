/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Tests of black_box_record: what is written is a whole record at every moment, and what is not one
 * is told apart.
 */
#include "black_box_record.h"

#include <stdlib.h>
#include <string.h>

#include "lib/compiler.h"
#include "lib/crc32c.h"
#include "lib/random.h"
#include "tests/fake/fake_cpu.h"
#include "tests/ktest.h"

#define HEADER     sizeof(struct black_box)
#define TEXT_BYTES (BLACK_BOX_BYTES - HEADER)

static const struct black_box_mark nobody;

/* A region of exactly its size, so that ASan sees a byte too far. To be freed. */
static void *new_region(void)
{
    void *const region = malloc(BLACK_BOX_BYTES);
    if (region == NULL) {
        abort();
    }
    memset(region, 0x5a, BLACK_BOX_BYTES);
    return region;
}

static void expect_text(struct ktest *t, const void *region, const char *expected)
{
    size_t size_bytes;
    const char *const text = black_box_text(region, &size_bytes);
    KTEST_EQ(t, size_bytes, strlen(expected));
    KTEST_EQ(t, memcmp(text, expected, size_bytes), 0);
}

static void black_box_tells_step_state_and_text(struct ktest *t)
{
    void *const region = new_region();
    black_box_begin(region, &nobody);
    KTEST_TRUE(t, black_box_is_whole(region));
    KTEST_EQ(t, black_box_now(region).step, 0);
    black_box_step(region, 7, "page tables");
    black_box_append(region, "one\n", 4);
    black_box_append(region, "two\n", 4);
    black_box_set_state(region, BLACK_BOX_PANIC);
    KTEST_TRUE(t, black_box_is_whole(region));
    const struct black_box_mark now = black_box_now(region);
    KTEST_EQ(t, now.step, 7);
    KTEST_EQ(t, now.state, BLACK_BOX_PANIC);
    KTEST_STRING(t, now.name, "page tables");
    expect_text(t, region, "one\ntwo\n");
    black_box_step(region, 8, "next");
    KTEST_EQ(t, black_box_now(region).state, BLACK_BOX_RUNNING);
    free(region);
}

static void black_box_keeps_the_boot_before(struct ktest *t)
{
    void *const region = new_region();
    const struct black_box_mark last = { .step = 9, .state = BLACK_BOX_PANIC, .name = "done" };
    black_box_begin(region, &last);
    black_box_step(region, 1, "consoles");
    KTEST_TRUE(t, black_box_is_whole(region));
    KTEST_EQ(t, black_box_before(region).step, 9);
    KTEST_STRING(t, black_box_before(region).name, "done");
    black_box_begin(region, &nobody);
    KTEST_EQ(t, black_box_before(region).step, 0);
    KTEST_TRUE(t, black_box_is_whole(region));
    free(region);
}

static void black_box_long_names_are_cut(struct ktest *t)
{
    void *const region = new_region();
    black_box_begin(region, &nobody);
    black_box_step(region, 1, "a name that is longer than its field");
    KTEST_TRUE(t, black_box_is_whole(region));
    KTEST_STRING(t, black_box_now(region).name, "a name that is longer t");
    black_box_step(region, 2, "b"); /* nothing of the name before stays */
    KTEST_EQ(t, black_box_now(region).name[2], 0);
    free(region);
}

static void black_box_any_flipped_bit_is_no_record(struct ktest *t)
{
    uint8_t *const region = new_region();
    black_box_begin(region, &nobody);
    black_box_step(region, 3, "map");
    black_box_append(region, "line\n", 5);
    for (size_t bit = 0; bit < (HEADER + 5) * 8; bit++) {
        region[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        KTEST_FALSE(t, black_box_is_whole(region));
        region[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    KTEST_TRUE(t, black_box_is_whole(region));
    region[HEADER + 5] ^= 1; /* behind the text: nobody's */
    KTEST_TRUE(t, black_box_is_whole(region));
    free(region);
}

/* @p region with another header, whose CRC fits. */
static void put_header(void *region, struct black_box header)
{
    header.header_crc32c = 0;
    header.header_crc32c = crc32c(&header, sizeof(header));
    memcpy(region, &header, sizeof(header));
}

static void black_box_with_nonsense_behind_good_crcs_is_no_record(struct ktest *t)
{
    void *const region = new_region();
    black_box_begin(region, &nobody);
    black_box_step(region, 3, "map");
    struct black_box good;
    memcpy(&good, region, sizeof(good));
    put_header(region, good);
    KTEST_TRUE(t, black_box_is_whole(region));
    struct black_box bad[7];
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        bad[i] = good;
    }
    bad[0].version++;
    bad[1].text_bytes = TEXT_BYTES + 1;
    bad[2].text_bytes = UINT32_MAX;
    bad[3].now.state = 0;
    bad[4].now.state = BLACK_BOX_LEFT_FIRMWARE + 1;
    memset(bad[5].now.name, 'x', sizeof(bad[5].now.name));
    bad[6].last.state = 0;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        put_header(region, bad[i]);
        KTEST_FALSE(t, black_box_is_whole(region));
    }
    free(region);
}

/* Whoever wrote over it, a line does not go behind its end. */
static void black_box_that_was_overwritten_takes_no_text(struct ktest *t)
{
    uint8_t *const region = new_region();
    black_box_begin(region, &nobody);
    struct black_box header;
    memcpy(&header, region, sizeof(header));
    static const uint32_t sizes[] = { TEXT_BYTES + 1, BLACK_BOX_BYTES + 100, UINT32_MAX };
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        header.text_bytes = sizes[i];
        put_header(region, header);
        black_box_append(region, "text", 4);
        KTEST_EQ(t, memcmp(region, &header, offsetof(struct black_box, header_crc32c)), 0);
        KTEST_EQ(t, region[HEADER], 0x5a);
    }
    free(region);
}

static void black_box_erased_is_no_record(struct ktest *t)
{
    void *const region = new_region();
    KTEST_FALSE(t, black_box_is_whole(region));
    black_box_begin(region, &nobody);
    black_box_erase(region);
    KTEST_FALSE(t, black_box_is_whole(region));
    free(region);
}

/* Everything that was ever appended ends in what is kept, and at least half a region is. */
static void black_box_full_keeps_the_newest(struct ktest *t)
{
    enum {
        TOTAL = 3 * (int)BLACK_BOX_BYTES
    };
    char *const all = malloc(TOTAL);
    void *const region = new_region();
    struct random random;
    random_init(&random, t->seed);
    black_box_begin(region, &nobody);
    size_t total = 0;
    while (total < TOTAL) {
        size_t piece = (size_t)random_below(&random, 300);
        piece = piece < TOTAL - total ? piece : TOTAL - total;
        for (size_t i = 0; i < piece; i++) {
            all[total + i] = (char)('a' + random_below(&random, 26));
        }
        black_box_append(region, all + total, piece);
        total += piece;
        size_t kept;
        const char *const text = black_box_text(region, &kept);
        KTEST_TRUE(t, kept == total || kept >= TEXT_BYTES / 2);
        KTEST_EQ(t, memcmp(text, all + total - kept, kept), 0);
    }
    KTEST_TRUE(t, black_box_is_whole(region));
    black_box_append(region, all, TOTAL); /* more than there is room for at all */
    size_t kept;
    const char *const text = black_box_text(region, &kept);
    KTEST_TRUE(t, kept >= TEXT_BYTES / 2);
    KTEST_EQ(t, memcmp(text + kept - 100, all + TOTAL - 100, 100), 0);
    KTEST_TRUE(t, black_box_is_whole(region));
    free(region);
    free(all);
}

static void black_box_every_change_leaves_the_caches(struct ktest *t)
{
    uint8_t *const region = new_region();
    black_box_begin(region, &nobody);
    KTEST_TRUE(t, fake_cpu.clflush_last == region + HEADER - 1);
    fake_cpu.clflush_count = 0;
    black_box_append(region, "x", 1);
    KTEST_EQ(t, fake_cpu.clflush_count, 2 + HEADER / 32 + 2); /* the text's line, the header's */
    free(region);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(black_box_tells_step_state_and_text),
    KTEST_CASE(black_box_keeps_the_boot_before),
    KTEST_CASE(black_box_long_names_are_cut),
    KTEST_CASE(black_box_any_flipped_bit_is_no_record),
    KTEST_CASE(black_box_with_nonsense_behind_good_crcs_is_no_record),
    KTEST_CASE(black_box_that_was_overwritten_takes_no_text),
    KTEST_CASE(black_box_erased_is_no_record),
    KTEST_CASE(black_box_full_keeps_the_newest),
    KTEST_CASE(black_box_every_change_leaves_the_caches),
};
KTEST_SUITE(black_box_record, "kernel.black_box", cases);
