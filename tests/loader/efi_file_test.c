/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/efi_file.c alone, against volumes that lie, stop or fail. Every handle that was opened is
 * closed, all memory given back, whatever happens.
 */
#include "efi_file.h"

#include <string.h>

#include "lib/compiler.h"
#include "tests/fake/efi/fake_efi.h"
#include "tests/ktest.h"

static const char content[] = "0123456789";
#define CONTENT_BYTES (sizeof(content) - 1)

/* Reads \dir\file of @p script; the file is released again. */
static enum kstatus read_it(struct ktest *t, const struct fake_efi_script *script, size_t limit)
{
    static const char path[] = "\\dir/FILE";
    EFI_BOOT_SERVICES *const services = fake_efi_start(script)->BootServices;
    struct efi_file file = { .bytes = NULL };
    const enum kstatus status =
        efi_file_read(services, fake_efi_volume(), path, sizeof(path) - 1, limit, &file);
    if (status == K_OK && file.size_bytes > 0) {
        KTEST_EQ(t, file.size_bytes, CONTENT_BYTES);
        KTEST_EQ(t, memcmp(file.bytes, content, CONTENT_BYTES), 0);
    }
    efi_file_release(services, &file);
    fake_efi_finish();
    KTEST_STRING(t, fake_efi.violation, "");
    KTEST_EQ(t, fake_efi.live_files, 0);
    KTEST_EQ(t, fake_efi.live_pool, 0);
    return status;
}

static struct fake_efi_script volume_with(struct fake_efi_file file)
{
    file.path = "\\dir\\file";
    file.bytes = content;
    return (struct fake_efi_script){ .files = { file } };
}

static void efi_file_short_reads_are_joined(struct ktest *t)
{
    for (size_t chunk = 0; chunk <= CONTENT_BYTES + 1; chunk++) {
        const struct fake_efi_script script = volume_with(
            (struct fake_efi_file){ .size_bytes = CONTENT_BYTES, .bytes_each_read = chunk });
        KTEST_STATUS(t, read_it(t, &script, CONTENT_BYTES), K_OK);
    }
}

static void efi_file_empty_file_needs_no_memory(struct ktest *t)
{
    const struct fake_efi_script script = volume_with((struct fake_efi_file){ .size_bytes = 0 });
    KTEST_STATUS(t, read_it(t, &script, 0), K_OK);
    KTEST_EQ(t, fake_efi.calls[FAKE_EFI_ALLOCATE_POOL], 0);
}

static void efi_file_over_the_limit_is_refused_unread(struct ktest *t)
{
    const struct fake_efi_script script =
        volume_with((struct fake_efi_file){ .size_bytes = CONTENT_BYTES });
    KTEST_STATUS(t, read_it(t, &script, CONTENT_BYTES - 1), K_EOVERFLOW);
    KTEST_EQ(t, fake_efi.calls[FAKE_EFI_FILE_READ], 0);
}

static void efi_file_that_changes_size_or_lies_is_an_io_error(struct ktest *t)
{
    static const struct fake_efi_file files[] = {
        { .size_bytes = CONTENT_BYTES, .claimed_bytes = CONTENT_BYTES + 1 }, /* it shrank */
        { .size_bytes = CONTENT_BYTES, .reads_too_much = true },
        { .size_bytes = CONTENT_BYTES, .is_directory = true },
    };
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        const struct fake_efi_script script = volume_with(files[i]);
        KTEST_STATUS(t, read_it(t, &script, 100), K_EIO);
    }
}

static void efi_file_missing_file_or_volume_is_not_found(struct ktest *t)
{
    const struct fake_efi_script no_file = { .no_uart = false };
    KTEST_STATUS(t, read_it(t, &no_file, 100), K_ENOENT);
    const struct fake_efi_script no_volume = { .no_volume = true };
    KTEST_STATUS(t, read_it(t, &no_volume, 100), K_ENOENT);
    const struct fake_efi_script no_media = { .faults = {
                                                  { FAKE_EFI_OPEN_VOLUME, 1, 1, EFI_NO_MEDIA } } };
    KTEST_STATUS(t, read_it(t, &no_media, 100), K_ENOENT);
}

static void efi_file_any_failing_call_closes_what_is_open(struct ktest *t)
{
    static const enum fake_efi_service services[] = {
        FAKE_EFI_OPEN_VOLUME,       FAKE_EFI_FILE_OPEN,         FAKE_EFI_FILE_READ,
        FAKE_EFI_FILE_GET_POSITION, FAKE_EFI_FILE_SET_POSITION, FAKE_EFI_ALLOCATE_POOL,
    };
    for (size_t i = 0; i < ARRAY_COUNT(services); i++) {
        struct fake_efi_script script = volume_with(
            (struct fake_efi_file){ .size_bytes = CONTENT_BYTES, .bytes_each_read = 4 });
        uint32_t call = 0;
        do {
            script.faults[0] = (struct fake_efi_fault){ services[i], ++call, 1, EFI_DEVICE_ERROR };
            const enum kstatus status = read_it(t, &script, 100);
            KTEST_EQ(t, status == K_OK, fake_efi.faults_fired == 0);
        } while (fake_efi.faults_fired > 0);
        KTEST_TRUE(t, call > 1);
    }
}

static void efi_file_path_that_is_too_long_is_refused(struct ktest *t)
{
    static char path[EFI_FILE_PATH_MAX];
    memset(path, 'x', sizeof(path));
    const struct fake_efi_script script = { .no_uart = false };
    EFI_BOOT_SERVICES *const services = fake_efi_start(&script)->BootServices;
    struct efi_file file = { .bytes = NULL };
    KTEST_STATUS(t, efi_file_read(services, fake_efi_volume(), path, EFI_FILE_PATH_MAX, 100, &file),
                 K_EINVAL);
    KTEST_EQ(t, fake_efi.calls[FAKE_EFI_OPEN_VOLUME], 0);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(efi_file_short_reads_are_joined),
    KTEST_CASE(efi_file_empty_file_needs_no_memory),
    KTEST_CASE(efi_file_over_the_limit_is_refused_unread),
    KTEST_CASE(efi_file_that_changes_size_or_lies_is_an_io_error),
    KTEST_CASE(efi_file_missing_file_or_volume_is_not_found),
    KTEST_CASE(efi_file_any_failing_call_closes_what_is_open),
    KTEST_CASE(efi_file_path_that_is_too_long_is_refused),
};

KTEST_SUITE(efi_file, "loader.efi_file", cases);
