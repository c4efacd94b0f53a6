/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Where the command line comes from: \firstlight\cmdline.txt, then the firmware's LoadOptions
 * (UTF-16, perhaps unterminated, perhaps with the program's own name first); later wins, so they
 * are joined in that order. Hostile input. Pure; loader and host.
 */
#ifndef LOADER_OPTIONS_H
#define LOADER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kstatus.h"

/** The configuration file, on the volume that the loader came from. */
#define OPTIONS_FILE "\\firstlight\\cmdline.txt"

/** Longest command line that is kept, bytes with the NUL; what is longer is cut at a word. */
#define OPTIONS_MAX_BYTES 4096U

/** A command line under construction: words joined by one space, NUL-terminated, printable. */
struct options {
    char text[OPTIONS_MAX_BYTES];
    size_t length; /* bytes without the NUL */
    bool truncated;
    uint32_t replaced; /* characters that were not printable ASCII, shown as '?' */
};

void options_init(struct options *options);

/** Appends the bytes of cmdline.txt: any bytes, CR and LF separate words, a UTF-8 BOM is dropped,
 *  a line that starts with '#' is a comment. A word may hold spaces inside "..."; a quote that is
 *  open at the end of its line is closed. A word that does not fit is left out whole, with all of
 *  the source behind it; a later source is still tried. */
void options_append_text(struct options *options, const void *bytes, size_t size_bytes);

/** Appends LoadOptions: UTF-16LE of @p size_bytes (may be odd, unterminated, with BOM, NULL); a
 *  first word that ends in ".efi" (any case) is the program's own name and dropped. Where it is a
 *  whole EFI_LOAD_OPTION, which Dell's firmware passes, the text is what stands behind its device
 *  path.
 *  @spec UEFI 2.10, 3.1.3 "Load Options", 9.1.1 EFI_LOADED_IMAGE_PROTOCOL; what Dell does: Linux
 *        commit 4a568ce29d3f */
void options_append_load_options(struct options *options, const void *utf16, size_t size_bytes);

#endif
