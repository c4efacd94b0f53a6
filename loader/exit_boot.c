/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Leaving boot services: see exit_boot.h. One attempt is GetMemoryMap, checks, ExitBootServices.
 *
 *             get_map ok, map sane           exit ok
 *    start ------------------------> key --------------> DONE
 *      ^            |                 |
 *      |            | anything else   | INVALID_PARAMETER: the map changed under us
 *      |            v                 |
 *      |         REFUSED              |
 *      +------------------------------+   at most EXIT_BOOT_MAX_ATTEMPTS times
 *
 * Every attempt offers the whole buffer again: firmware may ask for more room than the map that it
 * then returns needs (EDK2 checks the size before it merges descriptors). The state lives in the
 * caller's result. Loader and host.
 */
#include "exit_boot.h"

#include <stddef.h>

#include "lib/bits.h"
#include "lib/string.h"
#include "mm/addr.h"

#define STRIDE_ALIGNMENT 8U

enum kstatus exit_boot_buffer_size(uint64_t queried_bytes, uint64_t descriptor_size,
                                   uint64_t *buffer_bytes)
{
    if (descriptor_size < EFI_MAP_DESCRIPTOR_MIN ||
        !bits_is_aligned(descriptor_size, STRIDE_ALIGNMENT)) {
        return K_EINVAL;
    }
    uint64_t slack;
    uint64_t wanted;
    uint64_t whole_pages;
    if (__builtin_mul_overflow(descriptor_size, EXIT_BOOT_SLACK_DESCRIPTORS, &slack) ||
        __builtin_add_overflow(queried_bytes, slack, &wanted) ||
        !bits_align_up_checked(wanted, PAGE_SIZE, &whole_pages)) {
        return K_EOVERFLOW;
    }
    *buffer_bytes = whole_pages;
    return K_OK;
}

/* Everything an attempt needs, so that the steps below stay short. */
struct exit_boot {
    const struct exit_boot_ops *ops;
    void *context;
    void *buffer;
    uint64_t capacity_bytes;
    const uint8_t *canary;
    struct exit_boot_result *result;
};

static enum kstatus refuse(struct exit_boot_result *result, const char *why, enum kstatus status)
{
    result->why = why;
    result->outcome = result->attempts == 0 ? EXIT_BOOT_REFUSED_BEFORE : EXIT_BOOT_REFUSED_AFTER;
    return status;
}

static bool canary_is_intact(const uint8_t *canary)
{
    for (uint64_t i = 0; i < PAGE_SIZE; i++) {
        if (canary[i] != EXIT_BOOT_CANARY_BYTE) {
            return false;
        }
    }
    return true;
}

/* Judges what get_map said; the canary first, for an overrun makes all the rest worthless. */
static enum kstatus check_map(const struct exit_boot *state, enum exit_boot_firmware_status said)
{
    struct exit_boot_result *const result = state->result;
    if (!canary_is_intact(state->canary)) {
        result->canary_overwritten = true;
        return refuse(result, "GetMemoryMap wrote past the end of its buffer", K_EPROTO);
    }
    if (said == EXIT_BOOT_FIRMWARE_BUFFER_TOO_SMALL) {
        result->wanted_bytes = result->map.size_bytes;
        return refuse(result, "GetMemoryMap wants a larger buffer", K_ENOSPC);
    }
    if (said != EXIT_BOOT_FIRMWARE_OK) {
        return refuse(result, "GetMemoryMap failed", K_EIO);
    }
    if (result->map.size_bytes > state->capacity_bytes) {
        result->wanted_bytes = result->map.size_bytes;
        return refuse(result, "GetMemoryMap claims more bytes than the buffer holds", K_EPROTO);
    }
    const char *why = NULL;
    if (efi_map_check(&result->map, &why) != K_OK) {
        return refuse(result, why, K_EPROTO);
    }
    return K_OK;
}

/* GetMemoryMap with fields that show whether the firmware wrote them. */
static enum kstatus fetch_map(const struct exit_boot *state, uint64_t *map_key)
{
    struct efi_map *const map = &state->result->map;
    *map = (struct efi_map){ .bytes = state->buffer, .size_bytes = state->capacity_bytes };
    *map_key = 0;
    const enum exit_boot_firmware_status said =
        state->ops->get_map(state->context, state->buffer, &map->size_bytes, map_key,
                            &map->descriptor_size, &map->descriptor_version);
    const enum kstatus status = check_map(state, said);
    if (status != K_OK) {
        *map = (struct efi_map){ .bytes = NULL }; /* nobody may walk it */
    }
    return status;
}

/* One attempt. K_EAGAIN: the key was stale, try again. */
static enum kstatus attempt(const struct exit_boot *state)
{
    struct exit_boot_result *const result = state->result;
    uint64_t map_key;
    const enum kstatus status = fetch_map(state, &map_key);
    if (status != K_OK) {
        return status;
    }
    result->keys[result->attempts] = map_key;
    result->attempts++;
    const enum exit_boot_firmware_status said = state->ops->exit(state->context, map_key);
    if (said == EXIT_BOOT_FIRMWARE_OK) {
        result->exited_at = state->ops->now(state->context);
        result->outcome = EXIT_BOOT_DONE;
        return K_OK;
    }
    if (said == EXIT_BOOT_FIRMWARE_INVALID_PARAMETER) {
        return K_EAGAIN;
    }
    return refuse(result, "ExitBootServices failed with an error that it must not return", K_EIO);
}

enum kstatus exit_boot(const struct exit_boot_ops *ops, void *context, void *buffer,
                       uint64_t capacity_bytes, const uint8_t *canary,
                       struct exit_boot_result *result)
{
    const struct exit_boot state = { ops, context, buffer, capacity_bytes, canary, result };
    memset(result, 0, sizeof(*result));
    result->started_at = ops->now(context);
    while (result->attempts < EXIT_BOOT_MAX_ATTEMPTS) {
        const enum kstatus status = attempt(&state);
        if (status != K_EAGAIN) {
            return status;
        }
    }
    return refuse(result, "ExitBootServices refused every key", K_ETIMEDOUT);
}

static bool blocks_the_exit(const struct efi_map_descriptor *descriptor)
{
    if ((descriptor->attribute & EFI_MAP_ATTRIBUTE_RUNTIME) == 0) {
        return false;
    }
    return descriptor->type == EFI_MAP_ACPI_RECLAIM || descriptor->type == EFI_MAP_ACPI_NVS ||
           !bits_is_aligned(descriptor->physical_start, PAGE_SIZE);
}

uint64_t exit_boot_misaligned_runtime(const struct efi_map *map)
{
    const char *why;
    const uint64_t count = efi_map_check(map, &why) == K_OK ? efi_map_count(map) : 0;
    for (uint64_t i = 0; i < count; i++) {
        const struct efi_map_descriptor descriptor = efi_map_get(map, i);
        if (blocks_the_exit(&descriptor)) {
            return i;
        }
    }
    return UINT64_MAX;
}
