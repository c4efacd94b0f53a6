/* SPDX-License-Identifier: GPL-2.0-only
 *
 * dev/ps2_scancodes and dev/ps2_keyboard: what keys type, and controllers that are not there, hang
 * or have a mouse.
 */
#include "dev/ps2_keyboard.h"

#include <string.h>

#include "lib/compiler.h"
#include "lib/random.h"
#include "tests/fake/fake_io.h"
#include "tests/ktest.h"

/* What the codes in @p codes (@p count) type. */
static const char *typed(const uint8_t *codes, size_t count)
{
    static char text[64];
    struct ps2_scancodes keys = { .skip = 0 };
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        length += ps2_scancodes_feed(&keys, codes[i], text + length);
    }
    text[length] = '\0';
    return text;
}

#define EXPECT_TYPED(t, expected, ...)                          \
    do {                                                        \
        const uint8_t codes[] = { __VA_ARGS__ };                \
        KTEST_STRING(t, typed(codes, sizeof(codes)), expected); \
    } while (0)

static void ps2_letters_digits_and_shift(struct ktest *t)
{
    EXPECT_TYPED(t, "ab1", 0x1e, 0x9e, 0x30, 0xb0, 0x02, 0x82);
    EXPECT_TYPED(t, "A!b", 0x2a, 0x1e, 0x9e, 0x02, 0x82, 0xaa, 0x30);
    EXPECT_TYPED(t, "Bb", 0x36, 0x30, 0xb0, 0xb6, 0x30);
    EXPECT_TYPED(t, "A1a", 0x3a, 0xba, 0x1e, 0x02, 0x2a, 0x1e); /* caps, then shift with it */
    EXPECT_TYPED(t, "Aa", 0x3a, 0xba, 0x1e, 0x3a, 0xba, 0x1e);
    EXPECT_TYPED(t, "\x7f\t\r \x1b", 0x0e, 0x0f, 0x1c, 0x39, 0x01);
    EXPECT_TYPED(t, "aaa", 0x1e, 0x1e, 0x1e); /* held down */
    EXPECT_TYPED(t, "`~\\|", 0x29, 0x2a, 0x29, 0xaa, 0x2b, 0x2a, 0x2b);
    EXPECT_TYPED(t, "7*.+", 0x47, 0x37, 0x53, 0x4e); /* keypad */
    EXPECT_TYPED(t, "", 0x3b, 0x44, 0x57, 0x58, 0x38, 0xb8, 0x45, 0x46, 0x54, 0x7f);
}

static void ps2_control_gives_control_characters(struct ktest *t)
{
    EXPECT_TYPED(t, "\x03z", 0x1d, 0x2e, 0xae, 0x9d, 0x2c);
    EXPECT_TYPED(t, "\x0c", 0xe0, 0x1d, 0x26);
    EXPECT_TYPED(t, "\x01x", 0x1d, 0xe0, 0x1d, 0xe0, 0x9d, 0x1e, 0x9d, 0x2d); /* both held */
    EXPECT_TYPED(t, "", 0x1d, 0x02, 0x39);
}

static void ps2_extended_keys_are_escape_sequences(struct ktest *t)
{
    EXPECT_TYPED(t, "\x1b[A\x1b[B", 0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0x50, 0xe0, 0xd0);
    EXPECT_TYPED(t, "\x1b[C\x1b[D\x1b[H\x1b[F\x1b[3~", 0xe0, 0x4d, 0xe0, 0x4b, 0xe0, 0x47, 0xe0,
                 0x4f, 0xe0, 0x53);
    EXPECT_TYPED(t, "\r/", 0xe0, 0x1c, 0xe0, 0x35);
    EXPECT_TYPED(t, "\x1b[Aa", 0xe0, 0x2a, 0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0xaa,
                 0x1e);                                             /* fake shifts */
    EXPECT_TYPED(t, "a", 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0x1e); /* Pause */
    EXPECT_TYPED(t, "a", 0xe0, 0x5b, 0xe0, 0xdb, 0x1e);             /* a logo key */
}

static void ps2_any_codes_type_at_most_four_bytes(struct ktest *t)
{
    struct random random;
    struct ps2_scancodes keys = { .skip = 0 };
    random_init(&random, t->seed);
    unsigned count = 0;
    for (unsigned i = 0; i < 100000; i++) {
        char text[PS2_TEXT_MAX];
        const size_t length = ps2_scancodes_feed(&keys, (uint8_t)random_next(&random), text);
        if (!KTEST_TRUE(t, length <= PS2_TEXT_MAX)) {
            return;
        }
        for (size_t k = 0; k < length; k++) {
            KTEST_TRUE(t, text[k] > 0);
        }
        count += length > 0 ? 1 : 0;
    }
    KTEST_TRUE(t, count > 10000);
}

/* ---- the controller ----------------------------------------------------------------------------
 */

struct fake_8042 {
    uint8_t queue[64]; /* bytes for the CPU */
    bool auxiliary[64];
    unsigned first;
    unsigned end;
    uint8_t mode;
    uint8_t command; /* that takes a byte of data; 0: none */
    bool enabled;
    bool deaf;        /* the input buffer is never taken */
    bool no_keyboard; /* nobody acknowledges */
    bool babbles;     /* there is always another byte */
    unsigned reads;
};

static void push(struct fake_8042 *f, uint8_t byte, bool auxiliary)
{
    f->queue[f->end % 64] = byte;
    f->auxiliary[f->end % 64] = auxiliary;
    f->end++;
}

static uint8_t controller_read(void *context, uint16_t offset)
{
    struct fake_8042 *const f = context;
    const bool full = f->first != f->end || f->babbles;
    f->reads++;
    if (offset == 4) {
        return (uint8_t)((full ? 1 : 0) | (f->deaf ? 2 : 0) |
                         (full && f->auxiliary[f->first % 64] ? 0x20 : 0));
    }
    if (f->first == f->end) {
        return 0x1e;
    }
    return f->queue[f->first++ % 64];
}

static void controller_write(void *context, uint16_t offset, uint8_t value)
{
    struct fake_8042 *const f = context;
    if (offset == 4) {
        f->command = value == 0x60 ? value : 0;
        f->enabled = value == 0xae ? true : value == 0xad ? false : f->enabled;
        if (value == 0x20) {
            push(f, f->mode, false);
        }
    } else if (f->command == 0x60) {
        f->mode = value;
        f->command = 0;
    } else if (value == 0xf4 && !f->no_keyboard) {
        push(f, 0xfa, false);
    }
}

static void plug(struct fake_8042 *f)
{
    static struct fake_io_device device;
    device = (struct fake_io_device){ 0x60, 5, controller_read, controller_write, f };
    fake_io_reset();
    fake_io_plug(&device);
}

static void ps2_keyboard_types(struct ktest *t)
{
    struct fake_8042 f = { .mode = 0x13 }; /* interrupts on, keyboard off, no translation */
    struct ps2_keyboard keyboard;
    plug(&f);
    push(&f, 0x1e, false); /* typed before: gone */
    KTEST_STATUS(t, ps2_keyboard_init(&keyboard), K_OK);
    KTEST_EQ(t, f.mode, 0x40);
    KTEST_TRUE(t, f.enabled);
    KTEST_EQ(t, ps2_keyboard_getc(&keyboard), (uint64_t)-1);
    push(&f, 0x30, false);
    push(&f, 0x1e, true); /* the mouse's */
    push(&f, 0xe0, false);
    push(&f, 0x53, false);
    char text[8] = { 0 };
    for (unsigned i = 0; i < 5; i++) {
        text[i] = (char)ps2_keyboard_getc(&keyboard); /* ASCII */
    }
    KTEST_STRING(t, text, "b\x1b[3~");
    KTEST_EQ(t, ps2_keyboard_getc(&keyboard), (uint64_t)-1);
    fake_io_reset();
}

static void ps2_keyboard_absent_or_hanging_is_no_keyboard(struct ktest *t)
{
    struct ps2_keyboard keyboard;
    fake_io_reset(); /* every port reads 0xff */
    KTEST_STATUS(t, ps2_keyboard_init(&keyboard), K_ENOENT);
    KTEST_EQ(t, ps2_keyboard_getc(&keyboard), (uint64_t)-1);
    struct fake_8042 deaf = { .deaf = true };
    plug(&deaf);
    KTEST_STATUS(t, ps2_keyboard_init(&keyboard), K_ETIMEDOUT);
    KTEST_FALSE(t, keyboard.present);
    KTEST_TRUE(t, deaf.reads < 200000);
    struct fake_8042 alone = { .no_keyboard = true };
    plug(&alone);
    KTEST_STATUS(t, ps2_keyboard_init(&keyboard), K_ETIMEDOUT);
    KTEST_TRUE(t, alone.reads < 200000);
    struct fake_8042 babbling = { .babbles = true, .no_keyboard = true };
    plug(&babbling);
    KTEST_STATUS(t, ps2_keyboard_init(&keyboard), K_ETIMEDOUT);
    KTEST_EQ(t, ps2_keyboard_getc(&keyboard), (uint64_t)-1);
    fake_io_reset();
}

static void ps2_keyboard_a_flood_of_releases_ends(struct ktest *t)
{
    struct fake_8042 f = { .mode = 0 };
    struct ps2_keyboard keyboard;
    plug(&f);
    KTEST_STATUS(t, ps2_keyboard_init(&keyboard), K_OK);
    f.babbles = true; /* 'a' for ever: each call gives one */
    KTEST_EQ(t, ps2_keyboard_getc(&keyboard), 'a');
    f.auxiliary[f.first % 64] = true; /* a mouse that never stops */
    f.reads = 0;
    KTEST_EQ(t, ps2_keyboard_getc(&keyboard), (uint64_t)-1);
    KTEST_TRUE(t, f.reads < 100);
    fake_io_reset();
}

static const struct ktest_case cases[] = {
    KTEST_CASE(ps2_letters_digits_and_shift),
    KTEST_CASE(ps2_control_gives_control_characters),
    KTEST_CASE(ps2_extended_keys_are_escape_sequences),
    KTEST_CASE(ps2_any_codes_type_at_most_four_bytes),
    KTEST_CASE(ps2_keyboard_types),
    KTEST_CASE(ps2_keyboard_absent_or_hanging_is_no_keyboard),
    KTEST_CASE(ps2_keyboard_a_flood_of_releases_ends),
};
KTEST_SUITE(dev_ps2_keyboard, "dev.ps2_keyboard", cases);
