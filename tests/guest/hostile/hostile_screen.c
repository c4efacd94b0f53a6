/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A graphics output of our own: its mode and its framebuffer are what the words `gop-...` say. The
 * firmware keeps its real one and goes on writing to that screen.
 *
 *     gop-bar    memory of a PCI device, above 4 GiB, as the firmware placed it; not in the map
 *     gop-free   the middle of the largest free range; the map goes on calling it free
 *     gop-base   wherever it is said to be
 */
#include <arch/cpu.h>

#include "dev/pci_config.h"
#include "hostile.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "mm/addr.h"
#include "mm/page_entry.h"

#define WIDTH         1024U
#define HEIGHT        768U
#define DEFAULT_BASE  UINT64_C(0x80000000)
#define PIXEL_BYTES   4U
#define MAP_BYTES_MAX UINT64_C(0x20000)

/* QEMU, docs/specs/ivshmem-spec.txt: BAR 2 is the shared memory. */
#define IVSHMEM_ID        UINT32_C(0x11101af4)
#define PCI_FUNCTIONS     256U /* of bus 0 */
#define PCI_COMMAND       4U
#define PCI_COMMAND_MEM   BIT(1)
#define PCI_BAR2          0x18U
#define PCI_BAR_FLAGS     UINT32_C(15)
#define PCI_BAR_IS_64_BIT BIT(2)

#define CR0_WP    BIT(16)
#define UNTOUCHED 0xa5 /* script_framebuffer.py looks for it where nobody should draw */

static struct {
    EFI_GRAPHICS_OUTPUT_PROTOCOL protocol;
    EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE mode;
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION info;
} screen;

/* ---- where it lies ------------------------------------------------------------------------------
 */

/* The device's memory, switched on: no driver of the firmware does that. */
static enum kstatus find_bar(uint64_t *base)
{
    for (uint32_t function = 0; function < PCI_FUNCTIONS; function++) {
        if (pci_config_read(function, 0) != IVSHMEM_ID) {
            continue;
        }
        const uint32_t low = pci_config_read(function, PCI_BAR2);
        if ((low & PCI_BAR_IS_64_BIT) == 0) {
            return K_ENOENT;
        }
        *base = (uint64_t)pci_config_read(function, PCI_BAR2 + 4) << 32 | (low & ~PCI_BAR_FLAGS);
        const uint32_t command = pci_config_read(function, PCI_COMMAND);
        pci_config_write(function, PCI_COMMAND, command | (uint32_t)PCI_COMMAND_MEM);
        return K_OK;
    }
    return K_ENOENT;
}

static enum kstatus find_free_memory(uint64_t *base)
{
    static uint8_t bytes[MAP_BYTES_MAX];
    UINTN size_bytes = sizeof(bytes);
    UINTN key;
    UINTN stride;
    UINT32 version;
    if (EFI_ERROR(hostile.real->GetMemoryMap(&size_bytes, (EFI_MEMORY_DESCRIPTOR *)(void *)bytes,
                                             &key, &stride, &version))) {
        return K_EIO;
    }
    uint64_t most_pages = 0;
    for (UINTN at = 0; at < size_bytes; at += stride) {
        const EFI_MEMORY_DESCRIPTOR *const one =
            (const EFI_MEMORY_DESCRIPTOR *)(const void *)(bytes + at);
        if (one->Type == EfiConventionalMemory && one->NumberOfPages > most_pages) {
            most_pages = one->NumberOfPages;
            *base = one->PhysicalStart + (most_pages / 2 << PAGE_SHIFT);
        }
    }
    return K_OK;
}

static enum kstatus find_place(uint64_t *base)
{
    enum kstatus status = K_OK;
    *base = hostile_value_or(HOSTILE_GOP_BASE, DEFAULT_BASE);
    if (hostile_value(HOSTILE_GOP_BAR) != 0) {
        status = find_bar(base);
    } else if (hostile_value(HOSTILE_GOP_FREE) != 0) {
        status = find_free_memory(base);
    }
    *base += hostile_value(HOSTILE_GOP_OFFSET);
    return status;
}

/* Takes the leaf over @p address, or the table that would lead to it, out of the firmware's page
 * tables, which are read-only to itself. */
static void unmap(uint64_t address)
{
    uint64_t *table = (uint64_t *)(uintptr_t)(x86_read_cr3() & ENTRY_ADDRESS_MASK);
    uint64_t *entry = NULL;
    for (unsigned level = PAGE_LEVEL_ROOT; level >= PAGE_LEVEL_4K; level--) {
        entry = &table[address / page_level_size(level) % PAGE_ENTRY_COUNT];
        const page_entry_t now = { *entry };
        if (!page_entry_is_table(now, level)) {
            break;
        }
        table = (uint64_t *)(uintptr_t)page_entry_table_address(now).value;
    }
    const uint64_t cr0 = x86_read_cr0();
    x86_write_cr0(cr0 & ~CR0_WP);
    *entry = 0;
    x86_write_cr0(cr0);
    x86_write_cr3(x86_read_cr3());
}

/* ---- the protocol -------------------------------------------------------------------------------
 */

static EFI_STATUS EFIAPI query_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *self, UINT32 number,
                                    UINTN *size_bytes, EFI_GRAPHICS_OUTPUT_MODE_INFORMATION **info)
{
    void *copy = NULL;
    if (self != &screen.protocol || number >= screen.mode.MaxMode) {
        return EFI_INVALID_PARAMETER;
    }
    if (EFI_ERROR(hostile.real->AllocatePool(EfiBootServicesData, sizeof(screen.info), &copy))) {
        return EFI_OUT_OF_RESOURCES;
    }
    memcpy(copy, &screen.info, sizeof(screen.info));
    *info = copy;
    *size_bytes = sizeof(screen.info);
    return EFI_SUCCESS;
}

static EFI_GRAPHICS_PIXEL_FORMAT pixel_format(void)
{
    if (hostile_value(HOSTILE_BLT_ONLY) != 0) {
        return PixelBltOnly;
    }
    if (hostile_value(HOSTILE_GOP_MASKS) != 0) {
        return PixelBitMask;
    }
    return hostile_value(HOSTILE_GOP_RGB) != 0 ? PixelRedGreenBlueReserved8BitPerColor
                                               : PixelBlueGreenRedReserved8BitPerColor;
}

static void make_mode(uint64_t base)
{
    const uint32_t width = (uint32_t)hostile_value_or(HOSTILE_GOP_WIDTH, WIDTH);
    const uint32_t height = (uint32_t)hostile_value_or(HOSTILE_GOP_HEIGHT, HEIGHT);
    const uint32_t pitch = (uint32_t)hostile_value_or(HOSTILE_GOP_PITCH, width);
    screen.info = (EFI_GRAPHICS_OUTPUT_MODE_INFORMATION){
        .HorizontalResolution = width,
        .VerticalResolution = height,
        .PixelFormat = pixel_format(),
        /* script_framebuffer.py has the same */
        .PixelInformation = { .RedMask = 0x000001ff,
                              .GreenMask = 0xffe00000,
                              .BlueMask = 0x000ffc00,
                              .ReservedMask = 0 },
        .PixelsPerScanLine = pitch,
    };
    screen.mode = (EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE){
        .MaxMode = 1,
        .Info = &screen.info,
        .SizeOfInfo = sizeof(screen.info),
        .FrameBufferBase = base,
        .FrameBufferSize =
            hostile_value_or(HOSTILE_GOP_SIZE, (uint64_t)pitch * height * PIXEL_BYTES),
    };
    screen.protocol.QueryMode = query_mode;
    screen.protocol.Mode = &screen.mode;
}

enum kstatus hostile_screen_init(void)
{
    uint64_t base;
    const enum kstatus status = find_place(&base);
    if (status != K_OK) {
        return status;
    }
    make_mode(base);
    if (hostile_value(HOSTILE_GOP_FREE) != 0) {
        memset((void *)(uintptr_t)base, UNTOUCHED, screen.mode.FrameBufferSize);
    }
    if (hostile_value(HOSTILE_GOP_UNMAPPED) != 0) {
        unmap(base);
    }
    return K_OK;
}

static bool is_ours(void)
{
    bool given = hostile_value(HOSTILE_BLT_ONLY) != 0;
    for (int word = HOSTILE_GOP_BAR; word <= HOSTILE_GOP_UNMAPPED; word++) {
        given = given || hostile.is_given[word];
    }
    return given;
}

bool hostile_screen_answers(const EFI_GUID *guid)
{
    static const EFI_GUID graphics = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    return memcmp(guid, &graphics, sizeof(graphics)) == 0 &&
           (is_ours() || hostile_value(HOSTILE_NO_GOP) != 0);
}

EFI_STATUS hostile_screen_open(EFI_STATUS none, void **interface)
{
    if (hostile_value(HOSTILE_NO_GOP) != 0) {
        return none;
    }
    *interface = &screen.protocol;
    return EFI_SUCCESS;
}
