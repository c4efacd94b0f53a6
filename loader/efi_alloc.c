/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See efi_alloc.h. Every allocation walks a fresh copy of the map: eight walks of a few hundred
 * descriptors cost less than one line on a serial console, and no stale map can mislead.
 */
#include "efi_alloc.h"

#include <stdbool.h>

#define READ_MAP_TRIES 4U
/* The pool block for the copy may itself add descriptors; UEFI 2.10 7.2.3 asks for spare room. */
#define SPARE_DESCRIPTORS 64U
/* So many places are tried in a map that contradicts itself or the firmware. */
#define PLACES_MAX 4096U

void efi_alloc_init(struct efi_alloc *alloc, EFI_BOOT_SERVICES *services, uint64_t ceiling)
{
    alloc->services = services;
    alloc->ceiling = bits_align_down(ceiling, PAGE_SIZE);
    alloc->count = 0;
}

/* One attempt: size query, buffer, map. K_EAGAIN where the map outgrew the buffer meanwhile. */
static enum kstatus try_read_map(EFI_BOOT_SERVICES *services, struct efi_map_copy *copy)
{
    UINTN size_bytes = 0;
    UINTN key;
    UINTN stride = 0;
    UINT32 version = 0;
    if (services->GetMemoryMap(&size_bytes, NULL, &key, &stride, &version) !=
        EFI_BUFFER_TOO_SMALL) {
        return K_EIO;
    }
    copy->asked_bytes = size_bytes;
    UINTN spare;
    if (__builtin_mul_overflow(stride, SPARE_DESCRIPTORS, &spare) ||
        __builtin_add_overflow(size_bytes, spare, &size_bytes)) {
        return K_EPROTO;
    }
    if (EFI_ERROR(services->AllocatePool(EfiLoaderData, size_bytes, &copy->pool))) {
        copy->pool = NULL;
        return K_ENOMEM;
    }
    const EFI_STATUS status =
        services->GetMemoryMap(&size_bytes, copy->pool, &key, &stride, &version);
    if (EFI_ERROR(status)) {
        return status == EFI_BUFFER_TOO_SMALL ? K_EAGAIN : K_EIO;
    }
    copy->map = (struct efi_map){ .bytes = copy->pool,
                                  .size_bytes = size_bytes,
                                  .descriptor_size = stride,
                                  .descriptor_version = version };
    const char *why;
    return efi_map_check(&copy->map, &why) == K_OK ? K_OK : K_EPROTO;
}

enum kstatus efi_alloc_read_map(EFI_BOOT_SERVICES *services, struct efi_map_copy *copy)
{
    enum kstatus status = K_EAGAIN;
    for (unsigned i = 0; i < READ_MAP_TRIES && status == K_EAGAIN; i++) {
        struct efi_map_copy fresh = { .pool = NULL };
        status = try_read_map(services, &fresh);
        if (status == K_OK) {
            *copy = fresh;
        } else {
            efi_alloc_release_map(services, &fresh);
        }
    }
    return status == K_EAGAIN ? K_EIO : status;
}

void efi_alloc_release_map(EFI_BOOT_SERVICES *services, struct efi_map_copy *copy)
{
    if (copy->pool != NULL) {
        (void)services->FreePool(copy->pool); /* nothing to do where it fails */
    }
    *copy = (struct efi_map_copy){ .pool = NULL };
}

static bool is_free_memory(const struct efi_map_descriptor *descriptor)
{
    return descriptor->type == EFI_MAP_CONVENTIONAL &&
           efi_map_reason(descriptor->type, descriptor->attribute) == MMAP_REASON_AVAILABLE;
}

/* Where to look, in bytes of physical address. */
struct search {
    uint64_t floor;   /* free ranges are looked at from here up */
    uint64_t after;   /* places below were refused */
    uint64_t ceiling; /* the end of what may be used */
};

/* [start, end) of a descriptor as it stands; false where it is empty or wraps. */
static bool descriptor_range(const struct efi_map_descriptor *descriptor, uint64_t *start,
                             uint64_t *end)
{
    uint64_t bytes;
    *start = descriptor->physical_start;
    return descriptor->pages > 0 && !__builtin_mul_overflow(descriptor->pages, PAGE_SIZE, &bytes) &&
           !__builtin_add_overflow(*start, bytes, end);
}

/* The lowest aligned place for @p request in the free memory that @p descriptor is. */
static bool find_place(const struct efi_map_descriptor *descriptor, const struct search *search,
                       const struct efi_alloc_request *request, uint64_t *place)
{
    uint64_t start;
    uint64_t end;
    if (!is_free_memory(descriptor) || !descriptor_range(descriptor, &start, &end) ||
        !bits_align_up_checked(bits_max(start, search->floor), request->alignment_bytes, &start)) {
        return false;
    }
    end = bits_min(end, search->ceiling);
    if (start >= end || end - start < request->pages << PAGE_SHIFT) {
        return false;
    }
    *place = start;
    return true;
}

/* The lowest place over the whole map, or false. */
static bool find_lowest(const struct efi_map *map, const struct search *search,
                        const struct efi_alloc_request *request, uint64_t *place)
{
    bool found = false;
    const uint64_t count = efi_map_count(map);
    for (uint64_t i = 0; i < count; i++) {
        const struct efi_map_descriptor descriptor = efi_map_get(map, i);
        uint64_t candidate;
        if (find_place(&descriptor, search, request, &candidate) && candidate >= search->after &&
            (!found || candidate < *place)) {
            *place = candidate;
            found = true;
        }
    }
    return found;
}

/* The highest end of what @p map has on top of [start, end) that is not usable, or 0: a map may
 * contradict itself, and mmap_build() then believes the worse (design.md section 4). */
static uint64_t taken_until(const struct efi_map *map, uint64_t start, uint64_t end)
{
    uint64_t until = 0;
    const uint64_t count = efi_map_count(map);
    for (uint64_t i = 0; i < count; i++) {
        const struct efi_map_descriptor descriptor = efi_map_get(map, i);
        uint64_t taken_start;
        uint64_t taken_end;
        if (efi_map_reason(descriptor.type, descriptor.attribute) != MMAP_REASON_AVAILABLE &&
            descriptor_range(&descriptor, &taken_start, &taken_end) && taken_start < end &&
            start < taken_end) {
            until = bits_max(until, bits_align_up(taken_end, PAGE_SIZE));
        }
    }
    return until;
}

/* Pages that the firmware gives elsewhere, 0 included, are not what was asked for. */
static bool take_place(const EFI_BOOT_SERVICES *services, EFI_MEMORY_TYPE type, uint64_t place,
                       uint64_t pages)
{
    EFI_PHYSICAL_ADDRESS address = place;
    if (EFI_ERROR(services->AllocatePages(AllocateAddress, type, pages, &address))) {
        return false;
    }
    if (address != place) {
        (void)services->FreePages(address, pages); /* nothing to do where it fails */
    }
    return address == place;
}

/* Tries places of @p map from low to high until the firmware agrees to one: of each free range the
 * first, or the first behind what lies on top of it. */
static enum kstatus take_from_map(struct efi_alloc *alloc, const struct efi_map *map,
                                  const struct efi_alloc_request *request, phys_addr_t *base)
{
    const EFI_MEMORY_TYPE type = request->is_code ? EfiLoaderCode : EfiLoaderData;
    struct search search = { .floor = LOW_MEMORY_END, .ceiling = alloc->ceiling };
    uint64_t place;
    for (unsigned i = 0; i < PLACES_MAX && find_lowest(map, &search, request, &place); i++) {
        const uint64_t taken = taken_until(map, place, place + (request->pages << PAGE_SHIFT));
        if (taken != 0) {
            search.floor = taken;
        } else if (!take_place(alloc->services, type, place, request->pages)) {
            search.after = place + PAGE_SIZE;
        } else {
            base->value = place;
            return K_OK;
        }
    }
    return K_ENOMEM;
}

static uint32_t mmap_type_of(enum bootinfo_lifetime lifetime)
{
    switch (lifetime) {
    case BOOTINFO_LIFETIME_KERNEL:
        return MMAP_KERNEL;
    case BOOTINFO_LIFETIME_BOOT:
        return MMAP_LOADER;
    case BOOTINFO_LIFETIME_EXIT:
        return MMAP_AVAILABLE;
    }
    return MMAP_AVAILABLE;
}

static void enter_in_ledger(struct efi_alloc *alloc, const struct efi_alloc_request *request,
                            uint64_t base)
{
    alloc->ledger[alloc->count++] =
        (struct bootinfo_ledger_entry){ .base = base,
                                        .pages = request->pages,
                                        .type = mmap_type_of(request->lifetime),
                                        .lifetime = (uint32_t)request->lifetime,
                                        .purpose = (uint32_t)request->purpose };
}

enum kstatus efi_alloc_pages(struct efi_alloc *alloc, const struct efi_alloc_request *request,
                             phys_addr_t *base)
{
    if (alloc->count == EFI_ALLOC_MAX_ENTRIES) {
        return K_ENOSPC;
    }
    if (request->pages == 0 || request->pages > alloc->ceiling >> PAGE_SHIFT) {
        return K_ENOMEM;
    }
    struct efi_map_copy copy;
    enum kstatus status = efi_alloc_read_map(alloc->services, &copy);
    if (status != K_OK) {
        return status;
    }
    status = take_from_map(alloc, &copy.map, request, base);
    efi_alloc_release_map(alloc->services, &copy);
    if (status == K_OK) {
        enter_in_ledger(alloc, request, base->value);
    }
    return status;
}

bool efi_alloc_is_free(const struct efi_map *map, phys_addr_t place, uint64_t pages)
{
    const uint64_t end = place.value + (pages << PAGE_SHIFT);
    const uint64_t count = efi_map_count(map);
    for (uint64_t i = 0; i < count; i++) {
        const struct efi_map_descriptor descriptor = efi_map_get(map, i);
        uint64_t free_start;
        uint64_t free_end;
        if (is_free_memory(&descriptor) && descriptor_range(&descriptor, &free_start, &free_end) &&
            free_start <= place.value && end <= free_end) {
            return taken_until(map, place.value, end) == 0;
        }
    }
    return false;
}

enum kstatus efi_alloc_pages_at(struct efi_alloc *alloc, const struct efi_alloc_request *request,
                                phys_addr_t place)
{
    if (alloc->count == EFI_ALLOC_MAX_ENTRIES) {
        return K_ENOSPC;
    }
    struct efi_map_copy copy;
    const enum kstatus status = efi_alloc_read_map(alloc->services, &copy);
    if (status != K_OK) {
        return status;
    }
    const bool is_free = place.value + (request->pages << PAGE_SHIFT) <= alloc->ceiling &&
                         efi_alloc_is_free(&copy.map, place, request->pages);
    efi_alloc_release_map(alloc->services, &copy);
    const EFI_MEMORY_TYPE type = request->is_code ? EfiLoaderCode : EfiLoaderData;
    if (!is_free || !take_place(alloc->services, type, place.value, request->pages)) {
        return K_ENOMEM;
    }
    enter_in_ledger(alloc, request, place.value);
    return K_OK;
}

void efi_alloc_free(struct efi_alloc *alloc, phys_addr_t base)
{
    for (uint32_t i = 0; i < alloc->count; i++) {
        if (alloc->ledger[i].base == base.value) {
            (void)alloc->services->FreePages(base.value, alloc->ledger[i].pages); /* as above */
            alloc->ledger[i] = alloc->ledger[--alloc->count];
            return;
        }
    }
}

void efi_alloc_free_all(struct efi_alloc *alloc)
{
    while (alloc->count > 0) {
        efi_alloc_free(alloc, phys_addr(alloc->ledger[alloc->count - 1].base));
    }
}
