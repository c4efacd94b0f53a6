/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The volume of the scripted firmware (fake_efi_internal.h): a root folder and the script's files,
 * read only (UEFI 2.10, 13.4 and 13.5).
 */
#include <string.h>

#include <ctype.h>

#include "lib/bits.h"
#include "tests/fake/efi/fake_efi_internal.h"

#define HANDLES_MAX 4U
#define TO_THE_END  UINT64_MAX

/* An open file; the interface is the first member, so that `This` leads back. */
struct open_file {
    EFI_FILE interface;
    const struct fake_efi_file *file; /* NULL: the root folder */
    uint64_t position;
    bool is_open;
};

static struct open_file handles[HANDLES_MAX];
static EFI_FILE_IO_INTERFACE volume;

static struct open_file *opened(EFI_FILE *self)
{
    struct open_file *const handle = CONTAINER_OF(self, struct open_file, interface);
    if (!handle->is_open) {
        fake_efi_violation("a file is used that is not open");
    }
    return handle;
}

static EFI_STATUS EFIAPI close_file(EFI_FILE *self)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_FILE_CLOSE);
    struct open_file *const handle = opened(self);
    if (handle->is_open) {
        fake_efi.live_files--;
    }
    handle->is_open = false;
    return fault;
}

static EFI_STATUS EFIAPI read_file(EFI_FILE *self, UINTN *size_bytes, void *buffer)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_FILE_READ);
    struct open_file *const handle = opened(self);
    if (EFI_ERROR(fault) || handle->file == NULL) {
        return EFI_DEVICE_ERROR;
    }
    const struct fake_efi_file *const file = handle->file;
    const uint64_t left = file->size_bytes - bits_min(handle->position, file->size_bytes);
    uint64_t bytes = bits_min(*size_bytes, left);
    if (file->bytes_each_read != 0) {
        bytes = bits_min(bytes, file->bytes_each_read);
    }
    if (bytes > 0) {
        memcpy(buffer, (const uint8_t *)file->bytes + handle->position, bytes);
    }
    handle->position += bytes;
    *size_bytes = file->reads_too_much ? *size_bytes + 1 : bytes;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI set_position(EFI_FILE *self, UINT64 position)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_FILE_SET_POSITION);
    struct open_file *const handle = opened(self);
    if (EFI_ERROR(fault) || handle->file == NULL || handle->file->is_directory) {
        return EFI_ERROR(fault) ? fault : EFI_UNSUPPORTED;
    }
    const struct fake_efi_file *const file = handle->file;
    const size_t end = file->claimed_bytes != 0 ? file->claimed_bytes : file->size_bytes;
    handle->position = position == TO_THE_END ? end : position;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_position(EFI_FILE *self, UINT64 *position)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_FILE_GET_POSITION);
    *position = opened(self)->position;
    return fault;
}

static bool path_is(const CHAR16 *wide, const char *path)
{
    size_t i = 0;
    while (path[i] != '\0' && tolower((unsigned char)path[i]) == tolower(wide[i] & 0x7f)) {
        i++;
    }
    return path[i] == '\0' && wide[i] == 0;
}

static EFI_STATUS EFIAPI open_file(EFI_FILE *self, EFI_FILE **opened_file, CHAR16 *path,
                                   UINT64 mode, UINT64 attributes);

static EFI_STATUS open_handle(const struct fake_efi_file *file, EFI_FILE **interface)
{
    for (uint32_t i = 0; i < HANDLES_MAX; i++) {
        if (!handles[i].is_open) {
            handles[i] = (struct open_file){ .interface = { .Revision = EFI_FILE_HANDLE_REVISION,
                                                            .Open = open_file,
                                                            .Close = close_file,
                                                            .Read = read_file,
                                                            .GetPosition = get_position,
                                                            .SetPosition = set_position },
                                             .file = file,
                                             .is_open = true };
            *interface = &handles[i].interface;
            fake_efi.live_files++;
            return EFI_SUCCESS;
        }
    }
    return EFI_OUT_OF_RESOURCES;
}

static EFI_STATUS EFIAPI open_file(EFI_FILE *self, EFI_FILE **opened_file, CHAR16 *path,
                                   UINT64 mode, UINT64 attributes)
{
    (void)attributes;
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_FILE_OPEN);
    if (EFI_ERROR(fault)) {
        return fault;
    }
    if (opened(self)->file != NULL || mode != EFI_FILE_MODE_READ) {
        fake_efi_violation("Open that is not for reading, or not from the root");
    }
    for (uint32_t i = 0; i < FAKE_EFI_FILES_MAX; i++) {
        const struct fake_efi_file *const file = &fake_efi_state.script.files[i];
        if (file->path != NULL && path_is(path, file->path)) {
            return open_handle(file, opened_file);
        }
    }
    return EFI_NOT_FOUND;
}

static EFI_STATUS EFIAPI open_volume(EFI_FILE_IO_INTERFACE *self, EFI_FILE **root)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_OPEN_VOLUME);
    if (self != &volume) {
        fake_efi_violation("OpenVolume of another volume");
    }
    return EFI_ERROR(fault) ? fault : open_handle(NULL, root);
}

void fake_efi_volume_start(void)
{
    memset(handles, 0, sizeof(handles));
    volume = (EFI_FILE_IO_INTERFACE){ .OpenVolume = open_volume };
}

void *fake_efi_volume_interface(void)
{
    return &volume;
}
