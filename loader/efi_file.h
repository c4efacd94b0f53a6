/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Reads one whole file from a volume into pool memory. Loader only; boot services needed.
 */
#ifndef LOADER_EFI_FILE_H
#define LOADER_EFI_FILE_H

#include <stddef.h>

#include <efi.h>

#include "kstatus.h"

/** Longest path, characters with the NUL. */
#define EFI_FILE_PATH_MAX 256U

struct efi_file {
    void *bytes; /* pool memory; NULL for an empty file */
    size_t size_bytes;
};

/**
 * Reads the file @p path (ASCII, '/' or '\', @p path_length characters) of the volume on @p volume.
 * @param limit_bytes  larger files are refused
 * @return K_OK; K_ENOENT without such a volume or file; K_EINVAL for a path that is too long;
 *         K_EOVERFLOW over the limit; K_ENOMEM; K_EIO for everything else the firmware says
 */
MUST_CHECK enum kstatus efi_file_read(EFI_BOOT_SERVICES *services, EFI_HANDLE volume,
                                      const char *path, size_t path_length, size_t limit_bytes,
                                      struct efi_file *file);

/** Gives the memory back. An empty struct is fine. */
void efi_file_release(EFI_BOOT_SERVICES *services, struct efi_file *file);

#endif
