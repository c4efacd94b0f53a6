/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See efi_screen.h. Stateless.
 */
#include "efi_screen.h"

#include <stdbool.h>
#include <stddef.h>

#include "efi_alloc.h"
#include "efi_map.h"
#include "lib/bits.h"

/* EDK2, MdeModulePkg/Include/Guid/ConsoleOutDevice.h. */
#define CONSOLE_OUT_DEVICE_GUID                            \
    {                                                      \
        0xd3b36f2c, 0xd551, 0x11d4,                        \
        {                                                  \
            0x9a, 0x46, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d \
        }                                                  \
    }
#define MODES_MAX   1000U
#define PIXEL_BYTES 4U
#define NO_OUTPUT   "no graphics output"

/* ---- one of them --------------------------------------------------------------------------------
 */

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

static bool may_be_ram(EFI_BOOT_SERVICES *services, uint64_t start, uint64_t end)
{
    struct efi_map_copy copy;
    if (efi_alloc_read_map(services, &copy) != K_OK) {
        return true; /* nothing says that it is none */
    }
    const bool is_ram = efi_map_touches_ram(&copy.map, start, end);
    efi_alloc_release_map(services, &copy);
    return is_ram;
}

/* Makes the framebuffer's size what its mode needs, which is all that UEFI gives it (2.10, 12.9.2).
 * A size that says more would make RAM behind it the screen's. One that says less comes from
 * firmware that forgot what lies between two lines, or from a mode that is wrong: it counts where
 * no pixel can hit RAM.
 * @return what makes it unusable, or NULL */
static const char *check_screen(struct bootinfo_framebuffer *screen, EFI_BOOT_SERVICES *services,
                                uint32_t phys_bits)
{
    if (screen->format == BOOTINFO_PIXEL_NONE) {
        return "only the firmware can draw on it";
    }
    if (screen->width == 0 || screen->height == 0) {
        return "a mode without pixels";
    }
    if (screen->pitch < screen->width) {
        return "lines longer than their distance";
    }
    if (screen->pitch > UINT16_MAX || screen->height > UINT16_MAX) {
        return "a mode larger than any";
    }
    const uint64_t needed_bytes = (uint64_t)screen->pitch * screen->height * pixel_bytes(screen);
    if (screen->base == 0 || needed_bytes > BIT(phys_bits) ||
        screen->base > BIT(phys_bits) - needed_bytes) {
        return "an address that this CPU does not have";
    }
    if (needed_bytes > screen->size &&
        may_be_ram(services, screen->base, screen->base + needed_bytes)) {
        return "a framebuffer smaller than its mode, and RAM where that would be";
    }
    screen->size = needed_bytes;
    return NULL;
}

/* @return NULL: @p screen is the framebuffer of @p graphics, and can be believed; else why not */
static const char *describe(const EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics,
                            EFI_BOOT_SERVICES *services, uint32_t phys_bits,
                            struct bootinfo_framebuffer *screen)
{
    if (graphics == NULL || graphics->Mode == NULL || graphics->Mode->Info == NULL) {
        return NO_OUTPUT;
    }
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *const mode = graphics->Mode->Info;
    *screen = (struct bootinfo_framebuffer){ .base = graphics->Mode->FrameBufferBase,
                                             .size = graphics->Mode->FrameBufferSize,
                                             .width = mode->HorizontalResolution,
                                             .height = mode->VerticalResolution,
                                             .pitch = mode->PixelsPerScanLine };
    set_pixel_format(mode, screen);
    return check_screen(screen, services, phys_bits);
}

/* ---- which one ----------------------------------------------------------------------------------
 */

/* What speaks for an output, the stronger the larger. */
enum {
    IS_CONSOLE_DEVICE = 1, /* one of those that show the firmware's text */
    HAS_MONITOR = 2,       /* which said what it is */
    IS_CONSOLE = 4,        /* the active one: what the user looks at */
};

struct output {
    EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics;
    struct bootinfo_framebuffer framebuffer;
    unsigned merits; /* a sum of these */
};

struct outputs {
    EFI_GRAPHICS_OUTPUT_PROTOCOL *first; /* with a framebuffer or without; NULL: none at all */
    const char *why_not_first;           /* why that one has none; NULL: it has one */
    struct output list[EFI_SCREENS_MAX]; /* those with one */
    uint32_t count;
    uint32_t phys_bits;
    EFI_BOOT_SERVICES *services;
};

static EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics_of(EFI_BOOT_SERVICES *services, EFI_HANDLE handle)
{
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    void *interface = NULL;
    return EFI_ERROR(services->HandleProtocol(handle, &guid, &interface)) ? NULL : interface;
}

/* EDK2 marks the handles of devices that its console uses. */
static bool is_console_device(EFI_BOOT_SERVICES *services, EFI_HANDLE handle)
{
    EFI_GUID guid = CONSOLE_OUT_DEVICE_GUID;
    void *interface = NULL; /* and stays so: it is a mark */
    return !EFI_ERROR(services->HandleProtocol(handle, &guid, &interface));
}

/* EFI_EDID_ACTIVE_PROTOCOL (UEFI 2.10, 12.9.2) has no bytes where no monitor said what it is. */
static bool has_monitor(EFI_BOOT_SERVICES *services, EFI_HANDLE handle)
{
    EFI_GUID guid = EFI_EDID_ACTIVE_PROTOCOL_GUID;
    void *interface = NULL;
    const EFI_STATUS status = services->HandleProtocol(handle, &guid, &interface);
    const EFI_EDID_ACTIVE_PROTOCOL *const active = interface;
    return !EFI_ERROR(status) && active != NULL && active->SizeOfEdid != 0;
}

static unsigned merits_of(EFI_BOOT_SERVICES *services, EFI_HANDLE handle)
{
    return (is_console_device(services, handle) ? IS_CONSOLE_DEVICE : 0U) |
           (has_monitor(services, handle) ? HAS_MONITOR : 0U);
}

/* The output with that framebuffer, or NULL. A splitter shows the picture of its only output: one
 * framebuffer, two handles. */
static struct output *find_output(struct outputs *outputs, uint64_t base)
{
    for (uint32_t i = 0; i < outputs->count; i++) {
        if (outputs->list[i].framebuffer.base == base) {
            return &outputs->list[i];
        }
    }
    return NULL;
}

static void add(struct outputs *outputs, EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics, unsigned merits)
{
    struct bootinfo_framebuffer framebuffer;
    const char *const why_not =
        describe(graphics, outputs->services, outputs->phys_bits, &framebuffer);
    if (outputs->first == NULL) {
        outputs->first = graphics;
        outputs->why_not_first = why_not;
    }
    struct output *const known = why_not == NULL ? find_output(outputs, framebuffer.base) : NULL;
    if (known != NULL) {
        known->merits |= merits;
    } else if (why_not == NULL && outputs->count < EFI_SCREENS_MAX) {
        outputs->list[outputs->count++] = (struct output){ graphics, framebuffer, merits };
    }
}

/* Fills @p outputs, which has phys_bits and services only. The active console's comes first, where
 * it has a framebuffer: it is what the user looks at. In front of several outputs EDK2's console is
 * a splitter, which has none. */
static void find_outputs(const EFI_SYSTEM_TABLE *system, struct outputs *outputs)
{
    EFI_BOOT_SERVICES *const services = outputs->services;
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;
    if (system->ConsoleOutHandle != NULL) {
        add(outputs, graphics_of(services, system->ConsoleOutHandle), IS_CONSOLE);
    }
    if (EFI_ERROR(services->LocateHandleBuffer(ByProtocol, &guid, NULL, &count, &handles)) ||
        handles == NULL) {
        return;
    }
    for (UINTN i = 0; i < count; i++) {
        add(outputs, graphics_of(services, handles[i]), merits_of(services, handles[i]));
    }
    (void)services->FreePool(handles); /* nothing to do where it fails */
}

/* The one that is asked for; else the first of those for which most speaks. Linux looks at the mark
 * of the console's devices only (drivers/firmware/efi/libstub/gop.c); without a monitor on it that
 * would be the one that stays dark. @return its place in the list, which is not empty */
static uint32_t choose(const struct outputs *outputs, uint64_t wanted)
{
    if (wanted > 0 && wanted <= outputs->count) {
        return (uint32_t)wanted - 1;
    }
    uint32_t best = 0;
    for (uint32_t i = 1; i < outputs->count; i++) {
        if (outputs->list[i].merits > outputs->list[best].merits) {
            best = i;
        }
    }
    return best;
}

void efi_screen_find(const EFI_SYSTEM_TABLE *system, uint32_t phys_bits, uint64_t wanted,
                     struct efi_screen *screen)
{
    struct outputs outputs = { .services = system->BootServices,
                               .phys_bits = phys_bits,
                               .why_not_first = NO_OUTPUT };
    find_outputs(system, &outputs);
    *screen = (struct efi_screen){ .graphics = outputs.first,
                                   .framebuffer = { .format = BOOTINFO_PIXEL_NONE },
                                   .why_none = outputs.why_not_first };
    if (outputs.count > 0) {
        const uint32_t chosen = choose(&outputs, wanted);
        screen->graphics = outputs.list[chosen].graphics;
        screen->framebuffer = outputs.list[chosen].framebuffer;
        screen->why_none = NULL;
        screen->number = chosen + 1;
        screen->count = outputs.count;
    }
}

void efi_screen_list_modes(const struct efi_screen *screen, EFI_BOOT_SERVICES *services,
                           void (*found)(void *context, uint32_t width, uint32_t height),
                           void *context)
{
    EFI_GRAPHICS_OUTPUT_PROTOCOL *const graphics = screen->graphics;
    const uint32_t count = graphics == NULL || graphics->Mode == NULL ? 0 : graphics->Mode->MaxMode;
    for (uint32_t i = 0; i < count && i < MODES_MAX; i++) {
        EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode = NULL;
        UINTN size_bytes = 0;
        if (EFI_ERROR(graphics->QueryMode(graphics, i, &size_bytes, &mode)) || mode == NULL) {
            continue;
        }
        found(context, mode->HorizontalResolution, mode->VerticalResolution);
        (void)services->FreePool(mode); /* nothing to do where it fails */
    }
}
