/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Memory services of the scripted firmware (fake_efi_internal.h): pages over the fake RAM, pool
 * from the C library (so that ASan sees a byte too far), the map with all its faults, the exit.
 */
#include <stdlib.h>
#include <string.h>

#include <arch/physmap.h>

#include "lib/bits.h"
#include "mm/addr.h"
#include "tests/fake/efi/fake_efi_internal.h"
#include "tests/fake/fake_ram.h"

#define RANGES_MAX        256U
#define BLOCKS_MAX        256U
#define DEFAULT_STRIDE    48U
#define DEFAULT_ATTRIBUTE UINT64_C(0xf)
#define RUNTIME           (UINT64_C(1) << 63)
#define JUNK_BYTE         0x5a
#define OVERRUN_BYTES     8U
#define LOW_LIMIT         (UINT64_C(16) << 20)
#define FIRST_KEY         0x1000U

struct block {
    uint64_t start; /* physical address, or pool pointer */
    uint64_t pages;
};

/* The machine's memory as the firmware sees it. */
static struct {
    struct fake_efi_range ranges[RANGES_MAX];
    uint32_t range_count;
    struct block pages[BLOCKS_MAX];
    uint32_t page_count;
    struct block pool[BLOCKS_MAX];
    uint32_t pool_count;
    uint64_t generation; /* grows with every change: the key */
    uint64_t given_key;
    uint32_t maps;
    uint32_t exits;
} memory;

/* 256 MiB as OVMF lays it out, coarsely. */
static const struct fake_efi_range usual_ranges[] = {
    { EfiConventionalMemory, 0, 0xa0, DEFAULT_ATTRIBUTE },
    { EfiConventionalMemory, 0x100000, 0x706, DEFAULT_ATTRIBUTE },
    { EfiACPIMemoryNVS, 0x806000, 2, DEFAULT_ATTRIBUTE },
    { EfiConventionalMemory, 0x808000, 8, DEFAULT_ATTRIBUTE },
    { EfiACPIMemoryNVS, 0x810000, 0xf0, DEFAULT_ATTRIBUTE },
    { EfiBootServicesData, 0x900000, 0xc00, DEFAULT_ATTRIBUTE },
    { EfiConventionalMemory, 0x1500000, 0xcb00, DEFAULT_ATTRIBUTE },
    { EfiRuntimeServicesData, 0xe000000, 0x100, DEFAULT_ATTRIBUTE | RUNTIME },
    { EfiReservedMemoryType, 0xe100000, 0x80, DEFAULT_ATTRIBUTE },
    { EfiACPIReclaimMemory, FAKE_EFI_ACPI_START, 0x10, DEFAULT_ATTRIBUTE },
    { EfiBootServicesCode, 0xe190000, 0x1e70, DEFAULT_ATTRIBUTE },
    { EfiMemoryMappedIO, 0xffc00000, 0x400, 1 | RUNTIME },
};

/* ---- pages --------------------------------------------------------------------------------------
 */

static void insert_range(uint32_t at, struct fake_efi_range range)
{
    if (range.pages == 0) {
        return;
    }
    if (memory.range_count == RANGES_MAX) {
        abort(); /* the test wants a larger fake */
    }
    memmove(&memory.ranges[at + 1], &memory.ranges[at],
            (memory.range_count - at) * sizeof(memory.ranges[0]));
    memory.ranges[at] = range;
    memory.range_count++;
}

static uint64_t range_end(const struct fake_efi_range *range)
{
    return range->start + (range->pages << PAGE_SHIFT);
}

/* Gives [start, start + pages) of range @p at the type @p type. */
static void carve(uint32_t at, uint64_t start, uint64_t pages, uint32_t type)
{
    const struct fake_efi_range whole = memory.ranges[at];
    const uint64_t end = start + (pages << PAGE_SHIFT);
    struct fake_efi_range head = whole;
    struct fake_efi_range tail = whole;
    head.pages = (start - whole.start) >> PAGE_SHIFT;
    tail.start = end;
    tail.pages = (range_end(&whole) - end) >> PAGE_SHIFT;
    memory.ranges[at].start = start;
    memory.ranges[at].pages = pages;
    memory.ranges[at].type = type;
    insert_range(at + 1, tail);
    insert_range(at, head);
    memory.generation++;
}

/* The free range that holds all of [start, start + pages), or RANGES_MAX. */
static uint32_t find_free(uint64_t start, uint64_t pages)
{
    for (uint32_t i = 0; i < memory.range_count; i++) {
        const struct fake_efi_range *const range = &memory.ranges[i];
        if (range->type == EfiConventionalMemory && start >= range->start &&
            start < range_end(range) && pages <= (range_end(range) - start) >> PAGE_SHIFT) {
            return i;
        }
    }
    return RANGES_MAX;
}

/* For AllocateAnyPages: the lowest place, page 0 included, as some firmware does. */
static uint64_t lowest_place(uint64_t pages)
{
    for (uint32_t i = 0; i < memory.range_count; i++) {
        const struct fake_efi_range *const range = &memory.ranges[i];
        if (range->type == EfiConventionalMemory && range->pages >= pages) {
            return range->start;
        }
    }
    return UINT64_MAX;
}

static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE kind, EFI_MEMORY_TYPE type, UINTN pages,
                                        EFI_PHYSICAL_ADDRESS *address)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_ALLOCATE_PAGES);
    if (EFI_ERROR(fault)) {
        return fault;
    }
    const bool at_zero =
        fake_efi.calls[FAKE_EFI_ALLOCATE_PAGES] <= fake_efi_state.script.pages_at_zero;
    const uint64_t asked = kind == AllocateAddress ? *address : lowest_place(pages);
    const uint64_t start = at_zero ? 0 : asked;
    if (pages == 0 || !bits_is_aligned(start, PAGE_SIZE)) {
        return EFI_INVALID_PARAMETER;
    }
    const uint32_t at = find_free(start, pages);
    if (at == RANGES_MAX || (fake_efi_state.script.pages_refused_low && start < LOW_LIMIT)) {
        return EFI_NOT_FOUND;
    }
    if (memory.page_count == BLOCKS_MAX) {
        return EFI_OUT_OF_RESOURCES;
    }
    carve(at, start, pages, (uint32_t)type);
    memory.pages[memory.page_count++] = (struct block){ start, pages };
    fake_ram_fill(start, pages << PAGE_SHIFT, JUNK_BYTE);
    *address = start;
    return EFI_SUCCESS;
}

/* Neighbours that are free become one. */
static void join_free(void)
{
    for (uint32_t i = 0; i + 1 < memory.range_count;) {
        struct fake_efi_range *const range = &memory.ranges[i];
        if (range->type == EfiConventionalMemory && range[1].type == EfiConventionalMemory &&
            range_end(range) == range[1].start) {
            range->pages += range[1].pages;
            memmove(range + 1, range + 2, (memory.range_count - i - 2) * sizeof(memory.ranges[0]));
            memory.range_count--;
        } else {
            i++;
        }
    }
}

static void release(uint64_t start)
{
    for (uint32_t i = 0; i < memory.range_count; i++) {
        if (memory.ranges[i].start == start) {
            memory.ranges[i].type = EfiConventionalMemory;
        }
    }
    join_free();
    memory.generation++;
}

static EFI_STATUS EFIAPI free_pages(EFI_PHYSICAL_ADDRESS address, UINTN pages)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_FREE_PAGES);
    if (EFI_ERROR(fault)) {
        return fault;
    }
    for (uint32_t i = 0; i < memory.page_count; i++) {
        if (memory.pages[i].start == address && memory.pages[i].pages == pages) {
            memory.pages[i] = memory.pages[--memory.page_count];
            release(address);
            return EFI_SUCCESS;
        }
    }
    fake_efi_violation("FreePages(%#llx, %llu) was never allocated", (unsigned long long)address,
                       (unsigned long long)pages);
    return EFI_NOT_FOUND;
}

/* ---- pool ---------------------------------------------------------------------------------------
 */

static EFI_STATUS EFIAPI allocate_pool(EFI_MEMORY_TYPE type, UINTN size_bytes, void **buffer)
{
    (void)type;
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_ALLOCATE_POOL);
    if (EFI_ERROR(fault)) {
        return fault;
    }
    if (fake_efi_state.script.pool_gives_null && fake_efi.calls[FAKE_EFI_ALLOCATE_POOL] == 1) {
        *buffer = NULL;
        return EFI_SUCCESS;
    }
    void *const block = malloc(size_bytes);
    if (block == NULL || memory.pool_count == BLOCKS_MAX) {
        abort(); /* the test wants a larger fake */
    }
    memset(block, JUNK_BYTE, size_bytes);
    memory.pool[memory.pool_count++] = (struct block){ (uintptr_t)block, 0 };
    memory.generation++;
    *buffer = block;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI free_pool(void *buffer)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_FREE_POOL);
    if (EFI_ERROR(fault)) {
        return fault;
    }
    for (uint32_t i = 0; i < memory.pool_count; i++) {
        if (memory.pool[i].start == (uintptr_t)buffer) {
            memory.pool[i] = memory.pool[--memory.pool_count];
            memory.generation++;
            free(buffer);
            return EFI_SUCCESS;
        }
    }
    fake_efi_violation("FreePool of what was never allocated");
    return EFI_INVALID_PARAMETER;
}

/* ---- map ----------------------------------------------------------------------------------------
 */

static uint64_t stride(void)
{
    return fake_efi_state.script.stride != 0 ? fake_efi_state.script.stride : DEFAULT_STRIDE;
}

static uint64_t grown(void)
{
    return (uint64_t)memory.maps * fake_efi_state.script.grow_each_map +
           (uint64_t)memory.exits * fake_efi_state.script.grow_each_exit;
}

static uint64_t descriptor_count(void)
{
    return memory.range_count + fake_efi_state.script.overlay_count + grown();
}

/* Descriptor @p index: the machine's, then the overlay's, then copies of a free page. */
static struct fake_efi_range descriptor_at(uint64_t index)
{
    if (index < memory.range_count) {
        return memory.ranges[index];
    }
    index -= memory.range_count;
    if (index < fake_efi_state.script.overlay_count) {
        return fake_efi_state.script.overlay[index];
    }
    return (struct fake_efi_range){ EfiConventionalMemory, PAGE_SIZE, 1, DEFAULT_ATTRIBUTE };
}

static void write_map(uint8_t *to)
{
    const uint64_t count = descriptor_count();
    for (uint64_t i = 0; i < count; i++) {
        const struct fake_efi_range range =
            descriptor_at(fake_efi_state.script.reverse ? count - 1 - i : i);
        const EFI_MEMORY_DESCRIPTOR descriptor = { .Type = range.type,
                                                   .PhysicalStart = range.start,
                                                   .NumberOfPages = range.pages,
                                                   .Attribute = range.attribute };
        memset(to + i * stride(), JUNK_BYTE, stride());
        memcpy(to + i * stride(), &descriptor, bits_min(stride(), sizeof(descriptor)));
    }
}

/* The buffer of the exit is whole pages of fake RAM; those before are pool. */
static bool is_exit_buffer(const void *buffer)
{
    return bits_is_aligned((uintptr_t)buffer, PAGE_SIZE);
}

static EFI_STATUS EFIAPI get_memory_map(UINTN *size_bytes, EFI_MEMORY_DESCRIPTOR *buffer,
                                        UINTN *key, UINTN *descriptor_size, UINT32 *version)
{
    const struct fake_efi_script *const script = &fake_efi_state.script;
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_GET_MEMORY_MAP);
    if (EFI_ERROR(fault)) {
        return fault;
    }
    memory.maps++;
    const UINTN capacity = *size_bytes;
    const UINTN used = descriptor_count() * stride();
    const UINTN wanted = used + script->premerge * stride();
    *size_bytes = wanted;
    if (!script->unset_stride) {
        *descriptor_size = stride();
    }
    *version = 1;
    if (capacity < wanted) {
        return EFI_BUFFER_TOO_SMALL;
    }
    if (buffer == NULL) {
        return EFI_INVALID_PARAMETER;
    }
    write_map((uint8_t *)buffer);
    *size_bytes = used;
    if (is_exit_buffer(buffer) && script->overrun) {
        memset((uint8_t *)buffer + capacity, JUNK_BYTE, OVERRUN_BYTES);
    }
    if (is_exit_buffer(buffer) && script->lie) {
        *size_bytes = bits_align_down(capacity, stride()) + stride();
    }
    memory.given_key = script->key_is_zero ? 0 : FIRST_KEY + memory.generation;
    *key = memory.given_key;
    fake_efi_state.map_is_fresh = true;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI exit_boot_services(EFI_HANDLE image, UINTN key)
{
    const bool fresh = fake_efi_state.map_is_fresh;
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_EXIT_BOOT_SERVICES);
    if (image != fake_efi_image()) {
        fake_efi_violation("ExitBootServices with the handle of another image");
    }
    if (!fresh) {
        fake_efi_violation("ExitBootServices without a fresh map");
    }
    if (fake_efi_state.phase == FAKE_EFI_PHASE_BOOT) {
        fake_efi_state.phase = FAKE_EFI_PHASE_EXIT_TRIED;
    }
    memory.exits++;
    if (EFI_ERROR(fault)) {
        return fault;
    }
    if (!fresh || key != memory.given_key || memory.exits <= fake_efi_state.script.refuse) {
        memory.generation++;
        return EFI_INVALID_PARAMETER;
    }
    fake_efi_state.phase = FAKE_EFI_PHASE_EXITED;
    return EFI_SUCCESS;
}

/* ---- set-up -------------------------------------------------------------------------------------
 */

static bool is_ram(uint32_t type)
{
    return type != EfiMemoryMappedIO && type != EfiMemoryMappedIOPortSpace;
}

static void free_left_pool(void)
{
    for (uint32_t i = 0; i < memory.pool_count; i++) {
        free((void *)(uintptr_t)memory.pool[i].start);
    }
}

void fake_efi_memory_start(EFI_BOOT_SERVICES *services)
{
    const struct fake_efi_script *const script = &fake_efi_state.script;
    free_left_pool(); /* of the test before */
    memset(&memory, 0, sizeof(memory));
    const struct fake_efi_range *const ranges =
        script->ranges != NULL ? script->ranges : usual_ranges;
    memory.range_count =
        script->ranges != NULL ? script->range_count : (uint32_t)ARRAY_COUNT(usual_ranges);
    fake_ram_reset();
    for (uint32_t i = 0; i < memory.range_count; i++) {
        memory.ranges[i] = ranges[i];
        if (is_ram(ranges[i].type)) {
            fake_ram_add(ranges[i].start, ranges[i].pages << PAGE_SHIFT);
        }
    }
    if (script->black_box != NULL) {
        memcpy(physmap_ptr(phys_addr(FAKE_EFI_BLACK_BOX), BLACK_BOX_BYTES), script->black_box,
               BLACK_BOX_BYTES);
    }
    services->AllocatePages = allocate_pages;
    services->FreePages = free_pages;
    services->AllocatePool = allocate_pool;
    services->FreePool = free_pool;
    services->GetMemoryMap = get_memory_map;
    services->ExitBootServices = exit_boot_services;
}

void fake_efi_memory_finish(void)
{
    fake_efi.live_pages = memory.page_count;
    fake_efi.live_pool = memory.pool_count;
}
