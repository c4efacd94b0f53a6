/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Writes files of a folder on a volume, piece by piece through a buffer. A file that cannot be
 * finished is deleted again. Loader only; boot services needed.
 */
#ifndef LOADER_EFI_FILE_WRITE_H
#define LOADER_EFI_FILE_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include <efi.h>

#include "kstatus.h"

/** Longest name of a folder or file here, characters with the NUL. */
#define EFI_FILE_NAME_MAX 32U

/** The caller owns it; members are private. */
struct efi_file_writer {
    EFI_FILE_HANDLE file;
    enum kstatus status; /* of the first write that failed */
    size_t used_bytes;
    uint8_t buffer[4096];
};

/**
 * Opens the folder @p name in the root of the volume on @p volume, made where it is not there.
 * @param folder  to be closed by efi_file_close_folder()
 * @return K_OK; K_ENOENT without such a volume; K_EPERM for one that is read-only; K_ENOSPC for one
 *         that is full; K_EIO
 */
MUST_CHECK enum kstatus efi_file_open_folder(EFI_BOOT_SERVICES *services, EFI_HANDLE volume,
                                             const char *name, EFI_FILE_HANDLE *folder);

void efi_file_close_folder(EFI_FILE_HANDLE folder);

/** Whether @p folder has a file called @p name. @return K_EEXIST, K_ENOENT, or K_EIO where the
 *  firmware cannot tell */
MUST_CHECK enum kstatus efi_file_look(EFI_FILE_HANDLE folder, const char *name);

/** Makes the file @p name, which must not exist, and gets @p writer ready. @return as
 *  efi_file_open_folder(); on an error there is nothing to finish */
MUST_CHECK enum kstatus efi_file_create(EFI_FILE_HANDLE folder, const char *name,
                                        struct efi_file_writer *writer);

/** Appends @p size_bytes; what fails shows in efi_file_finish(). A json_put: @p context is the
 *  writer. */
void efi_file_put(void *context, const char *bytes, size_t size_bytes);

/** Writes what is buffered and closes the file, or deletes it where anything failed. @return K_OK;
 *  K_ENOSPC full; K_EPERM; K_EIO */
MUST_CHECK enum kstatus efi_file_finish(struct efi_file_writer *writer);

#endif
