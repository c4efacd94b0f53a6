/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See efi_tables.h. Stateless. gnu-efi's headers lack some GUIDs and one protocol, which stand
 * here.
 */
#include "efi_tables.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/string.h"

/* UEFI 2.10, 23.4 "EFI System Resource Table". */
#define ESRT_GUID                                          \
    {                                                      \
        0xb122a263, 0x3661, 0x4f68,                        \
        {                                                  \
            0x99, 0x29, 0x78, 0xf8, 0xb0, 0xd6, 0x21, 0x80 \
        }                                                  \
    }
/* UEFI 2.10, 4.6.4 "EFI_MEMORY_ATTRIBUTES_TABLE". */
#define MEMORY_ATTRIBUTES_TABLE_GUID                       \
    {                                                      \
        0xdcfa911d, 0x26eb, 0x469f,                        \
        {                                                  \
            0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20 \
        }                                                  \
    }
/* TCG EFI Protocol Specification, family 2.0, "EFI_TCG2_FINAL_EVENTS_TABLE". */
#define FINAL_EVENTS_TABLE_GUID                            \
    {                                                      \
        0x1e2ed096, 0x30e2, 0x4254,                        \
        {                                                  \
            0xbd, 0x89, 0x86, 0x3b, 0xbe, 0xf8, 0x23, 0x25 \
        }                                                  \
    }
/* UEFI 2.10, 37.1 "EFI_MEMORY_ATTRIBUTE_PROTOCOL". */
#define MEMORY_ATTRIBUTE_GUID                              \
    {                                                      \
        0xf4560cf6, 0x40ec, 0x4b4a,                        \
        {                                                  \
            0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1, 0x89 \
        }                                                  \
    }
/* TCG EFI Protocol Specification, family 2.0, "EFI_TCG2_PROTOCOL". */
#define TCG2_GUID                                          \
    {                                                      \
        0x607f766c, 0x7455, 0x42be,                        \
        {                                                  \
            0x93, 0x0b, 0xe4, 0xd7, 0x6d, 0xb2, 0x72, 0x0f \
        }                                                  \
    }
#define MODES_MAX            1000U
#define ATTRIBUTE_NO_EXECUTE UINT64_C(0x4000)
#define PIXEL_BYTES          4U

struct memory_attribute_protocol;
typedef EFI_STATUS(EFIAPI *memory_attribute_change_t)(struct memory_attribute_protocol *self,
                                                      EFI_PHYSICAL_ADDRESS base, UINT64 size_bytes,
                                                      UINT64 attributes);
struct memory_attribute_protocol {
    void *get;
    memory_attribute_change_t set;
    memory_attribute_change_t clear;
};

/* One byte of a global variable, 0 where it does not exist. */
static uint8_t read_flag(const EFI_SYSTEM_TABLE *system, CHAR16 *name)
{
    EFI_GUID guid = EFI_GLOBAL_VARIABLE;
    UINT8 value = 0;
    UINTN size_bytes = sizeof(value);
    const EFI_STATUS status =
        system->RuntimeServices->GetVariable(name, &guid, NULL, &size_bytes, &value);
    return EFI_ERROR(status) || size_bytes != sizeof(value) ? 0 : value;
}

/* Secure Boot holds where it is on and not in set-up mode (UEFI 2.10, 3.3). */
static bool secure_boot_is_on(const EFI_SYSTEM_TABLE *system)
{
    static CHAR16 secure_boot[] = L"SecureBoot";
    static CHAR16 setup_mode[] = L"SetupMode";
    return read_flag(system, secure_boot) == 1 && read_flag(system, setup_mode) == 0;
}

static void copy_vendor(const CHAR16 *vendor, uint8_t *to)
{
    size_t length = 0;
    while (vendor != NULL && vendor[length] != 0 && length < BOOTINFO_VENDOR_BYTES - 1) {
        const CHAR16 c = vendor[length];
        to[length++] = c >= ' ' && c <= '~' ? (uint8_t)c : (uint8_t)'?';
    }
    to[length] = 0;
}

void efi_tables_describe_firmware(const EFI_SYSTEM_TABLE *system, struct bootinfo *info)
{
    copy_vendor(system->FirmwareVendor, info->firmware_vendor);
    info->firmware_revision = system->FirmwareRevision;
    info->efi_revision = system->Hdr.Revision;
    info->efi_system_table = (uintptr_t)system;
    info->flags |= secure_boot_is_on(system) ? BOOTINFO_FLAG_SECURE_BOOT : 0;
}

static uint64_t find_table(const EFI_SYSTEM_TABLE *system, const EFI_GUID *guid)
{
    if (system->ConfigurationTable == NULL) {
        return 0;
    }
    for (UINTN i = 0; i < system->NumberOfTableEntries; i++) {
        const EFI_CONFIGURATION_TABLE *const table = &system->ConfigurationTable[i];
        if (memcmp(&table->VendorGuid, guid, sizeof(*guid)) == 0) {
            return (uintptr_t)table->VendorTable;
        }
    }
    return 0;
}

enum kstatus efi_tables_find(const EFI_SYSTEM_TABLE *system, struct bootinfo *info)
{
    static const EFI_GUID acpi2 = ACPI_20_TABLE_GUID;
    static const EFI_GUID acpi1 = ACPI_TABLE_GUID;
    static const EFI_GUID smbios2 = SMBIOS_TABLE_GUID;
    static const EFI_GUID smbios3 = SMBIOS3_TABLE_GUID;
    info->smbios = find_table(system, &smbios2);
    info->smbios3 = find_table(system, &smbios3);

    const uint64_t new_rsdp = find_table(system, &acpi2);
    const uint64_t rsdp = new_rsdp != 0 ? new_rsdp : find_table(system, &acpi1);
    return rsdp != 0 ? firmware_tables_copy_rsdp(rsdp, info) : K_OK;
}

void efi_tables_find_more(const EFI_SYSTEM_TABLE *system, struct firmware_tables *tables)
{
    static const EFI_GUID esrt = ESRT_GUID;
    static const EFI_GUID memory_attributes = MEMORY_ATTRIBUTES_TABLE_GUID;
    static const EFI_GUID final_events = FINAL_EVENTS_TABLE_GUID;
    tables->esrt = find_table(system, &esrt);
    tables->memory_attributes = find_table(system, &memory_attributes);
    tables->tpm_final_events = find_table(system, &final_events);
}

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

void efi_tables_find_screen(const EFI_SYSTEM_TABLE *system, struct bootinfo_framebuffer *screen)
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

void efi_tables_list_modes(const EFI_SYSTEM_TABLE *system,
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

bool efi_tables_has_tpm(EFI_BOOT_SERVICES *services)
{
    EFI_GUID guid = TCG2_GUID;
    void *interface = NULL;
    return !EFI_ERROR(services->LocateProtocol(&guid, NULL, &interface)) && interface != NULL;
}

EFI_LOADED_IMAGE_PROTOCOL *efi_tables_loaded_image(EFI_BOOT_SERVICES *services, EFI_HANDLE image)
{
    EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    void *interface = NULL;
    return EFI_ERROR(services->HandleProtocol(image, &guid, &interface)) ? NULL : interface;
}

void efi_tables_make_executable(EFI_BOOT_SERVICES *services, phys_addr_t page)
{
    EFI_GUID guid = MEMORY_ATTRIBUTE_GUID;
    void *interface = NULL;
    if (EFI_ERROR(services->LocateProtocol(&guid, NULL, &interface)) || interface == NULL) {
        return;
    }
    struct memory_attribute_protocol *const protocol = interface;
    /* A refusal changes nothing: EfiLoaderCode is executable on firmware without this protocol,
     * and what happens where it is not is a fault at the jump, as without the call. */
    (void)protocol->clear(protocol, page.value, PAGE_SIZE, ATTRIBUTE_NO_EXECUTE);
}
