/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See efi_file.h. The size comes from seeking to the end (UEFI 2.10, 13.5 "File Protocol",
 * SetPosition): one call less to go wrong than GetInfo with its variable-sized structure, and a
 * directory refuses it. Stateless.
 */
#include "efi_file.h"

#include <stdint.h>

#define END_OF_FILE UINT64_MAX

static enum kstatus status_of(EFI_STATUS status)
{
    if (status == EFI_NOT_FOUND || status == EFI_NO_MEDIA || status == EFI_UNSUPPORTED) {
        return K_ENOENT;
    }
    return status == EFI_OUT_OF_RESOURCES ? K_ENOMEM : K_EIO;
}

static enum kstatus widen_path(const char *path, size_t path_length, CHAR16 *wide)
{
    if (path_length >= EFI_FILE_PATH_MAX) {
        return K_EINVAL;
    }
    for (size_t i = 0; i < path_length; i++) {
        wide[i] = path[i] == '/' ? L'\\' : (CHAR16)(uint8_t)path[i];
    }
    wide[path_length] = 0;
    return K_OK;
}

static enum kstatus open_volume(EFI_BOOT_SERVICES *services, EFI_HANDLE volume,
                                EFI_FILE_HANDLE *root)
{
    EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    void *interface = NULL;
    if (volume == NULL || EFI_ERROR(services->HandleProtocol(volume, &guid, &interface))) {
        return K_ENOENT;
    }
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *const file_system = interface;
    const EFI_STATUS status = file_system->OpenVolume(file_system, root);
    return EFI_ERROR(status) ? status_of(status) : K_OK;
}

static enum kstatus find_size(EFI_FILE_HANDLE handle, size_t limit_bytes, size_t *size_bytes)
{
    UINT64 end = 0;
    if (EFI_ERROR(handle->SetPosition(handle, END_OF_FILE)) ||
        EFI_ERROR(handle->GetPosition(handle, &end)) || EFI_ERROR(handle->SetPosition(handle, 0))) {
        return K_EIO;
    }
    if (end > limit_bytes) {
        return K_EOVERFLOW;
    }
    *size_bytes = end;
    return K_OK;
}

/* Read() may return less than was asked for; 0 bytes before the end is a broken volume. */
static enum kstatus read_all(EFI_FILE_HANDLE handle, const struct efi_file *file)
{
    size_t done = 0;
    while (done < file->size_bytes) {
        UINTN chunk = file->size_bytes - done;
        if (EFI_ERROR(handle->Read(handle, &chunk, (uint8_t *)file->bytes + done)) || chunk == 0 ||
            chunk > file->size_bytes - done) {
            return K_EIO;
        }
        done += chunk;
    }
    return K_OK;
}

static enum kstatus read_open_file(EFI_BOOT_SERVICES *services, EFI_FILE_HANDLE handle,
                                   size_t limit_bytes, struct efi_file *file)
{
    struct efi_file loaded = { .bytes = NULL };
    enum kstatus status = find_size(handle, limit_bytes, &loaded.size_bytes);
    if (status != K_OK) {
        return status;
    }
    if (loaded.size_bytes > 0 &&
        EFI_ERROR(services->AllocatePool(EfiLoaderData, loaded.size_bytes, &loaded.bytes))) {
        return K_ENOMEM;
    }
    status = read_all(handle, &loaded);
    if (status != K_OK) {
        efi_file_release(services, &loaded);
        return status;
    }
    *file = loaded;
    return K_OK;
}

enum kstatus efi_file_read(EFI_BOOT_SERVICES *services, EFI_HANDLE volume, const char *path,
                           size_t path_length, size_t limit_bytes, struct efi_file *file)
{
    CHAR16 wide[EFI_FILE_PATH_MAX];
    enum kstatus status = widen_path(path, path_length, wide);
    if (status != K_OK) {
        return status;
    }
    EFI_FILE_HANDLE root = NULL;
    status = open_volume(services, volume, &root);
    if (status != K_OK) {
        return status;
    }
    EFI_FILE_HANDLE handle = NULL;
    const EFI_STATUS opened = root->Open(root, &handle, wide, EFI_FILE_MODE_READ, 0);
    if (EFI_ERROR(opened)) {
        status = status_of(opened);
    } else {
        status = read_open_file(services, handle, limit_bytes, file);
        (void)handle->Close(handle); /* opened for reading: always succeeds */
    }
    (void)root->Close(root); /* the same */
    return status;
}

void efi_file_release(EFI_BOOT_SERVICES *services, struct efi_file *file)
{
    if (file->bytes != NULL) {
        (void)services->FreePool(file->bytes); /* nothing to do where it fails */
    }
    *file = (struct efi_file){ .bytes = NULL };
}
