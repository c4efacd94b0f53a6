/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The only caller of AllocatePages, and the ledger of what it gave: base, pages, purpose, lifetime.
 * The ledger decides what the memory map says of these pages later, so nothing is allocated outside
 * of it. Also reads the firmware's memory map before the exit. Loader only.
 *
 * Placement: the address is chosen here, not by the firmware, at the lowest free place that
 * fits between 1 MiB and the ceiling, so below 4 GiB where possible. That keeps address 0 and the
 * first MiB out, respects mem= and the end of the direct map, and leaves the large free ranges
 * whole. Ranges that are special-purpose or not write-back are left alone.
 */
#ifndef LOADER_EFI_ALLOC_H
#define LOADER_EFI_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

#include <efi.h>

#include "shared/bootinfo.h"

#include "efi_map.h"
#include "kstatus.h"
#include "mm/addr.h"

#define EFI_ALLOC_MAX_ENTRIES 16U

struct efi_alloc {
    EFI_BOOT_SERVICES *services;
    uint64_t ceiling; /* bytes, physical: nothing is taken at or above it */
    struct bootinfo_ledger_entry ledger[EFI_ALLOC_MAX_ENTRIES];
    uint32_t count;
};

struct efi_alloc_request {
    uint64_t pages;           /* 4 KiB pages, > 0 */
    uint64_t alignment_bytes; /* a power of two >= 4 KiB */
    enum bootinfo_purpose purpose;
    enum bootinfo_lifetime lifetime;
    bool is_code; /* EfiLoaderCode: firmware that enforces NX lets only that be executed */
};

/** A copy of the firmware's map in pool memory. */
struct efi_map_copy {
    struct efi_map map;
    void *pool;
    uint64_t asked_bytes; /* for the map by a query without a buffer: see exit_boot_buffer_size() */
};

/** @param ceiling  bytes; the lowest of mem=, the end of the direct map and 2^MAXPHYADDR */
void efi_alloc_init(struct efi_alloc *alloc, EFI_BOOT_SERVICES *services, uint64_t ceiling);

/**
 * Allocates what @p request says and enters it in the ledger. The content is not defined.
 * @param base  receives the physical address of the first page
 * @return K_OK; K_ENOMEM where no range fits; K_ENOSPC where the ledger is full; the errors of
 *         efi_alloc_read_map()
 */
MUST_CHECK enum kstatus efi_alloc_pages(struct efi_alloc *alloc,
                                        const struct efi_alloc_request *request, phys_addr_t *base);

/** efi_alloc_pages() at @p place, a multiple of 4 KiB, and nowhere else; its alignment is not
 * looked at. @return K_OK; K_ENOMEM where that is not free memory below the ceiling, or the
 * firmware does not give it; K_ENOSPC; the errors of efi_alloc_read_map() */
MUST_CHECK enum kstatus efi_alloc_pages_at(struct efi_alloc *alloc,
                                           const struct efi_alloc_request *request,
                                           phys_addr_t place);

/** Whether @p map has all of [@p place, @p place + @p pages) as free memory that we would use, in
 * one descriptor, and nothing else on top of it. */
bool efi_alloc_is_free(const struct efi_map *map, phys_addr_t place, uint64_t pages);

/** Gives the block at @p base back and strikes it from the ledger; unknown blocks are ignored. */
void efi_alloc_free(struct efi_alloc *alloc, phys_addr_t base);

/** Gives everything back. @context only before ExitBootServices was tried */
void efi_alloc_free_all(struct efi_alloc *alloc);

/**
 * Reads the firmware's map (UEFI 2.10, 7.2.3) and checks its geometry.
 * @return K_OK; K_EPROTO for a map that cannot be walked; K_ENOMEM; K_EIO
 */
MUST_CHECK enum kstatus efi_alloc_read_map(EFI_BOOT_SERVICES *services, struct efi_map_copy *copy);

void efi_alloc_release_map(EFI_BOOT_SERVICES *services, struct efi_map_copy *copy);

#endif
