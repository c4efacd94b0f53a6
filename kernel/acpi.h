/* SPDX-License-Identifier: GPL-2.0-only
 *
 * CPUs in ACPI's tables (6.5): RSDP -> XSDT or RSDT -> MADT. The tables are firmware data: every
 * address is checked against the memory map before it is touched, every length against its
 * container. Kernel and host, after mm_init().
 */
#ifndef KERNEL_ACPI_H
#define KERNEL_ACPI_H

#include <stdint.h>

/**
 * Number of CPUs that the MADT lists as enabled.
 * @param rsdp             copy of the root pointer
 * @param rsdp_size_bytes  20 (ACPI 1.0) or 36; anything else: no ACPI
 * @return 0 where there is no usable MADT
 * @spec ACPI 6.5, 5.2.5.3 RSDP, 5.2.12 MADT
 */
uint32_t acpi_count_cpus(const uint8_t *rsdp, uint32_t rsdp_size_bytes);

#endif
