/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for tools/map_file.c: the input is a .map file. What is accepted goes through
 * mmap_build() and must balance; what is refused must say why and leave nothing behind.
 */
#include <stdio.h>
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

#include "tests/fake/fake_efi_map.h"
#include "tests/fake/map_properties.h"
#include "tests/fuzz/fuzz.h"
#include "tools/map_file.h"

#define PATH_BYTES   40U
#define REASON_BYTES 160U

static void build(const struct map_file *file)
{
    const struct efi_map efi = {
        .bytes = file->efi_bytes,
        .size_bytes = (uint64_t)file->efi_count * MAP_FILE_STRIDE,
        .descriptor_size = MAP_FILE_STRIDE,
        .descriptor_version = 1,
    };
    const bool is_efi = file->kind == MAP_FILE_EFI;
    const struct mmap_build_input input = {
        .efi = is_efi ? &efi : NULL,
        .e820 = file->e820,
        .e820_count = is_efi ? 0 : file->e820_count,
        .ledger = file->ledger,
        .ledger_count = file->ledger_count,
        .pins = file->pins,
        .pin_count = file->pin_count,
        .phys_bits = 52,
        .mem_limit_bytes = UINT64_MAX,
    };
    struct fake_mmap_run run;
    fake_mmap_run(&input, &run);
    fuzz_check(run.status == K_OK, "an accepted file is a map that can be walked");
    const char *const fault = map_properties_fault(&input, &run.output);
    fuzz_check(fault == NULL, fault);
    fake_mmap_run_free(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    const int memory = memfd_create("map", MFD_CLOEXEC);
    FUZZ_REQUIRE(memory >= 0);
    FUZZ_REQUIRE(write(memory, data, size_bytes) == (ssize_t)size_bytes);
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
    char reason[REASON_BYTES] = "";
    struct map_file file;
    if (map_file_read(path, &file, reason, sizeof(reason))) {
        build(&file);
        map_file_free(&file);
    } else {
        FUZZ_REQUIRE(reason[0] != '\0' && strlen(reason) < sizeof(reason));
        FUZZ_REQUIRE(file.efi_bytes == NULL && file.e820 == NULL);
    }
    (void)close(memory); /* nothing was stored */
    return 0;
}
