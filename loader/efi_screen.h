/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The screen: which framebuffer the firmware's graphics output has, and its modes (UEFI 2.10, 12.9
 * "Graphics Output Protocol"). What the firmware says is not trusted. Loader only; boot services
 * needed.
 */
#ifndef LOADER_EFI_SCREEN_H
#define LOADER_EFI_SCREEN_H

#include <stdint.h>

#include <efi.h>

#include "shared/bootinfo.h"

/** Fills the framebuffer from the graphics output's current mode (UEFI 2.10, 12.9); format NONE
 *  where there is no screen, or none that memory writes reach. */
void efi_screen_find(const EFI_SYSTEM_TABLE *system, struct bootinfo_framebuffer *screen);

/** Calls @p found for each mode that the graphics output has, 1000 at most; none without one. */
void efi_screen_list_modes(const EFI_SYSTEM_TABLE *system,
                           void (*found)(void *context, uint32_t width, uint32_t height),
                           void *context);

#endif
