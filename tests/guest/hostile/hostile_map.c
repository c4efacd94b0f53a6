/* SPDX-License-Identifier: GPL-2.0-only
 *
 * GetMemoryMap as bad firmware gives it. The real map is read with the real stride into a list of
 * plain descriptors; each word of the plan changes the list; then it goes out with the stride that
 * was asked for. The same calls give the same maps: the only random number is a fixed sequence.
 * Nothing is allocated once it runs, so that the real key stays good.
 */
#include "hostile.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "mm/addr.h"

#define LIST_MAX          12000U
#define REAL_BYTES_MAX    UINT64_C(0x20000)
#define JUNK_BYTE         0xeeU
#define OVERRUN_BYTES     8U
#define PREMERGE_COUNT    300U
#define PIECE_PAGES       UINT64_C(16)
#define UNADDRESSED       UINT64_C(0x3f00000000) /* 252 GiB: RAM of no machine of the matrix */
#define OEM_TYPE          0x70000001U
#define DEFAULT_ATTRIBUTE UINT64_C(0xf)

/* What GetMemoryMap works on (singleton). */
static struct {
    uint8_t *real_bytes;
    EFI_MEMORY_DESCRIPTOR *list;
    EFI_MEMORY_DESCRIPTOR *spare; /* for changes that cannot be made in place */
    UINTN count;
    UINTN real_stride;
    UINT32 real_version;
    UINTN real_key;
    UINTN given_key;
    uint64_t calls;
    uint64_t random;
} map = { .random = 1 };

enum kstatus hostile_map_init(void)
{
    EFI_PHYSICAL_ADDRESS memory = 0;
    const UINTN list_bytes = LIST_MAX * sizeof(EFI_MEMORY_DESCRIPTOR);
    const UINTN bytes = REAL_BYTES_MAX + 2 * list_bytes;
    if (EFI_ERROR(hostile.real->AllocatePages(AllocateAnyPages, EfiBootServicesData,
                                              (bytes >> PAGE_SHIFT) + 1, &memory))) {
        return K_ENOMEM;
    }
    map.real_bytes = (uint8_t *)(uintptr_t)memory;
    map.list = (EFI_MEMORY_DESCRIPTOR *)(uintptr_t)(memory + REAL_BYTES_MAX);
    map.spare = map.list + LIST_MAX;
    return K_OK;
}

static EFI_STATUS read_real(void)
{
    UINTN size_bytes = REAL_BYTES_MAX;
    const EFI_STATUS status =
        hostile.real->GetMemoryMap(&size_bytes, (EFI_MEMORY_DESCRIPTOR *)(void *)map.real_bytes,
                                   &map.real_key, &map.real_stride, &map.real_version);
    if (EFI_ERROR(status)) {
        return status;
    }
    map.count = size_bytes / map.real_stride;
    for (UINTN i = 0; i < map.count; i++) {
        memcpy(&map.list[i], map.real_bytes + i * map.real_stride, sizeof(map.list[i]));
    }
    return status;
}

static void add(uint32_t type, uint64_t start, uint64_t pages)
{
    if (map.count < LIST_MAX) {
        map.list[map.count++] = (EFI_MEMORY_DESCRIPTOR){ .Type = type,
                                                         .PhysicalStart = start,
                                                         .NumberOfPages = pages,
                                                         .Attribute = DEFAULT_ATTRIBUTE };
    }
}

/* Index of the largest conventional descriptor; there is one as long as anything is free. */
static UINTN largest_free(void)
{
    UINTN best = 0;
    uint64_t pages = 0;
    for (UINTN i = 0; i < map.count; i++) {
        if (map.list[i].Type == EfiConventionalMemory && map.list[i].NumberOfPages > pages) {
            best = i;
            pages = map.list[i].NumberOfPages;
        }
    }
    return best;
}

/* ---- shapes -------------------------------------------------------------------------------------
 */

/* Single pages wherever a descriptor lies in the @p pages pages above 1 MiB. The cuts are at fixed
 * addresses: an allocation changes the number of descriptors by one or two only. */
static void split(uint64_t pages)
{
    EFI_MEMORY_DESCRIPTOR *const out = map.spare;
    const uint64_t end = LOW_MEMORY_END + (pages << PAGE_SHIFT);
    UINTN made = 0;
    for (UINTN i = 0; i < map.count; i++) {
        EFI_MEMORY_DESCRIPTOR rest = map.list[i];
        while (rest.NumberOfPages > 1 && rest.PhysicalStart >= LOW_MEMORY_END &&
               rest.PhysicalStart < end && made + 1 < LIST_MAX) {
            out[made] = rest;
            out[made++].NumberOfPages = 1;
            rest.PhysicalStart += PAGE_SIZE;
            rest.NumberOfPages--;
        }
        if (made < LIST_MAX) {
            out[made++] = rest;
        }
    }
    map.spare = map.list;
    map.list = out;
    map.count = made;
}

/* Pieces at the end of free memory get types that do not merge, upwards, until there are @p count
 * descriptors. */
static void fill_up(uint64_t count)
{
    static const uint32_t types[] = { EfiACPIMemoryNVS, EfiBootServicesData, EfiReservedMemoryType,
                                      EfiConventionalMemory };
    EFI_MEMORY_DESCRIPTOR *const host = &map.list[largest_free()];
    const uint64_t pieces = count - bits_min(count, map.count);
    if (host->NumberOfPages <= pieces * PIECE_PAGES) {
        return;
    }
    host->NumberOfPages -= pieces * PIECE_PAGES;
    uint64_t start = host->PhysicalStart + (host->NumberOfPages << PAGE_SHIFT);
    for (uint64_t i = 0; i < pieces; i++, start += PIECE_PAGES << PAGE_SHIFT) {
        add(types[i % 4], start, PIECE_PAGES);
    }
}

/* Every third descriptor a second time, and its upper half a third time: nothing changes. */
static void repeat(void)
{
    const UINTN count = map.count;
    for (UINTN i = 0; i < count && map.count + 1 < LIST_MAX; i += 3) {
        const EFI_MEMORY_DESCRIPTOR original = map.list[i];
        map.list[map.count++] = original;
        if (original.NumberOfPages > 1) {
            const uint64_t half = original.NumberOfPages / 2;
            map.list[map.count] = original;
            map.list[map.count].PhysicalStart += half << PAGE_SHIFT;
            map.list[map.count++].NumberOfPages -= half;
        }
    }
}

/*      conventional  |-----------------------------------------------|   the largest
 *      reserved                    |---------------|  64 pages
 *      unusable                        |---|          16 pages
 *      ACPI NVS                                |-------|  over the end of the reserved ones
 */
static void nest(void)
{
    const EFI_MEMORY_DESCRIPTOR host = map.list[largest_free()];
    const uint64_t middle = host.PhysicalStart + (host.NumberOfPages / 2 << PAGE_SHIFT);
    if (host.NumberOfPages >= 1024) {
        add(EfiReservedMemoryType, middle, 64);
        add(EfiUnusableMemory, middle + 16 * PAGE_SIZE, 16);
        add(EfiACPIMemoryNVS, middle + 56 * PAGE_SIZE, 24);
    }
}

/* Reserved memory that is free as well, just where a loader looks first. */
static void nest_low(void)
{
    uint64_t lowest = UINT64_MAX;
    for (UINTN i = 0; i < map.count; i++) {
        const EFI_MEMORY_DESCRIPTOR *const one = &map.list[i];
        const uint64_t end = one->PhysicalStart + (one->NumberOfPages << PAGE_SHIFT);
        const uint64_t start = bits_max(one->PhysicalStart, LOW_MEMORY_END);
        if (one->Type == EfiConventionalMemory && start < end && start < lowest) {
            lowest = start;
        }
    }
    add(EfiReservedMemoryType, lowest, 256);
}

static void add_junk(void)
{
    const EFI_MEMORY_DESCRIPTOR host = map.list[largest_free()];
    const uint64_t middle = host.PhysicalStart + (host.NumberOfPages / 2 << PAGE_SHIFT);
    add(EfiConventionalMemory, 0, 0);
    add(EfiConventionalMemory, middle, 0);
    add(EfiConventionalMemory, UINT64_C(0xfffffffffffff000), 2);
    add(EfiConventionalMemory, SIZE_4G, UINT64_MAX);
    add(EfiReservedMemoryType, SIZE_4G, BIT(52));
    add(EfiConventionalMemory, BIT(60), 16);
    add(EfiConventionalMemory, middle + 0x800, 4);
    add(EfiReservedMemoryType, middle + 8 * PAGE_SIZE + 0x123, 1);
    add(OEM_TYPE, UNADDRESSED, 16);
    add(EfiPalCode, UNADDRESSED + 16 * PAGE_SIZE, 1);
    add(EfiMemoryMappedIOPortSpace, UNADDRESSED + 17 * PAGE_SIZE, 1);
}

/* @p count pages become descriptors of their own. */
static void grow(uint64_t count)
{
    for (uint64_t i = 0; i < count && map.count < LIST_MAX; i++) {
        EFI_MEMORY_DESCRIPTOR *const host = &map.list[largest_free()];
        if (host->NumberOfPages < 2) {
            return;
        }
        host->NumberOfPages--;
        map.list[map.count] = *host;
        map.list[map.count].PhysicalStart += host->NumberOfPages << PAGE_SHIFT;
        map.list[map.count++].NumberOfPages = 1;
    }
}

static void swap(UINTN a, UINTN b)
{
    const EFI_MEMORY_DESCRIPTOR held = map.list[a];
    map.list[a] = map.list[b];
    map.list[b] = held;
}

static void shuffle(void)
{
    for (UINTN i = map.count; i > 1; i--) {
        map.random = map.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        swap(i - 1, (map.random >> 33) % i);
    }
}

static void sort_downwards(void)
{
    for (UINTN i = 1; i < map.count; i++) {
        for (UINTN j = i; j > 0 && map.list[j - 1].PhysicalStart < map.list[j].PhysicalStart; j--) {
            swap(j - 1, j);
        }
    }
}

static void shape(void)
{
    if (hostile_value(HOSTILE_SPLIT) != 0) {
        split(hostile_value(HOSTILE_SPLIT));
    }
    fill_up(hostile_value(HOSTILE_COUNT));
    if (hostile_value(HOSTILE_DOUBLE) != 0) {
        repeat();
    }
    if (hostile_value(HOSTILE_NEST) != 0) {
        nest();
    }
    if (hostile_value(HOSTILE_NEST_LOW) != 0) {
        nest_low();
    }
    if (hostile_value(HOSTILE_JUNK) != 0) {
        add_junk();
    }
    grow(hostile_value(HOSTILE_GROW) * hostile.exits + hostile_value(HOSTILE_CREEP) * map.calls);
    if (hostile_value(HOSTILE_REVERSE) != 0) {
        sort_downwards();
    }
    if (hostile_value(HOSTILE_SHUFFLE) != 0) {
        shuffle();
    }
}

/* Only the buffer of the exit is whole pages: pool memory has a header in front. */
static bool is_exit_buffer(const void *buffer)
{
    return bits_is_aligned((uintptr_t)buffer, PAGE_SIZE);
}

/* What the loader was given before is somebody else's. */
static void take_back(void)
{
    for (UINTN i = 0; i < map.count; i++) {
        EFI_MEMORY_DESCRIPTOR *const one = &map.list[i];
        if ((one->Type == EfiLoaderCode || one->Type == EfiLoaderData) &&
            one->PhysicalStart >= LOW_MEMORY_END) {
            one->Type = EfiReservedMemoryType;
        }
    }
}

static void shape_for_exit(void)
{
    if (hostile_value(HOSTILE_TAKE_BACK) != 0) {
        take_back();
    }
    for (uint64_t i = 0; i < hostile_value(HOSTILE_GIVE); i++) {
        add(EfiConventionalMemory, UNADDRESSED + i * 2 * SIZE_1G, 1);
    }
}

/* ---- the service --------------------------------------------------------------------------------
 */

static UINTN stride(void)
{
    return hostile_value(HOSTILE_STRIDE) != 0 ? hostile_value(HOSTILE_STRIDE) : map.real_stride;
}

static void write_out(uint8_t *to)
{
    const UINTN copied = bits_min(stride(), sizeof(map.list[0]));
    for (UINTN i = 0; i < map.count; i++) {
        uint8_t *const place = to + i * stride();
        memset(place, JUNK_BYTE, stride());
        memcpy(place, &map.list[i], copied);
    }
}

EFI_STATUS EFIAPI hostile_get_memory_map(UINTN *size_bytes, EFI_MEMORY_DESCRIPTOR *buffer,
                                         UINTN *map_key, UINTN *descriptor_size,
                                         UINT32 *descriptor_version)
{
    if (hostile.phase == HOSTILE_EXITED) {
        hostile_say("called after exit: ", "GetMemoryMap");
        return EFI_UNSUPPORTED;
    }
    const EFI_STATUS status = read_real();
    if (EFI_ERROR(status)) {
        return status;
    }
    shape();
    if (is_exit_buffer(buffer)) {
        shape_for_exit();
    }
    map.calls++;
    const UINTN used = map.count * stride();
    const UINTN more = hostile_value(HOSTILE_PREMERGE) != 0 ? PREMERGE_COUNT * stride() : 0;
    const UINTN capacity = *size_bytes;
    *size_bytes = used + more;
    if (hostile_value(HOSTILE_UNSET_STRIDE) == 0) {
        *descriptor_size = stride();
    }
    *descriptor_version = map.real_version;
    if (capacity < used + more) {
        return EFI_BUFFER_TOO_SMALL;
    }
    write_out((uint8_t *)buffer);
    *size_bytes = used;
    if (hostile_value(HOSTILE_OVERRUN) != 0 && is_exit_buffer(buffer)) {
        memset((uint8_t *)buffer + capacity, JUNK_BYTE, OVERRUN_BYTES);
    }
    if (hostile_value(HOSTILE_LIE) != 0 && is_exit_buffer(buffer)) {
        *size_bytes = bits_align_down(capacity, stride()) + stride();
    }
    map.given_key = map.real_key ^ ((UINTN)hostile.exits << 32);
    *map_key = map.given_key;
    hostile.map_is_fresh = true;
    hostile.in_exit = is_exit_buffer(buffer);
    return EFI_SUCCESS;
}

bool hostile_map_real_key(UINTN map_key, UINTN *real_key)
{
    *real_key = map.real_key;
    return hostile.map_is_fresh && map_key == map.given_key;
}
