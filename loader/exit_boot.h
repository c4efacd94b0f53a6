/* SPDX-License-Identifier: GPL-2.0-only
 *
 * ExitBootServices as a bounded state machine (UEFI 2.10, 7.4.6) over a small interface, so that
 * the host can play every firmware. Between the first GetMemoryMap and success it calls nothing
 * but get_map and exit; it prints and allocates nothing. Pure; loader and host.
 */
#ifndef LOADER_EXIT_BOOT_H
#define LOADER_EXIT_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "efi_map.h"
#include "kstatus.h"

/** ExitBootServices is tried this often: EDK2 refuses for ever for some broken maps. */
#define EXIT_BOOT_MAX_ATTEMPTS 8U
/** Room for descriptors that may appear between sizing the buffer and the exit. */
#define EXIT_BOOT_SLACK_DESCRIPTORS 64U
/** Fills the page behind the buffer; checked after every get_map. */
#define EXIT_BOOT_CANARY_BYTE 0xc5U

/** What firmware said, as far as the machine cares. */
enum exit_boot_firmware_status {
    EXIT_BOOT_FIRMWARE_OK,
    EXIT_BOOT_FIRMWARE_BUFFER_TOO_SMALL,
    EXIT_BOOT_FIRMWARE_INVALID_PARAMETER,
    EXIT_BOOT_FIRMWARE_OTHER,
};

struct exit_boot_ops {
    /** GetMemoryMap. *size_bytes: in capacity, out used or wanted. */
    enum exit_boot_firmware_status (*get_map)(void *context, void *buffer, uint64_t *size_bytes,
                                              uint64_t *map_key, uint64_t *descriptor_size,
                                              uint32_t *descriptor_version);
    /** ExitBootServices with @p map_key. */
    enum exit_boot_firmware_status (*exit)(void *context, uint64_t map_key);
    /** A time stamp (TSC); never a firmware call. */
    uint64_t (*now)(void *context);
};

enum exit_boot_outcome {
    EXIT_BOOT_DONE,
    EXIT_BOOT_REFUSED_BEFORE, /* before any call of exit: returning to the firmware is allowed */
    EXIT_BOOT_REFUSED_AFTER,  /* after a failed exit: only reset is left */
};

struct exit_boot_result {
    enum exit_boot_outcome outcome;
    const char *why;    /* a constant sentence; NULL where done */
    struct efi_map map; /* the last one; empty where it was refused */
    uint32_t attempts;  /* calls of exit */
    uint64_t keys[EXIT_BOOT_MAX_ATTEMPTS];
    uint64_t started_at;   /* now() before the first get_map */
    uint64_t exited_at;    /* now() after the exit that worked */
    uint64_t wanted_bytes; /* where the buffer was too small: what the firmware asked for */
    bool canary_overwritten;
};

/**
 * Bytes to allocate for the map buffer, without the canary page, when a size query asked for
 * @p queried_bytes with stride @p descriptor_size. That, not the size of the map that came back:
 * EDK2 wants room for every descriptor before it merges them, in 2026 for 200 more than it returns.
 * @param buffer_bytes receives a multiple of 4 KiB, so that the canary page can lie right behind
 * @return K_OK; K_EINVAL for a stride that efi_map_check() would refuse; K_EOVERFLOW
 */
MUST_CHECK enum kstatus exit_boot_buffer_size(uint64_t queried_bytes, uint64_t descriptor_size,
                                              uint64_t *buffer_bytes);

/**
 * Leaves boot services.
 * @param buffer        8-byte aligned, @p capacity_bytes long, followed by a page filled with
 *                      EXIT_BOOT_CANARY_BYTE (@p canary, 4096 bytes)
 * @param result        always filled
 * @return K_OK where boot services are gone; else result->outcome says what is allowed and
 *         result->why what happened: K_ENOSPC the buffer is too small (result->wanted_bytes),
 *         K_EPROTO the map or its size cannot be right, or the canary was overwritten, K_EIO an
 *         error that the firmware must not return, K_ETIMEDOUT every key was refused
 */
MUST_CHECK enum kstatus exit_boot(const struct exit_boot_ops *ops, void *context, void *buffer,
                                  uint64_t capacity_bytes, const uint8_t *canary,
                                  struct exit_boot_result *result);

/** First descriptor of @p map with the RUNTIME attribute that does not start on a 4 KiB page or is
 *  ACPI memory, or UINT64_MAX; that also where efi_map_check() refuses the map. EDK2 then answers
 * INVALID_PARAMETER for ever: the hint to print where every key was refused. */
uint64_t exit_boot_misaligned_runtime(const struct efi_map *map);

#endif
