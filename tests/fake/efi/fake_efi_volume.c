/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The volume of the scripted firmware (fake_efi_internal.h): a root folder with the script's files,
 * read only, and a folder in which files can be made (UEFI 2.10, 13.4 and 13.5).
 */
#include <stdio.h>
#include <string.h>

#include <ctype.h>

#include "lib/bits.h"
#include "tests/fake/efi/fake_efi_internal.h"

#define HANDLES_MAX 4U
#define TO_THE_END  UINT64_MAX

/* An open file; the interface is the first member, so that `This` leads back. */
struct open_file {
    EFI_FILE interface;
    const struct fake_efi_file *file; /* NULL: a folder, or a file that was made */
    struct fake_efi_written *made;
    bool is_folder; /* the one for new files, not the root */
    bool can_write;
    bool has_failed; /* a write was refused, in part or whole */
    bool is_flushed;
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
    if (handle->made != NULL && handle->can_write) {
        handle->made->is_whole = !handle->has_failed && handle->is_flushed;
    }
    return fault;
}

/* ---- files that are made ------------------------------------------------------------------------
 */

static EFI_STATUS EFIAPI delete_file(EFI_FILE *self)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_FILE_DELETE);
    struct open_file *const handle = opened(self);
    if (handle->made == NULL) {
        fake_efi_violation("Delete of what was not made here");
    }
    (void)close_file(self); /* also where it fails: UEFI 2.10, 13.5, Delete() */
    if (EFI_ERROR(fault)) {
        return EFI_WARN_DELETE_FAILURE;
    }
    if (handle->made != NULL) {
        memset(handle->made, 0, sizeof(*handle->made));
    }
    return EFI_SUCCESS;
}

static uint64_t volume_used(void)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < FAKE_EFI_WRITTEN_MAX; i++) {
        sum += fake_efi.written[i].size_bytes;
    }
    return sum;
}

static EFI_STATUS EFIAPI write_file(EFI_FILE *self, UINTN *size_bytes, void *buffer)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_FILE_WRITE);
    const struct fake_efi_script *const script = &fake_efi_state.script;
    struct open_file *const handle = opened(self);
    struct fake_efi_written *const file = handle->made;
    if (file == NULL || !handle->can_write) {
        fake_efi_violation("Write to what is not open for it");
        return EFI_ACCESS_DENIED;
    }
    handle->is_flushed = false;
    const uint64_t room = script->volume_bytes != 0 ? script->volume_bytes - volume_used()
                                                    : FAKE_EFI_WRITTEN_BYTES - file->size_bytes;
    if (EFI_ERROR(fault) || room == 0) {
        handle->has_failed = true;
        return EFI_ERROR(fault) ? fault : EFI_VOLUME_FULL;
    }
    uint64_t bytes = bits_min(*size_bytes, room);
    if (script->bytes_each_write != 0) {
        bytes = bits_min(bytes, script->bytes_each_write);
    }
    memcpy(file->text + file->size_bytes, buffer, bytes);
    file->size_bytes += (uint32_t)bytes;
    handle->has_failed |= script->writes_too_much;
    *size_bytes = script->writes_too_much ? *size_bytes + 1 : bytes;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI flush_file(EFI_FILE *self)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_FILE_FLUSH);
    opened(self)->is_flushed = !EFI_ERROR(fault);
    return fault;
}

/* ---- files of the script ------------------------------------------------------------------------
 */

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

static EFI_STATUS open_handle(struct open_file what, EFI_FILE **interface)
{
    for (uint32_t i = 0; i < HANDLES_MAX; i++) {
        if (!handles[i].is_open) {
            handles[i] = what;
            handles[i].is_open = true;
            handles[i].interface = (EFI_FILE){ .Revision = EFI_FILE_HANDLE_REVISION,
                                               .Open = open_file,
                                               .Close = close_file,
                                               .Delete = delete_file,
                                               .Read = read_file,
                                               .Write = write_file,
                                               .GetPosition = get_position,
                                               .SetPosition = set_position,
                                               .Flush = flush_file };
            *interface = &handles[i].interface;
            fake_efi.live_files++;
            return EFI_SUCCESS;
        }
    }
    return EFI_OUT_OF_RESOURCES;
}

static bool is_taken(const CHAR16 *path)
{
    for (uint32_t i = 0; i < fake_efi_state.script.reports_taken; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "report-%03u.%s", i, i % 2 == 0 ? "txt" : "json");
        if (path_is(path, name)) {
            return true;
        }
    }
    return false;
}

static EFI_STATUS open_in_folder(const CHAR16 *path, bool creates, EFI_FILE **opened_file)
{
    struct fake_efi_written *free_one = NULL;
    for (uint32_t i = 0; i < FAKE_EFI_WRITTEN_MAX; i++) {
        struct fake_efi_written *const file = &fake_efi.written[i];
        if (file->name[0] != '\0' && path_is(path, file->name)) {
            return open_handle((struct open_file){ .made = file }, opened_file);
        }
        free_one = file->name[0] == '\0' && free_one == NULL ? file : free_one;
    }
    if (is_taken(path)) {
        if (creates) {
            fake_efi_violation("a file that is there would be overwritten");
        }
        static const struct fake_efi_file taken = { .path = "taken" };
        return open_handle((struct open_file){ .file = &taken }, opened_file);
    }
    if (!creates || free_one == NULL) {
        return creates ? EFI_VOLUME_FULL : EFI_NOT_FOUND;
    }
    for (size_t i = 0; i < sizeof(free_one->name) - 1 && path[i] != 0; i++) {
        free_one->name[i] = (char)path[i];
    }
    return open_handle((struct open_file){ .made = free_one, .can_write = true }, opened_file);
}

static EFI_STATUS EFIAPI open_file(EFI_FILE *self, EFI_FILE **opened_file, CHAR16 *path,
                                   UINT64 mode, UINT64 attributes)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_FILE_OPEN);
    if (EFI_ERROR(fault)) {
        return fault;
    }
    const struct open_file *const from = opened(self);
    const bool creates = mode == (EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE);
    if (from->file != NULL || from->made != NULL || (mode != EFI_FILE_MODE_READ && !creates)) {
        fake_efi_violation("Open in a mode that is none, or not from a folder");
    }
    if (creates && fake_efi_state.script.read_only) {
        return EFI_WRITE_PROTECTED;
    }
    if (from->is_folder) {
        return open_in_folder(path, creates, opened_file);
    }
    if (creates && attributes == EFI_FILE_DIRECTORY && path_is(path, "firstlight")) {
        return open_handle((struct open_file){ .is_folder = true }, opened_file);
    }
    if (creates) {
        fake_efi_violation("a file is made in the root");
    }
    for (uint32_t i = 0; i < FAKE_EFI_FILES_MAX; i++) {
        const struct fake_efi_file *const file = &fake_efi_state.script.files[i];
        if (file->path != NULL && path_is(path, file->path)) {
            return open_handle((struct open_file){ .file = file }, opened_file);
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
    return EFI_ERROR(fault) ? fault : open_handle((struct open_file){ .file = NULL }, root);
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
