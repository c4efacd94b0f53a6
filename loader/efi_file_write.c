/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See efi_file_write.h (UEFI 2.10, 13.5 "File Protocol"). Stateless. Open() with "create" opens
 * what is there already: who must not overwrite looks first.
 */
#include "efi_file_write.h"

#include "lib/bits.h"
#include "lib/string.h"

#define MODE_WRITE  (EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE)
#define MODE_CREATE (MODE_WRITE | EFI_FILE_MODE_CREATE)

static enum kstatus status_of(EFI_STATUS status)
{
    if (status == EFI_VOLUME_FULL || status == EFI_OUT_OF_RESOURCES) {
        return K_ENOSPC;
    }
    if (status == EFI_WRITE_PROTECTED || status == EFI_ACCESS_DENIED || status == EFI_UNSUPPORTED) {
        return K_EPERM;
    }
    return status == EFI_NOT_FOUND || status == EFI_NO_MEDIA ? K_ENOENT : K_EIO;
}

static enum kstatus open_name(EFI_FILE_HANDLE from, const char *name, UINT64 mode,
                              UINT64 attributes, EFI_FILE_HANDLE *opened)
{
    CHAR16 wide[EFI_FILE_NAME_MAX];
    size_t length = 0;
    for (; length < EFI_FILE_NAME_MAX - 1 && name[length] != '\0'; length++) {
        wide[length] = (CHAR16)(uint8_t)name[length];
    }
    wide[length] = 0;
    EFI_FILE_HANDLE handle = NULL;
    const EFI_STATUS status = from->Open(from, &handle, wide, mode, attributes);
    if (EFI_ERROR(status) || handle == NULL) {
        return EFI_ERROR(status) ? status_of(status) : K_EIO;
    }
    *opened = handle;
    return K_OK;
}

enum kstatus efi_file_open_folder(EFI_BOOT_SERVICES *services, EFI_HANDLE volume, const char *name,
                                  EFI_FILE_HANDLE *folder)
{
    EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    void *interface = NULL;
    if (volume == NULL || EFI_ERROR(services->HandleProtocol(volume, &guid, &interface))) {
        return K_ENOENT;
    }
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *const file_system = interface;
    EFI_FILE_HANDLE root = NULL;
    const EFI_STATUS opened = file_system->OpenVolume(file_system, &root);
    if (EFI_ERROR(opened)) {
        return status_of(opened);
    }
    const enum kstatus status = open_name(root, name, MODE_CREATE, EFI_FILE_DIRECTORY, folder);
    efi_file_close_folder(root);
    return status;
}

void efi_file_close_folder(EFI_FILE_HANDLE folder)
{
    (void)folder->Close(folder); /* nothing of ours is buffered in a folder */
}

enum kstatus efi_file_look(EFI_FILE_HANDLE folder, const char *name)
{
    EFI_FILE_HANDLE file;
    const enum kstatus status = open_name(folder, name, EFI_FILE_MODE_READ, 0, &file);
    if (status == K_OK) {
        efi_file_close_folder(file);
        return K_EEXIST;
    }
    return status == K_ENOENT ? K_ENOENT : K_EIO;
}

enum kstatus efi_file_create(EFI_FILE_HANDLE folder, const char *name,
                             struct efi_file_writer *writer)
{
    writer->status = K_OK;
    writer->used_bytes = 0;
    return open_name(folder, name, MODE_CREATE, 0, &writer->file);
}

/* A short write is not an end: the volume is full when nothing more goes in. */
static void write_buffer(struct efi_file_writer *writer)
{
    size_t done = 0;
    while (writer->status == K_OK && done < writer->used_bytes) {
        UINTN chunk = writer->used_bytes - done;
        const EFI_STATUS status = writer->file->Write(writer->file, &chunk, writer->buffer + done);
        if (EFI_ERROR(status)) {
            writer->status = status_of(status);
        } else if (chunk == 0 || chunk > writer->used_bytes - done) {
            writer->status = chunk == 0 ? K_ENOSPC : K_EIO;
        } else {
            done += chunk;
        }
    }
    writer->used_bytes = 0;
}

void efi_file_put(void *context, const char *bytes, size_t size_bytes)
{
    struct efi_file_writer *const writer = context;
    while (size_bytes > 0 && writer->status == K_OK) {
        const size_t room = sizeof(writer->buffer) - writer->used_bytes;
        const size_t part = size_bytes < room ? size_bytes : room;
        memcpy(writer->buffer + writer->used_bytes, bytes, part);
        writer->used_bytes += part;
        bytes += part;
        size_bytes -= part;
        if (writer->used_bytes == sizeof(writer->buffer)) {
            write_buffer(writer);
        }
    }
}

enum kstatus efi_file_finish(struct efi_file_writer *writer)
{
    write_buffer(writer);
    if (writer->status == K_OK) {
        const EFI_STATUS flushed = writer->file->Flush(writer->file);
        writer->status = EFI_ERROR(flushed) ? status_of(flushed) : K_OK;
    }
    if (writer->status != K_OK) {
        (void)writer->file->Delete(writer->file); /* closes it as well; half a file stays if not */
        return writer->status;
    }
    (void)writer->file->Close(writer->file); /* flushed: nothing is left to fail */
    return K_OK;
}
