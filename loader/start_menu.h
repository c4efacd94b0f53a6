/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The start menu: what a person at the machine can ask of this boot without editing a file. Each
 * choice becomes words of the command line; none makes a boot impossible, since they name only
 * things that are passed over where they are not there. A countdown boots when nobody chooses.
 * Pure over its operations; loader and host.
 */
#ifndef LOADER_START_MENU_H
#define LOADER_START_MENU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define START_MENU_SECONDS      5U  /* without any choice */
#define START_MENU_MORE_SECONDS 30U /* from a choice on */
#define START_MENU_POLLS        20U /* in a second */
#define START_MENU_CHOICES_MAX  64U /* then it boots: a key hangs */
#define START_MENU_ITEMS        5U
#define START_MENU_WORDS_BYTES  128U /* all words that can be chosen at once, with the NUL */

struct start_menu_ops {
    /** A key that was pressed, 0 where none was. */
    char (*read_key)(void *context);
    /** Shows one line. */
    void (*print)(void *context, const char *text);
    /** Waits a second / START_MENU_POLLS. @return whether it could; where not, the menu ends */
    bool (*pause)(void *context);
};

/** For each item the number of what was chosen; 0: as the command line says. */
struct start_menu_choice {
    uint8_t chosen[START_MENU_ITEMS];
};

/** Shows the menu until Enter or `b`, or until its time is over. Bounded, whatever the keys do. */
void start_menu_run(const struct start_menu_ops *ops, void *context,
                    struct start_menu_choice *choice);

/** The words of @p choice, NUL-terminated, "" where nothing was chosen. @return their length */
size_t start_menu_words(const struct start_menu_choice *choice, char text[START_MENU_WORDS_BYTES]);

#endif
