/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Further graphics outputs of the scripted firmware (fake_efi_internal.h), each on a handle of its
 * own behind the console's. Nobody reads their pixels: where the loader draws is in the bootinfo.
 */
#include <string.h>

#include "lib/compiler.h"
#include "tests/fake/efi/fake_efi_internal.h"

/* Only carried by handles; the interface is NULL in EDK2 as well (MdeModulePkg, ConPlatformDxe). */
#define CONSOLE_OUT_DEVICE UINT32_C(0xd3b36f2c)

static struct {
    EFI_BOOT_SERVICES *services;
    EFI_GRAPHICS_OUTPUT_PROTOCOL protocols[FAKE_EFI_OUTPUTS_MAX];
    EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE modes[FAKE_EFI_OUTPUTS_MAX];
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION infos[FAKE_EFI_OUTPUTS_MAX];
    uint8_t handles[FAKE_EFI_OUTPUTS_MAX]; /* only their addresses matter */
} outputs;

static const struct fake_efi_output *script_of(size_t i)
{
    return &fake_efi_state.script.outputs[i];
}

static bool is_graphics(const EFI_GUID *guid)
{
    static const EFI_GUID graphics = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    return memcmp(guid, &graphics, sizeof(graphics)) == 0;
}

static bool is_edid(const EFI_GUID *guid)
{
    static const EFI_GUID edid = EFI_EDID_ACTIVE_PROTOCOL_GUID;
    return memcmp(guid, &edid, sizeof(edid)) == 0;
}

static bool monitor_of(enum fake_efi_monitor monitor, void **interface)
{
    static UINT8 edid[128];
    static EFI_EDID_ACTIVE_PROTOCOL none;
    static EFI_EDID_ACTIVE_PROTOCOL one = { sizeof(edid), edid };
    *interface = monitor == FAKE_EFI_MONITOR        ? &one
                 : monitor == FAKE_EFI_MONITOR_NONE ? &none
                                                    : NULL;
    return monitor != FAKE_EFI_MONITOR_UNKNOWN;
}

static EFI_STATUS EFIAPI query_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *self, UINT32 number,
                                    UINTN *size_bytes, EFI_GRAPHICS_OUTPUT_MODE_INFORMATION **mode)
{
    void *copy = NULL;
    const EFI_STATUS status =
        outputs.services->AllocatePool(EfiBootServicesData, sizeof(**mode), &copy);
    if (number != 0) {
        fake_efi_violation("QueryMode of a mode that is not there");
    }
    if (EFI_ERROR(status)) {
        return status;
    }
    memcpy(copy, self->Mode->Info, sizeof(**mode));
    *size_bytes = sizeof(**mode);
    *mode = copy;
    return EFI_SUCCESS;
}

void fake_efi_outputs_start(EFI_BOOT_SERVICES *services)
{
    outputs.services = services;
    for (size_t i = 0; i < FAKE_EFI_OUTPUTS_MAX; i++) {
        outputs.infos[i] = (EFI_GRAPHICS_OUTPUT_MODE_INFORMATION){
            .HorizontalResolution = FAKE_EFI_OUTPUT_WIDTH,
            .VerticalResolution = FAKE_EFI_OUTPUT_HEIGHT,
            .PixelFormat = script_of(i)->kind == FAKE_EFI_OUTPUT_BLT_ONLY
                               ? PixelBltOnly
                               : PixelBlueGreenRedReserved8BitPerColor,
            .PixelsPerScanLine = FAKE_EFI_OUTPUT_WIDTH,
        };
        outputs.modes[i] = (EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE){
            .MaxMode = 1,
            .Info = &outputs.infos[i],
            .SizeOfInfo = sizeof(outputs.infos[i]),
            .FrameBufferBase = script_of(i)->base,
            .FrameBufferSize = UINT64_C(4) * FAKE_EFI_OUTPUT_WIDTH * FAKE_EFI_OUTPUT_HEIGHT,
        };
        outputs.protocols[i].QueryMode = query_mode;
        outputs.protocols[i].Mode = &outputs.modes[i];
    }
}

bool fake_efi_outputs_protocol(EFI_HANDLE handle, const EFI_GUID *guid, void **interface)
{
    for (size_t i = 0; i < FAKE_EFI_OUTPUTS_MAX; i++) {
        if (handle != &outputs.handles[i] || script_of(i)->kind == FAKE_EFI_OUTPUT_NONE) {
            continue;
        }
        if (is_graphics(guid)) {
            *interface = &outputs.protocols[i];
            return true;
        }
        if (is_edid(guid)) {
            return monitor_of(script_of(i)->monitor, interface);
        }
        if (guid->Data1 == CONSOLE_OUT_DEVICE && script_of(i)->is_console) {
            *interface = NULL;
            return true;
        }
    }
    return false;
}

EFI_STATUS fake_efi_outputs_list(EFI_HANDLE console, UINTN *count, EFI_HANDLE **handles)
{
    EFI_HANDLE list[FAKE_EFI_OUTPUTS_MAX + 1];
    UINTN found = 0;
    if (console != NULL) {
        list[found++] = console;
    }
    for (size_t i = 0; i < FAKE_EFI_OUTPUTS_MAX; i++) {
        if (script_of(i)->kind != FAKE_EFI_OUTPUT_NONE) {
            list[found++] = &outputs.handles[i];
        }
    }
    void *copy = NULL;
    const EFI_STATUS status =
        found == 0 ? EFI_NOT_FOUND
                   : outputs.services->AllocatePool(EfiBootServicesData, sizeof(list), &copy);
    if (EFI_ERROR(status)) {
        return status;
    }
    if (copy != NULL) { /* NULL where the script has it so */
        memcpy(copy, list, sizeof(list));
    }
    *count = found;
    *handles = copy;
    return EFI_SUCCESS;
}
