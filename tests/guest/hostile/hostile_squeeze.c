/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Takes memory before the start, with the firmware's own services: unlike a shaped map, this is
 * how things are. What is taken is never given back; the firmware frees boot-services memory at
 * the exit, reserved memory stays.
 */
#include "hostile.h"
#include "lib/bits.h"
#include "mm/addr.h"

#define MAP_BYTES_MAX UINT64_C(0x20000)
#define MAP_PAGES     (MAP_BYTES_MAX >> PAGE_SHIFT)

/* The free ranges as they are before anything is taken. */
struct free_map {
    const uint8_t *bytes;
    UINTN size_bytes;
    UINTN stride;
};

struct range {
    uint64_t start; /* bytes, page-aligned */
    uint64_t end;
};

static enum kstatus read_map(struct free_map *map)
{
    EFI_PHYSICAL_ADDRESS memory = 0;
    UINTN key;
    UINT32 version;
    if (EFI_ERROR(hostile.real->AllocatePages(AllocateAnyPages, EfiBootServicesData, MAP_PAGES,
                                              &memory))) {
        return K_ENOMEM;
    }
    map->bytes = (const uint8_t *)(uintptr_t)memory;
    map->size_bytes = MAP_BYTES_MAX;
    return EFI_ERROR(hostile.real->GetMemoryMap(&map->size_bytes,
                                                (EFI_MEMORY_DESCRIPTOR *)(uintptr_t)memory, &key,
                                                &map->stride, &version))
               ? K_EIO
               : K_OK;
}

/* The free memory at and above @p floor of descriptor @p at; empty where it is not free. */
static struct range free_range(const struct free_map *map, UINTN at, uint64_t floor)
{
    const EFI_MEMORY_DESCRIPTOR *const descriptor =
        (const EFI_MEMORY_DESCRIPTOR *)(const void *)(map->bytes + at);
    struct range range = { 0, 0 };
    if (descriptor->Type == EfiConventionalMemory) {
        range.end = descriptor->PhysicalStart + (descriptor->NumberOfPages << PAGE_SHIFT);
        range.start = bits_min(bits_max(descriptor->PhysicalStart, floor), range.end);
    }
    return range;
}

static void take(EFI_MEMORY_TYPE type, uint64_t start, uint64_t end)
{
    EFI_PHYSICAL_ADDRESS address = start;
    if (start < end && EFI_ERROR(hostile.real->AllocatePages(
                           AllocateAddress, type, (end - start) >> PAGE_SHIFT, &address))) {
        hostile_say("the firmware kept memory that the map calls free", "");
    }
}

/* One page at each multiple of 2 MiB. */
static void fragment(const struct free_map *map)
{
    for (UINTN at = 0; at < map->size_bytes; at += map->stride) {
        const struct range range = free_range(map, at, LOW_MEMORY_END);
        const uint64_t end = bits_min(range.end, SIZE_4G);
        for (uint64_t page = bits_align_up(range.start, SIZE_2M); page < end; page += SIZE_2M) {
            take(EfiReservedMemoryType, page, page + PAGE_SIZE);
        }
    }
}

static void take_low(const struct free_map *map)
{
    for (UINTN at = 0; at < map->size_bytes; at += map->stride) {
        const struct range range = free_range(map, at, LOW_MEMORY_END);
        take(EfiBootServicesData, range.start, bits_min(range.end, SIZE_4G));
    }
}

/* All but @p left_bytes, which stay where the largest range ends. */
static void take_most(const struct free_map *map, uint64_t left_bytes)
{
    UINTN largest = 0;
    uint64_t largest_bytes = 0;
    for (UINTN at = 0; at < map->size_bytes; at += map->stride) {
        const struct range range = free_range(map, at, LOW_MEMORY_END);
        if (range.end - range.start > largest_bytes) {
            largest = at;
            largest_bytes = range.end - range.start;
        }
    }
    for (UINTN at = 0; at < map->size_bytes; at += map->stride) {
        const struct range range = free_range(map, at, LOW_MEMORY_END);
        const uint64_t left = at == largest ? bits_min(left_bytes, largest_bytes) : 0;
        take(EfiBootServicesData, range.start, range.end - left);
    }
}

enum kstatus hostile_squeeze(void)
{
    struct free_map map;
    const enum kstatus status = read_map(&map);
    if (status != K_OK) {
        return status;
    }
    if (hostile_value(HOSTILE_FRAGMENT) != 0) {
        fragment(&map);
    }
    if (hostile_value(HOSTILE_NO_LOW) != 0) {
        take_low(&map);
    }
    if (hostile_value(HOSTILE_SCARCE) != 0) {
        take_most(&map, hostile_value(HOSTILE_SCARCE) * 1024);
    }
    return K_OK;
}
