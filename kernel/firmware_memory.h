/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Memory in which firmware left tables, for reading: through the direct map where it is there
 * (ACPI), else through a mapping made for the purpose (SMBIOS in runtime services, reserved or BIOS
 * memory). Addresses are firmware's and hostile: what the memory map does not call memory is
 * refused, because reading a device may do something. No state; kernel and host.
 */
#ifndef KERNEL_FIRMWARE_MEMORY_H
#define KERNEL_FIRMWARE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "kstatus.h"
#include "mm/mmio_pool.h"

#define FIRMWARE_WINDOW_MAX (UINT64_C(16) << 20) /* bytes */

struct firmware_window {
    const uint8_t *bytes;    /* of the range, until the window is closed */
    struct mmio_guard guard; /* private */
};

/** Whether a device may live in [phys, phys + size_bytes): none of it is memory. */
bool firmware_range_is_device(uint64_t phys, uint64_t size_bytes);

/**
 * Opens [phys, phys + size_bytes) for reading.
 * @return K_OK; K_EFAULT where it is empty, too large, or not all memory; K_ENOMEM, K_EAGAIN no
 *         mapping to be had
 * Context: after mm_init().
 */
MUST_CHECK enum kstatus firmware_window_open(uint64_t phys, uint64_t size_bytes,
                                             struct firmware_window *window);

/** Once for each window that was opened. */
void firmware_window_close(struct firmware_window *window);

#endif
