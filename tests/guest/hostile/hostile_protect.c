/* SPDX-License-Identifier: GPL-2.0-only
 *
 * `strict-nx`: what firmware may do to an image with NX_COMPAT, and OVMF does not. By
 * EFI_MEMORY_ATTRIBUTE_PROTOCOL, before the image starts:
 *
 *     its sections          R, R+X or RW, as their headers say; the headers R
 *     free memory and data  RW: every later allocation too, whatever its type
 *     page 0                nothing
 *
 * The firmware's own code and HOSTILE.EFI stay as they are.
 * @spec UEFI 2.10, 37.1 "EFI_MEMORY_ATTRIBUTE_PROTOCOL"; PE format, "Section Table"
 */
#include "hostile.h"
#include "lib/bits.h"
#include "lib/little_endian.h"
#include "mm/addr.h"

#define PROTOCOL_GUID                                      \
    {                                                      \
        0xf4560cf6, 0x40ec, 0x4b4a,                        \
        {                                                  \
            0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1, 0x89 \
        }                                                  \
    }

/* UEFI 2.10, 7.2.3 "EFI_BOOT_SERVICES.GetMemoryMap()". */
#define NOT_READABLE   BIT(13)
#define NOT_EXECUTABLE BIT(14)
#define READ_ONLY      BIT(17)

/* Offsets in a PE file: DOS header, COFF header (behind the signature), section header. */
#define DOS_PE_AT             0x3cU
#define PE_SECTION_COUNT      6U
#define PE_OPTIONAL_BYTES     20U
#define PE_OPTIONAL           24U
#define SECTION_BYTES         40U
#define SECTION_VIRTUAL_BYTES 8U
#define SECTION_ADDRESS       12U
#define SECTION_FLAGS         36U
#define SECTION_EXECUTABLE    BIT(29)
#define SECTION_WRITABLE      BIT(31)

#define MAP_BYTES_MAX UINT64_C(0x20000)

struct memory_attribute_protocol;
typedef EFI_STATUS(EFIAPI *change_t)(struct memory_attribute_protocol *self,
                                     EFI_PHYSICAL_ADDRESS start, UINT64 size_bytes,
                                     UINT64 attributes);

struct memory_attribute_protocol {
    void *get;
    change_t set;
    change_t clear;
};

static struct memory_attribute_protocol *protocol;

static bool set(uint64_t start, uint64_t size_bytes, uint64_t attributes)
{
    return !EFI_ERROR(protocol->set(protocol, start, size_bytes, attributes));
}

static bool protect_section(uint64_t image, const uint8_t *section)
{
    const uint64_t start = image + little_endian(section + SECTION_ADDRESS, 4);
    const uint64_t flags = little_endian(section + SECTION_FLAGS, 4);
    const uint64_t size_bytes =
        bits_align_up(little_endian(section + SECTION_VIRTUAL_BYTES, 4), PAGE_SIZE);
    const uint64_t attributes = ((flags & SECTION_EXECUTABLE) != 0 ? 0 : NOT_EXECUTABLE) |
                                ((flags & SECTION_WRITABLE) != 0 ? 0 : READ_ONLY);
    return set(start, size_bytes, attributes);
}

static bool protect_image(const EFI_LOADED_IMAGE_PROTOCOL *image)
{
    const uint8_t *const bytes = image->ImageBase;
    const uint8_t *const pe = bytes + little_endian(bytes + DOS_PE_AT, 4);
    const uint64_t count = little_endian(pe + PE_SECTION_COUNT, 2);
    const uint8_t *section = pe + PE_OPTIONAL + little_endian(pe + PE_OPTIONAL_BYTES, 2);
    const uint64_t base = (uintptr_t)bytes;
    bool done = set(base, little_endian(section + SECTION_ADDRESS, 4), READ_ONLY | NOT_EXECUTABLE);
    for (uint64_t i = 0; i < count; i++, section += SECTION_BYTES) {
        done = protect_section(base, section) && done;
    }
    return done;
}

static bool is_data(uint32_t type)
{
    return type == EfiConventionalMemory || type == EfiLoaderData || type == EfiBootServicesData;
}

static bool protect_data(void)
{
    static uint8_t bytes[MAP_BYTES_MAX];
    UINTN size_bytes = sizeof(bytes);
    UINTN key;
    UINTN stride;
    UINT32 version;
    if (EFI_ERROR(hostile.real->GetMemoryMap(&size_bytes, (EFI_MEMORY_DESCRIPTOR *)(void *)bytes,
                                             &key, &stride, &version))) {
        return false;
    }
    bool done = true;
    for (UINTN at = 0; at < size_bytes; at += stride) {
        const EFI_MEMORY_DESCRIPTOR *const one =
            (const EFI_MEMORY_DESCRIPTOR *)(const void *)(bytes + at);
        if (is_data(one->Type)) {
            done =
                set(one->PhysicalStart, one->NumberOfPages << PAGE_SHIFT, NOT_EXECUTABLE) && done;
        }
    }
    return done;
}

enum kstatus hostile_protect(const EFI_LOADED_IMAGE_PROTOCOL *image)
{
    EFI_GUID guid = PROTOCOL_GUID;
    void *interface = NULL;
    if (hostile_value(HOSTILE_STRICT_NX) == 0) {
        return K_OK;
    }
    if (EFI_ERROR(hostile.real->LocateProtocol(&guid, NULL, &interface))) {
        return K_ENOENT;
    }
    protocol = interface;
    if (!protect_image(image) || !protect_data() || !set(0, PAGE_SIZE, NOT_READABLE)) {
        return K_EIO;
    }
    hostile_say("strict-nx: ", "memory is writable or executable, never both");
    return K_OK;
}
