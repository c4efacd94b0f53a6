/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for exit_boot: the input is the firmware. Each call takes its answer, the sizes
 * that it reports and whether it oversteps from the next bytes. Aborts where the loader calls after
 * boot services are gone, calls too often, exits on a map that it must not trust, or misreports.
 */
#include <string.h>

#include "exit_boot.h"
#include "mm/addr.h"
#include "tests/fuzz/fuzz.h"

#define CAPACITY 4096U

struct firmware {
    const uint8_t *script;
    size_t left;
    uint64_t key; /* of the last map */
    uint32_t exits;
    uint32_t maps;
    int gone;
    int trusted; /* the last map was one that may be used */
    int overran;
};

static uint8_t memory[CAPACITY + PAGE_SIZE] ALIGNED(8);

/* The next byte of the script; 0 at its end. */
static uint8_t next(struct firmware *firmware)
{
    if (firmware->left == 0) {
        return 0;
    }
    firmware->left--;
    return *firmware->script++;
}

static enum exit_boot_firmware_status answer(struct firmware *firmware)
{
    static const enum exit_boot_firmware_status answers[] = { EXIT_BOOT_FIRMWARE_OK,
                                                              EXIT_BOOT_FIRMWARE_BUFFER_TOO_SMALL,
                                                              EXIT_BOOT_FIRMWARE_INVALID_PARAMETER,
                                                              EXIT_BOOT_FIRMWARE_OTHER };
    return answers[next(firmware) % 4];
}

static enum exit_boot_firmware_status script_map(void *context, void *buffer, uint64_t *size_bytes,
                                                 uint64_t *map_key, uint64_t *descriptor_size,
                                                 uint32_t *descriptor_version)
{
    struct firmware *const firmware = context;
    FUZZ_REQUIRE(!firmware->gone && *size_bytes == CAPACITY && buffer == memory);
    firmware->maps++;
    firmware->trusted = 0;
    const uint8_t flags = next(firmware);
    if (flags % 16 == 15) {
        memory[CAPACITY + 16U * next(firmware)] = 0;
        firmware->overran = 1;
    }
    const enum exit_boot_firmware_status status = answer(firmware);
    if (flags % 8 == 7) {
        return status; /* writes no field */
    }
    const uint64_t stride = flags % 2 == 0 ? 48 : next(firmware);
    const uint64_t size =
        flags % 4 < 2 ? stride * (1U + next(firmware) % 64U) : 64U * next(firmware);
    firmware->key = *map_key = next(firmware);
    *size_bytes = size;
    *descriptor_size = stride;
    *descriptor_version = 1;
    firmware->trusted = status == EXIT_BOOT_FIRMWARE_OK && stride >= 40 && stride % 8 == 0 &&
                        size > 0 && size <= CAPACITY && size % stride == 0 && !firmware->overran;
    return status;
}

static enum exit_boot_firmware_status script_exit(void *context, uint64_t map_key)
{
    struct firmware *const firmware = context;
    FUZZ_REQUIRE(!firmware->gone && firmware->trusted && map_key == firmware->key);
    firmware->trusted = 0;
    firmware->exits++;
    const enum exit_boot_firmware_status status = answer(firmware);
    firmware->gone = status == EXIT_BOOT_FIRMWARE_OK;
    return status;
}

static uint64_t script_now(void *context)
{
    (void)context;
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    static const struct exit_boot_ops ops = { script_map, script_exit, script_now };
    struct firmware firmware = { .script = data, .left = size_bytes };
    memset(memory, EXIT_BOOT_CANARY_BYTE, sizeof(memory));
    struct exit_boot_result result;
    const enum kstatus status =
        exit_boot(&ops, &firmware, memory, CAPACITY, memory + CAPACITY, &result);
    FUZZ_REQUIRE((status == K_OK) == (firmware.gone != 0));
    FUZZ_REQUIRE((result.outcome == EXIT_BOOT_DONE) == (firmware.gone != 0));
    FUZZ_REQUIRE((result.outcome == EXIT_BOOT_REFUSED_BEFORE) ==
                 (firmware.gone == 0 && firmware.exits == 0));
    FUZZ_REQUIRE(result.attempts == firmware.exits && firmware.exits <= EXIT_BOOT_MAX_ATTEMPTS);
    FUZZ_REQUIRE(firmware.maps <= EXIT_BOOT_MAX_ATTEMPTS);
    FUZZ_REQUIRE((result.why == NULL) == (firmware.gone != 0));
    FUZZ_REQUIRE(result.canary_overwritten == (firmware.overran != 0));
    const uint64_t culprit = exit_boot_misaligned_runtime(&result.map);
    FUZZ_REQUIRE(culprit == UINT64_MAX || culprit < efi_map_count(&result.map));
    FUZZ_REQUIRE(status != K_OK || result.map.bytes == memory);
    return 0;
}
