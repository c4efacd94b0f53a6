/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The screen: which of the firmware's graphics outputs is used, its framebuffer and its modes (UEFI
 * 2.10, 12.9 "Graphics Output Protocol"). What the firmware says is not trusted. Loader only; boot
 * services needed.
 */
#ifndef LOADER_EFI_SCREEN_H
#define LOADER_EFI_SCREEN_H

#include <stdint.h>

#include <efi.h>

#include "shared/bootinfo.h"

/** Framebuffers that are looked at; more are left alone. */
#define EFI_SCREENS_MAX 8U

/** The graphics output that is used. */
struct efi_screen {
    EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics;  /* NULL: the firmware has none */
    struct bootinfo_framebuffer framebuffer; /* format NONE: none that memory writes reach */
    const char *why_none; /* for a person, of the first output; NULL: there is a framebuffer */
    uint32_t number;      /* 1 .. count, what screen= takes; 0: no framebuffer */
    uint32_t count;       /* outputs with a framebuffer */
};

/**
 * Finds the screen in its current mode: that of the active console where it has a framebuffer, else
 * one with a monitor (an EDID), else one that the console uses, else any.
 * @param phys_bits  MAXPHYADDR
 * @param wanted     1 .. count: that one; anything else: no wish
 */
void efi_screen_find(const EFI_SYSTEM_TABLE *system, uint32_t phys_bits, uint64_t wanted,
                     struct efi_screen *screen);

/** Calls @p found for each mode that the graphics output has, 1000 at most; none without one. */
void efi_screen_list_modes(const struct efi_screen *screen, EFI_BOOT_SERVICES *services,
                           void (*found)(void *context, uint32_t width, uint32_t height),
                           void *context);

#endif
