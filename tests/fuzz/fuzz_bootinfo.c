/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for bootinfo_check(): byte 0 says how much of the block is put right before the
 * check, so that the fuzzer gets behind each gate; the rest is the block.
 *
 *     bit 0  CRC    bit 1  magic and versions    bit 2  header size and total size
 *
 * A block that is accepted must be safe to read whole, sorted, disjoint and balanced enough to be
 * counted; one that is refused must say why.
 */
#include <string.h>

#include "shared/mmap_names.h"

#include "bootinfo.h"
#include "tests/fuzz/fuzz.h"

#define FIX_CRC     1U
#define FIX_VERSION 2U
#define FIX_SIZES   4U

static void put_right(struct bootinfo *info, size_t size_bytes, uint8_t fixes)
{
    if ((fixes & FIX_VERSION) != 0) {
        info->magic = BOOTINFO_MAGIC;
        info->version_major = BOOTINFO_VERSION_MAJOR;
    }
    if ((fixes & FIX_SIZES) != 0) {
        info->header_size = sizeof(*info);
        info->total_size = (uint32_t)size_bytes; /* libFuzzer's inputs are small */
    }
    if ((fixes & FIX_CRC) != 0 && info->total_size >= sizeof(*info) &&
        info->total_size <= size_bytes) {
        info->crc32c = bootinfo_crc(info);
    }
}

/* Reads every byte of a table, for ASan. */
static uint64_t sum_table(const struct bootinfo *info, const struct bootinfo_table *table)
{
    const uint8_t *const bytes = (const uint8_t *)info + table->offset;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < (uint64_t)table->count * table->entry_size; i++) {
        sum += bytes[i];
    }
    return sum;
}

/* The NUL lies in the table, not somewhere behind it. */
static bool text_ends_inside(const struct bootinfo_table *table, const char *text)
{
    return table->count == 0 ? text[0] == '\0' : strlen(text) < table->count;
}

static void check_tables(struct bootinfo *info)
{
    const struct bootinfo_table *const tables[] = {
        &info->mmap, &info->reasons, &info->repairs,      &info->ram,       &info->ledger,
        &info->pins, &info->efi_map, &info->command_line, &info->loader_log
    };
    uint64_t sum = 0;
    for (size_t i = 0; i < ARRAY_COUNT(tables); i++) {
        sum += sum_table(info, tables[i]);
    }
    FUZZ_REQUIRE(sum < UINT64_MAX);
    FUZZ_REQUIRE(text_ends_inside(&info->command_line, bootinfo_command_line(info)));
    FUZZ_REQUIRE(text_ends_inside(&info->loader_log, bootinfo_loader_log(info)));
    FUZZ_REQUIRE(strlen((const char *)info->firmware_vendor) < BOOTINFO_VENDOR_BYTES);
}

static void check_map(struct bootinfo *info)
{
    const struct memory_map map = bootinfo_memory_map(info);
    uint64_t end = 0;
    for (uint32_t i = 0; i < map.count; i++) {
        FUZZ_REQUIRE(map.entries[i].address >= end && map.entries[i].length > 0);
        FUZZ_REQUIRE(map.entries[i].type == mmap_reason_type(map.reasons[i]));
        end = map.entries[i].address + map.entries[i].length;
    }
    struct memory_accounting books;
    memory_map_account(&map, &books);
    FUZZ_REQUIRE(books.usable <= books.firmware_ram && books.low <= books.firmware_ram);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    if (size_bytes == 0) {
        return 0;
    }
    const uint8_t fixes = data[0];
    const size_t block_bytes = size_bytes - 1;
    struct bootinfo *const info = fuzz_copy(data + 1, block_bytes);
    if (block_bytes >= sizeof(*info)) {
        put_right(info, block_bytes, fixes);
    }
    const char *why = NULL;
    char text[160];
    /* At least 1: 0 would mean that nobody knows how much memory there is. */
    if (bootinfo_check(info, block_bytes > 0 ? block_bytes : 1, &why) == K_OK) {
        check_tables(info);
        check_map(info);
    } else if (block_bytes >= sizeof(*info)) {
        FUZZ_REQUIRE(why != NULL);
        FUZZ_REQUIRE(bootinfo_describe_refusal(info, why, text, sizeof(text)) < sizeof(text));
        const uint8_t *const odd = (const uint8_t *)info + 1;
        FUZZ_REQUIRE(bootinfo_check(odd, 0, &why) == K_EINVAL);
        FUZZ_REQUIRE(bootinfo_describe_refusal(odd, why, text, sizeof(text)) < sizeof(text));
    }
    free(info);
    return 0;
}
