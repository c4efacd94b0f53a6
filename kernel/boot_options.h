/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The command line as the kernel uses it, read once from bootinfo (design.md section 7).
 */
#ifndef KERNEL_BOOT_OPTIONS_H
#define KERNEL_BOOT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define BOOT_OPTIONS_PATTERN_BYTES 128U

struct boot_options {
    char test_pattern[BOOT_OPTIONS_PATTERN_BYTES]; /* "" = all */
    bool has_seed;
    uint64_t seed;
    bool exit;    /* leave QEMU with the verdict */
    bool memtest; /* test the free memory before the prompt */
    bool bench;   /* print the costs of the bring-up's parts */
    bool poison;  /* fill frames with junk when they are freed and handed out */
    bool serial;  /* write the console to the serial port */
    bool screen;  /* and to the screen; both, where no console= says otherwise */
};

/** Applies loglevel=, log=deferred and panic= at once, keeps the rest in @p options and logs every
 *  word that nobody knows. @param tsc_hz ticks per second, 0 = unknown */
void boot_options_apply(const char *command_line, uint64_t tsc_hz, struct boot_options *options);

#endif
