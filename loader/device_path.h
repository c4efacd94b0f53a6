/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The one question that the loader asks of a UEFI device path: does it lead to a given serial port?
 * Works on bytes, because paths come unaligned and, from variables, unchecked. Pure; loader and
 * host.
 */
#ifndef LOADER_DEVICE_PATH_H
#define LOADER_DEVICE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Longest path looked at where no length is known, bytes. */
#define DEVICE_PATH_MAX_BYTES 4096U

/** A serial port, as paths name it. */
struct device_path_uart {
    bool is_pci;
    uint32_t unit;    /* ACPI's unit number: 0 = COM1; not for PCI */
    uint8_t device;   /* PCI */
    uint8_t function; /* PCI */
};

/**
 * Whether one instance of the (multi-instance) device path at @p bytes goes through the node of
 * @p uart (an ACPI node for a 16550A or a standard PC COM port, or a PCI node), directly followed
 * by a UART node.
 * @param max_bytes  nothing at or behind bytes + max_bytes is read; a path that does not end before
 *                   is judged by what lies inside
 * @spec UEFI 2.10, 10.3.1 "Generic Device Path Structures", 10.3.2.1 "PCI Device Path", 10.3.3
 *       "ACPI Device Path", 10.3.4.15 "UART Device Path"
 */
bool device_path_has_uart(const void *bytes, size_t max_bytes, const struct device_path_uart *uart);

#endif
