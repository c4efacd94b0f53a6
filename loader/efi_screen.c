/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See efi_screen.h. Stateless.
 */
#include "efi_screen.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/bits.h"

#define MODES_MAX   1000U
#define PIXEL_BYTES 4U

/* The graphics output of the active console, else any. */
static EFI_GRAPHICS_OUTPUT_PROTOCOL *find_graphics(const EFI_SYSTEM_TABLE *system)
{
    EFI_BOOT_SERVICES *const services = system->BootServices;
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    void *interface = NULL;
    if (system->ConsoleOutHandle != NULL &&
        !EFI_ERROR(services->HandleProtocol(system->ConsoleOutHandle, &guid, &interface))) {
        return interface;
    }
    return EFI_ERROR(services->LocateProtocol(&guid, NULL, &interface)) ? NULL : interface;
}

static void set_pixel_format(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode,
                             struct bootinfo_framebuffer *screen)
{
    const EFI_PIXEL_BITMASK *const masks = &mode->PixelInformation;
    switch ((uint32_t)mode->PixelFormat) {
    case PixelRedGreenBlueReserved8BitPerColor:
        screen->format = BOOTINFO_PIXEL_RGB;
        screen->red_mask = 0x0000ff;
        screen->green_mask = 0x00ff00;
        screen->blue_mask = 0xff0000;
        screen->reserved_mask = 0xff000000;
        return;
    case PixelBlueGreenRedReserved8BitPerColor:
        screen->format = BOOTINFO_PIXEL_BGR;
        screen->red_mask = 0xff0000;
        screen->green_mask = 0x00ff00;
        screen->blue_mask = 0x0000ff;
        screen->reserved_mask = 0xff000000;
        return;
    case PixelBitMask:
        screen->format = BOOTINFO_PIXEL_MASKS;
        screen->red_mask = masks->RedMask;
        screen->green_mask = masks->GreenMask;
        screen->blue_mask = masks->BlueMask;
        screen->reserved_mask = masks->ReservedMask;
        return;
    default: /* PixelBltOnly, or something new */
        screen->format = BOOTINFO_PIXEL_NONE;
        return;
    }
}

/* Bytes that one pixel takes: the masks say it (UEFI 2.10, 12.9.2, EFI_PIXEL_BITMASK). */
static uint64_t pixel_bytes(const struct bootinfo_framebuffer *screen)
{
    const uint32_t all =
        screen->red_mask | screen->green_mask | screen->blue_mask | screen->reserved_mask;
    return all == 0 ? PIXEL_BYTES : bits_log2_floor(all) / 8 + 1;
}

static bool screen_is_sound(const struct bootinfo_framebuffer *screen)
{
    uint64_t end;
    const uint64_t needed_bytes = (uint64_t)screen->pitch * screen->height * pixel_bytes(screen);
    return screen->base != 0 && screen->width > 0 && screen->height > 0 &&
           screen->pitch >= screen->width && screen->pitch <= UINT16_MAX &&
           screen->height <= UINT16_MAX && needed_bytes <= screen->size &&
           !__builtin_add_overflow(screen->base, screen->size, &end);
}

void efi_screen_find(const EFI_SYSTEM_TABLE *system, struct bootinfo_framebuffer *screen)
{
    *screen = (struct bootinfo_framebuffer){ .format = BOOTINFO_PIXEL_NONE };
    const EFI_GRAPHICS_OUTPUT_PROTOCOL *const graphics = find_graphics(system);
    if (graphics == NULL || graphics->Mode == NULL || graphics->Mode->Info == NULL) {
        return;
    }
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *const mode = graphics->Mode->Info;
    struct bootinfo_framebuffer found = { .base = graphics->Mode->FrameBufferBase,
                                          .size = graphics->Mode->FrameBufferSize,
                                          .width = mode->HorizontalResolution,
                                          .height = mode->VerticalResolution,
                                          .pitch = mode->PixelsPerScanLine };
    set_pixel_format(mode, &found);
    if (found.format != BOOTINFO_PIXEL_NONE && screen_is_sound(&found)) {
        *screen = found;
    }
}

void efi_screen_list_modes(const EFI_SYSTEM_TABLE *system,
                           void (*found)(void *context, uint32_t width, uint32_t height),
                           void *context)
{
    EFI_GRAPHICS_OUTPUT_PROTOCOL *const graphics = find_graphics(system);
    const uint32_t count = graphics == NULL || graphics->Mode == NULL ? 0 : graphics->Mode->MaxMode;
    for (uint32_t i = 0; i < count && i < MODES_MAX; i++) {
        EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode = NULL;
        UINTN size_bytes = 0;
        if (EFI_ERROR(graphics->QueryMode(graphics, i, &size_bytes, &mode)) || mode == NULL) {
            continue;
        }
        found(context, mode->HorizontalResolution, mode->VerticalResolution);
        (void)system->BootServices->FreePool(mode); /* nothing to do where it fails */
    }
}
