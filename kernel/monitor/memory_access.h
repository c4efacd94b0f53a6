/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Memory for people who type addresses. Virtual addresses are accessed as they are; physical ones
 * through the direct map where it maps them, else through an uncached mapping made for the one
 * access: device registers, page 0, guard frames. An access that faults is an error, never a crash
 * (what a device makes of it is not in our hands). Each access has exactly the width asked for.
 * No state. Context: after mm_init().
 */
#ifndef MONITOR_MEMORY_ACCESS_H
#define MONITOR_MEMORY_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "kstatus.h"
#include "monitor/arguments.h"

/**
 * Reads @p width_bytes (1, 2, 4, 8), zero-extended.
 * @return K_OK; K_EFAULT the access faulted; K_ERANGE a physical address that the CPU does not
 *         have; K_ENOMEM, K_EAGAIN no mapping to be had
 */
MUST_CHECK enum kstatus memory_read(const struct monitor_address *address, unsigned width_bytes,
                                    uint64_t *value);

/** Writes the low @p width_bytes of @p value. @return as memory_read() */
MUST_CHECK enum kstatus memory_write(const struct monitor_address *address, unsigned width_bytes,
                                     uint64_t value);

/** Why an access failed, in words. */
const char *memory_access_error(enum kstatus status);

#endif
