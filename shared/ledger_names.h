/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What the loader's memory is for (enum bootinfo_purpose), in words for a person. A table only;
 * every world may include it.
 */
#ifndef SHARED_LEDGER_NAMES_H
#define SHARED_LEDGER_NAMES_H

#include "shared/bootinfo.h"

/** Name of @p purpose; "?" for a number that is none. */
static inline const char *bootinfo_purpose_name(uint32_t purpose)
{
    static const char *const names[] = {
        [BOOTINFO_PURPOSE_KERNEL_IMAGE] = "kernel image",
        [BOOTINFO_PURPOSE_BOOT_STACK] = "boot stack and its guard",
        [BOOTINFO_PURPOSE_PAGE_TABLES] = "hand-over tables",
        [BOOTINFO_PURPOSE_JUMP_PAGE] = "jump page",
        [BOOTINFO_PURPOSE_BOOTINFO] = "bootinfo",
        [BOOTINFO_PURPOSE_SCRATCH] = "scratch",
        [BOOTINFO_PURPOSE_BLACK_BOX] = "black box",
    };
    return purpose > 0 && purpose < sizeof(names) / sizeof(names[0]) ? names[purpose] : "?";
}

#endif
