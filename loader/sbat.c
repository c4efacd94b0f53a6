/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The section .sbat: under which name and generation shim's revocation list (SBAT) knows this
 * program. Read by shim from the file, never by us. The generation goes up by one with a release
 * that closes a hole in Secure Boot, and never else (docs/secure-boot.md).
 */
#include "lib/compiler.h"

/* Six fields a line, comma-separated, ended by a line feed: component, generation, vendor,
 * package, version, where to read more (shim's SBAT.md, "The SBAT section"). */
#define SBAT_TEXT                                                                   \
    "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n" \
    "firstlight,1,Firstlight,firstlight," FIRSTLIGHT_VERSION ",docs/secure-boot.md\n"

/* Without the NUL: the section's size is the text's. */
IN_SECTION(".sbat") static const char sbat[sizeof(SBAT_TEXT) - 1] = SBAT_TEXT;
