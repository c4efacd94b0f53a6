/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/exit_boot.c against scripted firmware. The firmware here is strict: any call after it let
 * go, or an exit without a map before it, is counted as misuse.
 */
#include "exit_boot.h"

#include <string.h>

#include "mm/addr.h"
#include "tests/ktest.h"

#define STRIDE   48U
#define CAPACITY 8192U
#define NEVER    UINT32_MAX

struct firmware {
    /* Script. */
    uint32_t stale_exits;  /* so many exits are refused with INVALID_PARAMETER */
    uint32_t fail_map_at;  /* number of the get_map call that fails, NEVER */
    uint32_t fail_exit_at; /* number of the exit call that fails otherwise, NEVER */
    enum exit_boot_firmware_status map_failure;
    uint64_t needs_bytes; /* capacity that get_map insists on, 0: what it returns */
    uint64_t descriptors; /* in the first map */
    uint64_t growth;      /* descriptors more in each later map */
    uint64_t stride;
    uint64_t size_lie; /* bytes added to the size that get_map reports */
    bool writes_past_the_end;
    bool sets_nothing; /* says OK and writes no field */
    /* State. */
    uint64_t key;
    uint64_t clock;
    uint32_t maps;
    uint32_t exits;
    bool map_is_fresh;
    bool gone;
    uint32_t misuse;
};

struct machine {
    struct firmware firmware;
    uint8_t memory[CAPACITY + PAGE_SIZE] ALIGNED(8); /* buffer and canary */
    uint64_t offered[16];                            /* capacity of each get_map */
    struct exit_boot_result result;
};

static struct machine machine;

static enum exit_boot_firmware_status firmware_map(void *context, void *buffer,
                                                   uint64_t *size_bytes, uint64_t *map_key,
                                                   uint64_t *descriptor_size,
                                                   uint32_t *descriptor_version)
{
    struct firmware *const firmware = context;
    firmware->misuse += firmware->gone ? 1 : 0;
    machine.offered[firmware->maps % 16] = *size_bytes;
    const uint32_t call = firmware->maps++;
    if (firmware->writes_past_the_end) {
        machine.memory[CAPACITY + 100] = 0;
    }
    const uint64_t used = (firmware->descriptors + call * firmware->growth) * firmware->stride;
    const uint64_t wanted = firmware->needs_bytes != 0 ? firmware->needs_bytes : used;
    if (call == firmware->fail_map_at) {
        *size_bytes = wanted;
        return firmware->map_failure;
    }
    if (wanted > *size_bytes) {
        *size_bytes = wanted;
        return EXIT_BOOT_FIRMWARE_BUFFER_TOO_SMALL;
    }
    if (firmware->sets_nothing) {
        return EXIT_BOOT_FIRMWARE_OK;
    }
    memset(buffer, 0x11, used);
    *size_bytes = used + firmware->size_lie;
    *map_key = firmware->key;
    *descriptor_size = firmware->stride;
    *descriptor_version = 1;
    firmware->map_is_fresh = true;
    return EXIT_BOOT_FIRMWARE_OK;
}

static enum exit_boot_firmware_status firmware_exit(void *context, uint64_t map_key)
{
    struct firmware *const firmware = context;
    firmware->misuse += firmware->gone || !firmware->map_is_fresh ? 1 : 0;
    firmware->misuse += map_key != firmware->key ? 1 : 0;
    firmware->map_is_fresh = false;
    const uint32_t call = firmware->exits++;
    if (call == firmware->fail_exit_at) {
        return EXIT_BOOT_FIRMWARE_OTHER;
    }
    if (call < firmware->stale_exits) {
        firmware->key += 7;
        return EXIT_BOOT_FIRMWARE_INVALID_PARAMETER;
    }
    firmware->gone = true;
    return EXIT_BOOT_FIRMWARE_OK;
}

static uint64_t firmware_now(void *context)
{
    struct firmware *const firmware = context;
    return ++firmware->clock;
}

/* A firmware that lets go at once; the case changes what it wants. */
static struct firmware *machine_init(void)
{
    memset(&machine, 0, sizeof(machine));
    memset(machine.memory + CAPACITY, EXIT_BOOT_CANARY_BYTE, PAGE_SIZE);
    machine.firmware = (struct firmware){
        .fail_map_at = NEVER,
        .fail_exit_at = NEVER,
        .descriptors = 50,
        .stride = STRIDE,
        .key = 1000,
    };
    return &machine.firmware;
}

static enum kstatus leave(struct ktest *t)
{
    static const struct exit_boot_ops ops = { firmware_map, firmware_exit, firmware_now };
    memset(&machine.result, 0xdb, sizeof(machine.result)); /* must be filled */
    const enum kstatus status = exit_boot(&ops, &machine.firmware, machine.memory, CAPACITY,
                                          machine.memory + CAPACITY, &machine.result);
    const struct exit_boot_result *const result = &machine.result;
    KTEST_EQ(t, machine.firmware.misuse, 0);
    KTEST_EQ(t, result->attempts, machine.firmware.exits);
    KTEST_TRUE(t, machine.firmware.exits <= EXIT_BOOT_MAX_ATTEMPTS);
    KTEST_EQ(t, result->started_at, 1);
    KTEST_EQ(t, result->outcome == EXIT_BOOT_DONE, machine.firmware.gone);
    KTEST_EQ(t, status == K_OK, machine.firmware.gone);
    KTEST_EQ(t, result->why == NULL, machine.firmware.gone);
    KTEST_EQ(t, result->outcome == EXIT_BOOT_REFUSED_BEFORE,
             !machine.firmware.gone && machine.firmware.exits == 0);
    return status;
}

static void exit_boot_first_key_is_accepted(struct ktest *t)
{
    (void)machine_init();
    KTEST_STATUS(t, leave(t), K_OK);
    const struct exit_boot_result *const result = &machine.result;
    KTEST_EQ(t, result->attempts, 1);
    KTEST_EQ(t, result->keys[0], 1000);
    KTEST_EQ(t, result->exited_at, 2);
    KTEST_TRUE(t, result->map.bytes == machine.memory);
    KTEST_EQ(t, result->map.size_bytes, 50 * STRIDE);
    KTEST_EQ(t, result->map.descriptor_size, STRIDE);
    KTEST_EQ(t, result->map.descriptor_version, 1);
    KTEST_FALSE(t, result->canary_overwritten);
}

static void exit_boot_stale_keys_are_retried_up_to_the_limit(struct ktest *t)
{
    for (uint32_t stale = 1; stale <= 9; stale++) {
        machine_init()->stale_exits = stale;
        const bool works = stale < EXIT_BOOT_MAX_ATTEMPTS;
        KTEST_STATUS(t, leave(t), works ? K_OK : K_ETIMEDOUT);
        const uint32_t attempts = works ? stale + 1 : EXIT_BOOT_MAX_ATTEMPTS;
        KTEST_EQ(t, machine.result.attempts, attempts);
        KTEST_EQ(t, machine.firmware.maps, attempts);
        KTEST_EQ(t, machine.result.keys[attempts - 1], 1000 + 7 * (attempts - 1));
        KTEST_EQ(t, machine.result.outcome, works ? EXIT_BOOT_DONE : EXIT_BOOT_REFUSED_AFTER);
    }
}

/* The whole buffer is offered each time, not what the last map used: a map may grow. */
static void exit_boot_growing_map_fits_the_slack(struct ktest *t)
{
    struct firmware *const firmware = machine_init();
    firmware->stale_exits = 7;
    firmware->growth = 9;
    KTEST_STATUS(t, leave(t), K_OK);
    KTEST_EQ(t, machine.result.map.size_bytes, (50 + 7 * 9) * STRIDE);
    for (uint32_t i = 0; i < 8; i++) {
        KTEST_EQ(t, machine.offered[i], CAPACITY);
    }
}

/* EDK2 insists on room for the map before merging, then returns less. */
static void exit_boot_firmware_wanting_more_than_it_returns_works(struct ktest *t)
{
    struct firmware *const firmware = machine_init();
    firmware->needs_bytes = CAPACITY;
    firmware->stale_exits = 3;
    KTEST_STATUS(t, leave(t), K_OK);
    KTEST_EQ(t, machine.result.map.size_bytes, 50 * STRIDE);
}

static void exit_boot_small_buffer_before_exit_may_return(struct ktest *t)
{
    machine_init()->needs_bytes = CAPACITY + 8;
    KTEST_STATUS(t, leave(t), K_ENOSPC);
    KTEST_EQ(t, machine.result.wanted_bytes, CAPACITY + 8);
    KTEST_EQ(t, machine.firmware.exits, 0);
    KTEST_EQ(t, machine.firmware.maps, 1);
}

static void exit_boot_small_buffer_on_the_retry_may_not(struct ktest *t)
{
    struct firmware *const firmware = machine_init();
    firmware->stale_exits = 8;
    firmware->growth = CAPACITY / STRIDE;
    KTEST_STATUS(t, leave(t), K_ENOSPC);
    KTEST_EQ(t, machine.result.outcome, EXIT_BOOT_REFUSED_AFTER);
    KTEST_EQ(t, machine.firmware.maps, 2);
    KTEST_TRUE(t, machine.result.wanted_bytes > CAPACITY);
}

static void exit_boot_strides_are_checked(struct ktest *t)
{
    static const struct {
        uint64_t stride;
        bool good;
    } strides[] = { { 0, false }, { 39, false }, { 40, true },   { 44, false },
                    { 48, true }, { 64, true },  { 4096, true }, { UINT64_MAX, false } };
    for (size_t i = 0; i < ARRAY_COUNT(strides); i++) {
        struct firmware *const firmware = machine_init();
        firmware->stride = strides[i].stride;
        firmware->descriptors = 2;
        firmware->needs_bytes = 1;
        if (strides[i].stride == UINT64_MAX) {
            firmware->descriptors = 0;
        }
        KTEST_STATUS(t, leave(t), strides[i].good ? K_OK : K_EPROTO);
        KTEST_EQ(t, machine.firmware.exits, strides[i].good ? 1 : 0);
    }
}

static void exit_boot_size_that_the_stride_does_not_divide_is_refused(struct ktest *t)
{
    machine_init()->size_lie = 8;
    KTEST_STATUS(t, leave(t), K_EPROTO);
    KTEST_STRING(t, machine.result.why,
                 "the descriptor size does not divide the size of the memory map");
}

static void exit_boot_size_above_the_capacity_is_refused(struct ktest *t)
{
    machine_init()->size_lie = (CAPACITY / STRIDE) * STRIDE;
    KTEST_STATUS(t, leave(t), K_EPROTO);
    KTEST_STRING(t, machine.result.why, "GetMemoryMap claims more bytes than the buffer holds");
}

/* OK with no field written must not look like a map of whatever was in the variables. */
static void exit_boot_firmware_that_writes_nothing_is_refused(struct ktest *t)
{
    machine_init()->sets_nothing = true;
    KTEST_STATUS(t, leave(t), K_EPROTO);
    KTEST_EQ(t, machine.firmware.exits, 0);
}

static void exit_boot_overrun_of_the_buffer_is_refused(struct ktest *t)
{
    static const uint32_t stale[] = { 0, 5 };
    for (size_t i = 0; i < ARRAY_COUNT(stale); i++) {
        struct firmware *const firmware = machine_init();
        firmware->stale_exits = stale[i];
        firmware->writes_past_the_end = true;
        KTEST_STATUS(t, leave(t), K_EPROTO);
        KTEST_TRUE(t, machine.result.canary_overwritten);
        KTEST_EQ(t, machine.firmware.exits, 0);
    }
}

/* The last byte of the canary page counts, and an overrun outweighs what get_map says. */
static void exit_boot_whole_canary_is_checked(struct ktest *t)
{
    struct firmware *const firmware = machine_init();
    firmware->needs_bytes = CAPACITY + 1;
    machine.memory[CAPACITY + PAGE_SIZE - 1] = 0;
    KTEST_STATUS(t, leave(t), K_EPROTO);
    KTEST_TRUE(t, machine.result.canary_overwritten);
}

static void exit_boot_other_errors_of_get_map_end_it(struct ktest *t)
{
    static const enum exit_boot_firmware_status failures[] = {
        EXIT_BOOT_FIRMWARE_OTHER, EXIT_BOOT_FIRMWARE_INVALID_PARAMETER
    };
    for (uint32_t call = 0; call < 3; call++) {
        for (size_t i = 0; i < ARRAY_COUNT(failures); i++) {
            struct firmware *const firmware = machine_init();
            firmware->stale_exits = 8;
            firmware->fail_map_at = call;
            firmware->map_failure = failures[i];
            KTEST_STATUS(t, leave(t), K_EIO);
            KTEST_STRING(t, machine.result.why, "GetMemoryMap failed");
            KTEST_EQ(t, machine.firmware.exits, call);
            KTEST_EQ(t, machine.firmware.maps, call + 1);
        }
    }
}

static void exit_boot_other_errors_of_exit_end_it(struct ktest *t)
{
    for (uint32_t call = 0; call < 3; call++) {
        struct firmware *const firmware = machine_init();
        firmware->stale_exits = 8;
        firmware->fail_exit_at = call;
        KTEST_STATUS(t, leave(t), K_EIO);
        KTEST_EQ(t, machine.result.outcome, EXIT_BOOT_REFUSED_AFTER);
        KTEST_EQ(t, machine.firmware.exits, call + 1);
    }
}

static void exit_boot_buffer_size_has_slack_and_whole_pages(struct ktest *t)
{
    uint64_t bytes = 1;
    KTEST_STATUS(t, exit_boot_buffer_size(120 * 48, 48, &bytes), K_OK);
    KTEST_EQ(t, bytes, 3 * PAGE_SIZE); /* 8832 used */
    KTEST_STATUS(t, exit_boot_buffer_size(0, 64, &bytes), K_OK);
    KTEST_EQ(t, bytes, PAGE_SIZE); /* exactly 64 * 64 */
    KTEST_STATUS(t, exit_boot_buffer_size(1, 64, &bytes), K_OK);
    KTEST_EQ(t, bytes, 2 * PAGE_SIZE);
    bytes = 77;
    KTEST_STATUS(t, exit_boot_buffer_size(100, 0, &bytes), K_EINVAL);
    KTEST_STATUS(t, exit_boot_buffer_size(100, 32, &bytes), K_EINVAL);
    KTEST_STATUS(t, exit_boot_buffer_size(100, 44, &bytes), K_EINVAL);
    KTEST_STATUS(t, exit_boot_buffer_size(UINT64_MAX - 40, 48, &bytes), K_EOVERFLOW);
    KTEST_STATUS(t, exit_boot_buffer_size(100, UINT64_C(1) << 60, &bytes), K_EOVERFLOW);
    KTEST_STATUS(t, exit_boot_buffer_size(UINT64_MAX - 64 * 48 - 5, 48, &bytes), K_EOVERFLOW);
    KTEST_EQ(t, bytes, 77);
}

static void put_descriptor(uint8_t *to, uint32_t type, uint64_t start, uint64_t attribute)
{
    memset(to, 0, STRIDE);
    memcpy(to, &type, sizeof(type));
    memcpy(to + 8, &start, sizeof(start));
    memcpy(to + 32, &attribute, sizeof(attribute));
}

static void exit_boot_misaligned_runtime_names_the_descriptor(struct ktest *t)
{
    uint8_t bytes[3 * STRIDE];
    const struct efi_map map = { bytes, sizeof(bytes), STRIDE, 1 };
    put_descriptor(bytes, EFI_MAP_CONVENTIONAL, 0x1234, 0xf);
    put_descriptor(bytes + STRIDE, EFI_MAP_RUNTIME_DATA, 0x5000, EFI_MAP_ATTRIBUTE_RUNTIME);
    put_descriptor(bytes + 2 * STRIDE, EFI_MAP_ACPI_NVS, 0x6000, 0xf);
    KTEST_EQ(t, exit_boot_misaligned_runtime(&map), UINT64_MAX);
    put_descriptor(bytes + 2 * STRIDE, EFI_MAP_ACPI_NVS, 0x6000, EFI_MAP_ATTRIBUTE_RUNTIME);
    KTEST_EQ(t, exit_boot_misaligned_runtime(&map), 2);
    put_descriptor(bytes + 2 * STRIDE, EFI_MAP_ACPI_RECLAIM, 0x6000, EFI_MAP_ATTRIBUTE_RUNTIME);
    KTEST_EQ(t, exit_boot_misaligned_runtime(&map), 2);
    put_descriptor(bytes + STRIDE, EFI_MAP_RUNTIME_DATA, 0x5800, EFI_MAP_ATTRIBUTE_RUNTIME);
    KTEST_EQ(t, exit_boot_misaligned_runtime(&map), 1);
}

/* After a refused map there is nothing that the report of the refusal could walk. */
static void exit_boot_refused_map_on_the_retry_cannot_be_walked(struct ktest *t)
{
    struct firmware *const firmware = machine_init();
    firmware->stale_exits = 8;
    firmware->fail_map_at = 1;
    firmware->map_failure = EXIT_BOOT_FIRMWARE_OTHER;
    KTEST_STATUS(t, leave(t), K_EIO);
    KTEST_EQ(t, machine.result.outcome, EXIT_BOOT_REFUSED_AFTER);
    KTEST_TRUE(t, machine.result.map.bytes == NULL);
    KTEST_EQ(t, machine.result.map.size_bytes, 0);
    KTEST_EQ(t, exit_boot_misaligned_runtime(&machine.result.map), UINT64_MAX);
    const struct efi_map no_stride = { machine.memory, CAPACITY, 0, 1 };
    KTEST_EQ(t, exit_boot_misaligned_runtime(&no_stride), UINT64_MAX);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(exit_boot_first_key_is_accepted),
    KTEST_CASE(exit_boot_stale_keys_are_retried_up_to_the_limit),
    KTEST_CASE(exit_boot_growing_map_fits_the_slack),
    KTEST_CASE(exit_boot_firmware_wanting_more_than_it_returns_works),
    KTEST_CASE(exit_boot_small_buffer_before_exit_may_return),
    KTEST_CASE(exit_boot_small_buffer_on_the_retry_may_not),
    KTEST_CASE(exit_boot_strides_are_checked),
    KTEST_CASE(exit_boot_size_that_the_stride_does_not_divide_is_refused),
    KTEST_CASE(exit_boot_size_above_the_capacity_is_refused),
    KTEST_CASE(exit_boot_firmware_that_writes_nothing_is_refused),
    KTEST_CASE(exit_boot_overrun_of_the_buffer_is_refused),
    KTEST_CASE(exit_boot_whole_canary_is_checked),
    KTEST_CASE(exit_boot_other_errors_of_get_map_end_it),
    KTEST_CASE(exit_boot_other_errors_of_exit_end_it),
    KTEST_CASE(exit_boot_buffer_size_has_slack_and_whole_pages),
    KTEST_CASE(exit_boot_misaligned_runtime_names_the_descriptor),
    KTEST_CASE(exit_boot_refused_map_on_the_retry_cannot_be_walked),
};
KTEST_SUITE(loader_exit_boot, "loader.exit_boot", cases);
