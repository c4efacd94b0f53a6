/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/start_menu.c: what keys choose, how long it waits, and that every combination of choices
 * fits and names only words that somebody knows.
 */
#include "start_menu.h"

#include <string.h>

#include "command_line.h"
#include "tests/ktest.h"

/* A person who types `keys`, one a poll from poll `first` on; '.' is no key. */
struct person {
    const char *keys;
    uint32_t first;
    bool hangs; /* the last key for ever */
    uint32_t polls;
    uint32_t pauses_left; /* then pause() fails */
    uint32_t countdowns;
    char shown[8192];
};

static char read_key(void *context)
{
    struct person *const person = context;
    const uint32_t poll = person->polls++;
    if (poll < person->first) {
        return 0;
    }
    const size_t length = strlen(person->keys);
    const size_t at = poll - person->first;
    if (at >= length) {
        return person->hangs ? person->keys[length - 1] : '\0';
    }
    return person->keys[at] == '.' ? '\0' : person->keys[at];
}

static void print(void *context, const char *text)
{
    struct person *const person = context;
    person->countdowns += strstr(text, "boots, as does waiting") != NULL ? 1 : 0;
    if (strlen(person->shown) + strlen(text) + 2 < sizeof(person->shown)) {
        strcat(strcat(person->shown, text), "\n");
    }
}

static bool pause(void *context)
{
    struct person *const person = context;
    return person->pauses_left-- > 0;
}

static const struct start_menu_ops ops = { .read_key = read_key, .print = print, .pause = pause };

static struct person person;
static char words[START_MENU_WORDS_BYTES];

/* Lets somebody type; the words are in `words` then. */
static void type(const char *keys, uint32_t first)
{
    struct start_menu_choice choice;
    person = (struct person){ .keys = keys, .first = first, .pauses_left = 100000 };
    start_menu_run(&ops, &person, &choice);
    (void)start_menu_words(&choice, words);
}

static void menu_without_a_key_boots_after_five_seconds(struct ktest *t)
{
    type("", 0);
    KTEST_STRING(t, words, "");
    KTEST_EQ(t, person.polls, START_MENU_SECONDS * START_MENU_POLLS);
    KTEST_EQ(t, person.countdowns, START_MENU_SECONDS);
    KTEST_TRUE(t, strstr(person.shown, "waiting 5 seconds\n") != NULL);
    KTEST_TRUE(t, strstr(person.shown, "waiting 1 seconds\n") != NULL);
}

static void menu_enter_and_b_boot_at_once(struct ktest *t)
{
    static const char *const keys[] = { "\r", "\n", "b", "B" };
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        type(keys[i], 3);
        KTEST_EQ(t, person.polls, 4);
        KTEST_STRING(t, words, "");
    }
}

static void menu_keys_choose_words_and_go_round(struct ktest *t)
{
    static const struct {
        const char *keys;
        const char *words;
    } rows[] = {
        { "r\r", "dryrun " },
        { "R\r", "dryrun " },
        { "rr\r", "" },
        { "t\r", "test=* " },
        { "tt\r", "test=none " },
        { "ttt\r", "" },
        { "m\r", "memtest " },
        { "v\r", "loglevel=7 " },
        { "vv\r", "loglevel=3 " },
        { "ss\r", "acpi=nospcr console=fb console=ttyS1 " },
        { "sssss\r", "" },
        { "?x.\x7fr.t\r", "test=* dryrun " },
        { "\x12\r", "" }, /* no capital of any key */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        type(rows[i].keys, 0);
        KTEST_STRING(t, words, rows[i].words);
    }
    type("r\r", 0);
    KTEST_TRUE(t, strstr(person.shown, "start menu: r  report only: yes\n") != NULL);
}

static void menu_choice_gives_more_time_and_is_kept_at_its_end(struct ktest *t)
{
    type("r", 50);
    KTEST_STRING(t, words, "dryrun ");
    KTEST_EQ(t, person.polls, 50 + START_MENU_MORE_SECONDS * START_MENU_POLLS);
    type("x", 50); /* no key of the menu: no more time */
    KTEST_EQ(t, person.polls, START_MENU_SECONDS * START_MENU_POLLS);
}

static void menu_key_that_hangs_ends_it(struct ktest *t)
{
    static const char *const keys[] = { "r", "s", "x", " " };
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        struct start_menu_choice choice;
        person = (struct person){ .keys = keys[i], .hangs = true, .pauses_left = 100000 };
        start_menu_run(&ops, &person, &choice);
        KTEST_TRUE(t, person.polls <= START_MENU_SECONDS * START_MENU_POLLS);
    }
}

static void menu_clock_that_fails_boots(struct ktest *t)
{
    struct start_menu_choice choice;
    person = (struct person){ .keys = "r", .pauses_left = 0 };
    start_menu_run(&ops, &person, &choice);
    KTEST_EQ(t, person.polls, 1);
    KTEST_TRUE(t, start_menu_words(&choice, words) > 0);
}

/* Counts through all combinations like an odometer: the keys' own order of values. */
static void menu_every_combination_fits_and_is_known(struct ktest *t)
{
    static const uint8_t values[START_MENU_ITEMS] = { 3, 2, 2, 3, 5 };
    struct start_menu_choice choice = { { 0 } };
    for (size_t i = 0; i < START_MENU_ITEMS;) {
        const size_t length = start_menu_words(&choice, words);
        size_t chosen = 0;
        for (size_t j = 0; j < START_MENU_ITEMS; j++) {
            chosen += choice.chosen[j] == 0 ? 0 : j == START_MENU_ITEMS - 1 ? 3 : 1;
        }
        size_t found = 0;
        for (size_t j = 0; j < length; j++) {
            found += words[j] == ' ' ? 1 : 0;
        }
        KTEST_EQ(t, found, chosen);
        const char *cursor = words;
        struct command_line_word word;
        KTEST_TRUE(t, !command_line_next_unknown(&cursor, &word));
        KTEST_TRUE(t, !command_line_has(words, "kernel") && !command_line_has(words, "mem"));
        for (i = 0; i < START_MENU_ITEMS && ++choice.chosen[i] == values[i]; i++) {
            choice.chosen[i] = 0;
        }
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(menu_without_a_key_boots_after_five_seconds),
    KTEST_CASE(menu_enter_and_b_boot_at_once),
    KTEST_CASE(menu_keys_choose_words_and_go_round),
    KTEST_CASE(menu_choice_gives_more_time_and_is_kept_at_its_end),
    KTEST_CASE(menu_key_that_hangs_ends_it),
    KTEST_CASE(menu_clock_that_fails_boots),
    KTEST_CASE(menu_every_combination_fits_and_is_known),
};

KTEST_SUITE(start_menu, "loader.start_menu", cases);
