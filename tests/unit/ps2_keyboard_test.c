/* SPDX-License-Identifier: GPL-2.0-only
 *
 * dev/ps2_scancodes and dev/ps2_keyboard: what keys type, and controllers that are not there, hang
 * or have a mouse.
 */
#include "dev/ps2_keyboard.h"

#include <string.h>

#include "lib/compiler.h"
#include "lib/random.h"
#include "tests/fake/fake_cpu.h"
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

#define HZ     UINT64_C(1000000000) /* of the fake TSC: a tick is a nanosecond */
#define A_READ 1000U                /* ticks that a port read takes, as a rule */
#define MS     (HZ / 1000)

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
    bool slow;        /* the first look after a write finds the input buffer full */
    bool drifts;      /* the mode is another one at each read */
    unsigned resends; /* commands that the keyboard wants again before it takes one */
    unsigned late;    /* keys (of code 0x1e) that come before the answer to the next commands */
    bool is_taking;
    unsigned reads;
    uint32_t read_ticks; /* 0: A_READ */
    uint64_t lag_ticks;  /* from the last byte to the next, and from a write to the answer */
    uint64_t next_at;    /* when the next byte can be read */
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
    const bool full = (f->first != f->end || f->babbles) && fake_cpu.tsc >= f->next_at;
    f->reads++;
    fake_cpu.tsc += f->read_ticks != 0 ? f->read_ticks : A_READ;
    if (offset == 4) {
        const bool takes = f->is_taking;
        f->is_taking = false;
        return (uint8_t)((full ? 1 : 0) | (f->deaf || takes ? 2 : 0) |
                         (full && f->auxiliary[f->first % 64] ? 0x20 : 0));
    }
    f->next_at = fake_cpu.tsc + f->lag_ticks;
    if (f->first == f->end) {
        return 0x1e;
    }
    return f->queue[f->first++ % 64];
}

static void controller_write(void *context, uint16_t offset, uint8_t value)
{
    struct fake_8042 *const f = context;
    f->is_taking = f->slow;
    f->next_at = fake_cpu.tsc + f->lag_ticks;
    if (offset == 4) {
        f->command = value == 0x60 ? value : 0;
        f->enabled = value == 0xae ? true : value == 0xad ? false : f->enabled;
        if (value == 0x20) {
            if (f->late > 0) {
                f->late--;
                push(f, 0x1e, false);
            }
            push(f, f->mode, false);
            f->mode = (uint8_t)(f->mode + (f->drifts ? 4 : 0)); /* wraps */
        }
    } else if (f->command == 0x60) {
        f->mode = value;
        f->command = 0;
    } else if (value == 0xf4 && !f->no_keyboard) {
        push(f, f->resends > 0 ? 0xfe : 0xfa, false);
        f->resends -= f->resends > 0 ? 1 : 0;
    }
}

static void plug(struct fake_8042 *f)
{
    static struct fake_io_device device;
    device = (struct fake_io_device){ 0x60, 5, controller_read, controller_write, f };
    fake_io_reset();
    fake_io_plug(&device);
}

/* Plugs @p f in and looks for a keyboard. @return ticks that it took */
static uint64_t init(struct ktest *t, struct fake_8042 *f, struct ps2_keyboard *keyboard,
                     enum kstatus expected)
{
    plug(f);
    const uint64_t start = fake_cpu.tsc;
    KTEST_STATUS(t, ps2_keyboard_init(keyboard, HZ), expected);
    KTEST_EQ(t, keyboard->present, expected == K_OK);
    return fake_cpu.tsc - start;
}

static void ps2_keyboard_types(struct ktest *t)
{
    struct fake_8042 f = { .mode = 0x13 }; /* interrupts on, keyboard off, no translation */
    struct ps2_keyboard keyboard;
    plug(&f);
    push(&f, 0x1e, false); /* typed before: gone */
    KTEST_STATUS(t, ps2_keyboard_init(&keyboard, HZ), K_OK);
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

static void ps2_keyboard_absent_is_seen_at_once(struct ktest *t)
{
    struct ps2_keyboard keyboard;
    fake_io_reset(); /* every port reads 0xff */
    const uint64_t start = fake_cpu.tsc;
    KTEST_STATUS(t, ps2_keyboard_init(&keyboard, HZ), K_ENOENT);
    KTEST_TRUE(t, fake_cpu.tsc - start < 10);
    KTEST_FALSE(t, keyboard.present);
    KTEST_EQ(t, ps2_keyboard_getc(&keyboard), (uint64_t)-1);
}

static void ps2_keyboard_hanging_or_babbling_controller_is_no_keyboard(struct ktest *t)
{
    struct ps2_keyboard keyboard;
    struct fake_8042 deaf = { .deaf = true };
    (void)init(t, &deaf, &keyboard, K_ETIMEDOUT); /* the time: below */
    struct fake_8042 babbling = { .babbles = true, .no_keyboard = true };
    KTEST_TRUE(t, init(t, &babbling, &keyboard, K_EIO) < MS);
    KTEST_EQ(t, ps2_keyboard_getc(&keyboard), (uint64_t)-1);
    struct fake_8042 drifting = { .drifts = true };
    KTEST_TRUE(t, init(t, &drifting, &keyboard, K_EIO) < MS);
    KTEST_TRUE(t, drifting.end <= 10);
    fake_io_reset();
}

/* Where the firmware traps the ports, a read takes a hundred times as long, a wait does not. */
static void ps2_keyboard_waits_a_quarter_of_a_second(struct ktest *t)
{
    static const uint32_t read_ticks[] = { A_READ, 100 * A_READ };
    struct ps2_keyboard keyboard;
    for (size_t i = 0; i < ARRAY_COUNT(read_ticks); i++) {
        struct fake_8042 deaf = { .deaf = true, .read_ticks = read_ticks[i] };
        const uint64_t ticks = init(t, &deaf, &keyboard, K_ETIMEDOUT);
        KTEST_TRUE(t, ticks >= 250 * MS && ticks < 252 * MS);
        struct fake_8042 alone = { .no_keyboard = true, .read_ticks = read_ticks[i] };
        const uint64_t more = init(t, &alone, &keyboard, K_OK);
        KTEST_TRUE(t, more >= 250 * MS && more < 260 * MS);
        struct fake_8042 good = { .read_ticks = read_ticks[i] };
        KTEST_TRUE(t, init(t, &good, &keyboard, K_OK) < 10 * MS);
    }
    fake_io_reset();
}

/* Each answer comes just in time, and there is always one more to wait for. */
static void ps2_keyboard_waits_a_second_in_all(struct ktest *t)
{
    struct ps2_keyboard keyboard;
    struct fake_8042 drifting = { .drifts = true, .lag_ticks = 240 * MS };
    uint64_t ticks = init(t, &drifting, &keyboard, K_ETIMEDOUT);
    KTEST_TRUE(t, ticks >= 1000 * MS && ticks < 1010 * MS);
    struct fake_8042 again = { .resends = 100, .lag_ticks = 240 * MS };
    ticks = init(t, &again, &keyboard, K_OK);
    KTEST_FALSE(t, keyboard.answers);
    KTEST_TRUE(t, ticks >= 1000 * MS && ticks < 1010 * MS);
    struct fake_8042 slow = { .lag_ticks = 240 * MS };
    KTEST_TRUE(t, init(t, &slow, &keyboard, K_OK) < 1000 * MS);
    KTEST_TRUE(t, keyboard.answers);
    fake_io_reset();
}

/* A guest that was not run for a second, or a long trap, in the middle of a wait. */
static void ps2_keyboard_looks_once_more_when_the_time_is_over(struct ktest *t)
{
    struct ps2_keyboard keyboard;
    struct fake_8042 f = { .slow = true, .read_ticks = 1000000 * A_READ };
    (void)init(t, &f, &keyboard, K_OK);
    KTEST_TRUE(t, keyboard.answers);
    fake_io_reset();
}

static void ps2_keyboard_without_a_clock_counts_reads(struct ktest *t)
{
    struct ps2_keyboard keyboard;
    struct fake_8042 deaf = { .deaf = true };
    plug(&deaf);
    KTEST_STATUS(t, ps2_keyboard_init(&keyboard, 0), K_ETIMEDOUT);
    KTEST_TRUE(t, deaf.reads > 20000 && deaf.reads < 100000);
    struct fake_8042 good = { .mode = 0 };
    plug(&good);
    KTEST_STATUS(t, ps2_keyboard_init(&keyboard, 0), K_OK);
    fake_io_reset();
}

static void ps2_keyboard_gets_a_command_again_that_it_did_not_understand(struct ktest *t)
{
    struct ps2_keyboard keyboard;
    struct fake_8042 twice = { .resends = 2 };
    (void)init(t, &twice, &keyboard, K_OK);
    KTEST_TRUE(t, keyboard.answers);
    KTEST_EQ(t, twice.resends, 0);
    struct fake_8042 always = { .resends = 100 };
    KTEST_TRUE(t, init(t, &always, &keyboard, K_OK) < MS);
    KTEST_FALSE(t, keyboard.answers);
    KTEST_EQ(t, always.resends, 96); /* once, and three times again */
    fake_io_reset();
}

/* There are keyboards that take no command and type. */
static void ps2_keyboard_that_does_not_answer_may_type(struct ktest *t)
{
    struct fake_8042 f = { .no_keyboard = true };
    struct ps2_keyboard keyboard;
    (void)init(t, &f, &keyboard, K_OK);
    KTEST_FALSE(t, keyboard.answers);
    KTEST_EQ(t, f.mode, 0x40);
    KTEST_TRUE(t, f.enabled);
    push(&f, 0x30, false);
    KTEST_EQ(t, ps2_keyboard_getc(&keyboard), 'b');
    fake_io_reset();
}

static void ps2_keyboard_key_before_the_mode_is_not_the_mode(struct ktest *t)
{
    for (unsigned late = 1; late <= 4; late++) {
        struct fake_8042 f = { .mode = 0x25, .late = late };
        struct ps2_keyboard keyboard;
        (void)init(t, &f, &keyboard, K_OK);
        KTEST_TRUE(t, keyboard.answers);
        KTEST_EQ(t, f.mode, 0x64);
        KTEST_EQ(t, ps2_keyboard_getc(&keyboard), (uint64_t)-1);
    }
    fake_io_reset();
}

static void ps2_keyboard_a_flood_of_releases_ends(struct ktest *t)
{
    struct fake_8042 f = { .mode = 0 };
    struct ps2_keyboard keyboard;
    plug(&f);
    KTEST_STATUS(t, ps2_keyboard_init(&keyboard, HZ), K_OK);
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
    KTEST_CASE(ps2_keyboard_absent_is_seen_at_once),
    KTEST_CASE(ps2_keyboard_hanging_or_babbling_controller_is_no_keyboard),
    KTEST_CASE(ps2_keyboard_waits_a_quarter_of_a_second),
    KTEST_CASE(ps2_keyboard_waits_a_second_in_all),
    KTEST_CASE(ps2_keyboard_looks_once_more_when_the_time_is_over),
    KTEST_CASE(ps2_keyboard_without_a_clock_counts_reads),
    KTEST_CASE(ps2_keyboard_gets_a_command_again_that_it_did_not_understand),
    KTEST_CASE(ps2_keyboard_that_does_not_answer_may_type),
    KTEST_CASE(ps2_keyboard_key_before_the_mode_is_not_the_mode),
    KTEST_CASE(ps2_keyboard_a_flood_of_releases_ends),
};
KTEST_SUITE(dev_ps2_keyboard, "dev.ps2_keyboard", cases);
