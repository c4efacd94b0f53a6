/* SPDX-License-Identifier: GPL-2.0-only
 *
 * How fast the TSC ticks: CPUID where it says so, else measured against the firmware's Stall().
 * Loader only; boot services needed.
 */
#ifndef LOADER_EFI_TIME_H
#define LOADER_EFI_TIME_H

#include <stdint.h>

#include <efi.h>

#include "shared/bootinfo.h"

/**
 * Frequency of the time-stamp counter in Hz, 0 where nothing believable was found.
 * @param source  receives where the number comes from
 * @spec SDM vol 3B, "Determining the Processor Base Frequency" (CPUID 15h, 16h); UEFI 2.10 7.5.2
 */
uint64_t efi_time_tsc_hz(EFI_BOOT_SERVICES *services, enum bootinfo_tsc_source *source);

#endif
