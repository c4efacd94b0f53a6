/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/efi_map.c: geometry, unaligned access, and the meaning of every type and attribute.
 */
#include "efi_map.h"

#include <string.h>

#include "tests/fake/fake_efi_map.h"
#include "tests/ktest.h"

static void efi_map_check_accepts_strides_of_firmware(struct ktest *t)
{
    static const uint64_t strides[] = { 40, 48, 56, 64, 4096 };
    static const uint8_t bytes[8192] = { 0 };
    for (size_t i = 0; i < ARRAY_COUNT(strides); i++) {
        const struct efi_map map = { bytes, 2 * strides[i], strides[i], 1 };
        const char *why = NULL;
        KTEST_STATUS(t, efi_map_check(&map, &why), K_OK);
        KTEST_EQ(t, efi_map_count(&map), 2);
    }
}

static void efi_map_check_names_bad_geometry(struct ktest *t)
{
    static const uint8_t bytes[256] = { 0 };
    static const struct {
        struct efi_map map;
        const char *why;
    } bad[] = {
        { { NULL, 48, 48, 1 }, "the memory map is empty" },
        { { bytes, 0, 48, 1 }, "the memory map is empty" },
        { { bytes, 48, 0, 1 }, "the descriptor size is smaller than a descriptor" },
        { { bytes, 39, 39, 1 }, "the descriptor size is smaller than a descriptor" },
        { { bytes, 44, 44, 1 }, "the descriptor size is no multiple of 8" },
        { { bytes, 100, 48, 1 }, "the descriptor size does not divide the size of the memory map" },
        { { bytes, 40, 4096, 1 },
          "the descriptor size does not divide the size of the memory map" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        const char *why = NULL;
        KTEST_STATUS(t, efi_map_check(&bad[i].map, &why), K_EINVAL);
        KTEST_STRING(t, why, bad[i].why);
    }
}

static void efi_map_get_reads_unaligned_bytes_by_stride(struct ktest *t)
{
    struct fake_efi_map fake;
    fake_efi_map_init(&fake, 56);
    fake_efi_map_add(&fake, 7, 0x1000, 2, 0xf);
    fake_efi_map_add(&fake, 0x80000001, 0xfedcba9876543000, 0x123456789abcdef0, UINT64_MAX - 1);
    uint8_t shifted[2 * 56 + 1];
    memcpy(shifted + 1, fake.map.bytes, 2 * 56);
    const struct efi_map map = { shifted + 1, 2 * 56, 56, 1 };
    const struct efi_map_descriptor first = efi_map_get(&map, 0);
    const struct efi_map_descriptor second = efi_map_get(&map, 1);
    KTEST_EQ(t, first.type, 7);
    KTEST_EQ(t, first.physical_start, 0x1000);
    KTEST_EQ(t, first.pages, 2);
    KTEST_EQ(t, first.attribute, 0xf);
    KTEST_EQ(t, second.type, 0x80000001);
    KTEST_EQ(t, second.physical_start, 0xfedcba9876543000);
    KTEST_EQ(t, second.pages, 0x123456789abcdef0);
    KTEST_EQ(t, second.attribute, UINT64_MAX - 1);
    fake_efi_map_free(&fake);
}

/* design.md section 4's table, row by row, without attributes and with RUNTIME. */
static void efi_map_reason_follows_the_table(struct ktest *t)
{
    static const struct {
        uint32_t type;
        enum mmap_reason plain;
        enum mmap_reason runtime;
        bool ram;
    } table[] = {
        { 0, MMAP_REASON_FIRMWARE_RESERVED, MMAP_REASON_FIRMWARE_RESERVED, false },
        { 1, MMAP_REASON_AVAILABLE, MMAP_REASON_RUNTIME_ATTRIBUTE, true },
        { 2, MMAP_REASON_AVAILABLE, MMAP_REASON_RUNTIME_ATTRIBUTE, true },
        { 3, MMAP_REASON_AVAILABLE, MMAP_REASON_RUNTIME_ATTRIBUTE, true },
        { 4, MMAP_REASON_AVAILABLE, MMAP_REASON_RUNTIME_ATTRIBUTE, true },
        { 5, MMAP_REASON_RUNTIME, MMAP_REASON_RUNTIME, true },
        { 6, MMAP_REASON_RUNTIME, MMAP_REASON_RUNTIME, true },
        { 7, MMAP_REASON_AVAILABLE, MMAP_REASON_RUNTIME_ATTRIBUTE, true },
        { 8, MMAP_REASON_BAD, MMAP_REASON_BAD, true },
        { 9, MMAP_REASON_ACPI, MMAP_REASON_RUNTIME_ATTRIBUTE, true },
        { 10, MMAP_REASON_NVS, MMAP_REASON_RUNTIME_ATTRIBUTE, true },
        { 11, MMAP_REASON_MMIO, MMAP_REASON_MMIO, false },
        { 12, MMAP_REASON_MMIO_PORT, MMAP_REASON_MMIO_PORT, false },
        { 13, MMAP_REASON_PAL, MMAP_REASON_PAL, false },
        { 14, MMAP_REASON_PERSISTENT, MMAP_REASON_RUNTIME_ATTRIBUTE, true },
        { 15, MMAP_REASON_UNACCEPTED, MMAP_REASON_RUNTIME_ATTRIBUTE, false },
        { 16, MMAP_REASON_UNKNOWN_TYPE, MMAP_REASON_UNKNOWN_TYPE, false },
        { 0x70000000, MMAP_REASON_UNKNOWN_TYPE, MMAP_REASON_UNKNOWN_TYPE, false },
        { UINT32_MAX, MMAP_REASON_UNKNOWN_TYPE, MMAP_REASON_UNKNOWN_TYPE, false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        const uint32_t type = table[i].type;
        KTEST_EQ(t, efi_map_reason(type, 0), table[i].plain);
        KTEST_EQ(t, efi_map_reason(type, EFI_MAP_ATTRIBUTE_WB), table[i].plain);
        KTEST_EQ(t, efi_map_reason(type, EFI_MAP_ATTRIBUTE_RUNTIME), table[i].runtime);
        KTEST_EQ(t, efi_map_type_is_ram(type), table[i].ram);
    }
}

static void efi_map_reason_conventional_memory_honours_attributes(struct ktest *t)
{
    const uint64_t wb = EFI_MAP_ATTRIBUTE_WB;
    const uint64_t uc = EFI_MAP_ATTRIBUTE_UC;
    const uint64_t sp = EFI_MAP_ATTRIBUTE_SP;
    KTEST_EQ(t, efi_map_reason(7, 0xf), MMAP_REASON_AVAILABLE);
    KTEST_EQ(t, efi_map_reason(7, uc), MMAP_REASON_NOT_WRITE_BACK);
    KTEST_EQ(t, efi_map_reason(7, EFI_MAP_ATTRIBUTE_UCE), MMAP_REASON_NOT_WRITE_BACK);
    KTEST_EQ(t, efi_map_reason(7, uc | wb), MMAP_REASON_AVAILABLE);
    KTEST_EQ(t, efi_map_reason(7, sp | wb), MMAP_REASON_SPECIAL_PURPOSE);
    KTEST_EQ(t, efi_map_reason(7, sp | uc), MMAP_REASON_SPECIAL_PURPOSE);
    KTEST_EQ(t, efi_map_reason(7, sp | EFI_MAP_ATTRIBUTE_RUNTIME), MMAP_REASON_RUNTIME_ATTRIBUTE);
    KTEST_EQ(t, efi_map_reason(7, UINT64_C(1) << 16), MMAP_REASON_AVAILABLE); /* MORE_RELIABLE */
    KTEST_EQ(t, efi_map_reason(4, sp | uc), MMAP_REASON_AVAILABLE);
}

/*   conventional     runtime   MMIO           conventional, to the end of all and beyond
 *   [1000 .. 3000)   [.. 4000) [4000 .. 5000) [fffffffffffff000 .. */
static void efi_map_touches_ram_by_single_bytes(struct ktest *t)
{
    static const struct {
        uint64_t start;
        uint64_t end;
        bool touches;
    } rows[] = {
        { 0, 0x1000, false },
        { 0, 0x1001, true },
        { 0x1800, 0x1801, true },
        { 0x3fff, 0x4000, true },
        { 0x4000, 0x5000, false },
        { 0x4000, UINT64_MAX - 0xfff, false },
        { 0x4000, UINT64_MAX - 0xffe, true },
        { UINT64_MAX - 0xff, UINT64_MAX, true },
    };
    struct fake_efi_map fake;
    fake_efi_map_init(&fake, 48);
    fake_efi_map_add(&fake, EFI_MAP_CONVENTIONAL, 0x1000, 2, 0xf);
    fake_efi_map_add(&fake, EFI_MAP_RUNTIME_DATA, 0x3000, 1, 0xf);
    fake_efi_map_add(&fake, EFI_MAP_MMIO, 0x4000, 1, 1);
    fake_efi_map_add(&fake, EFI_MAP_CONVENTIONAL, UINT64_MAX - 0xfff, 2, 0xf);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        KTEST_EQ(t, efi_map_touches_ram(&fake.map, rows[i].start, rows[i].end), rows[i].touches);
    }
    fake_efi_map_free(&fake);
}

static void efi_map_type_name_knows_all_types(struct ktest *t)
{
    KTEST_STRING(t, efi_map_type_name(4), "BootServicesData");
    KTEST_STRING(t, efi_map_type_name(0), "Reserved");
    KTEST_STRING(t, efi_map_type_name(15), "Unaccepted");
    KTEST_STRING(t, efi_map_type_name(16), "OEM/unknown");
}

static const struct ktest_case cases[] = {
    KTEST_CASE(efi_map_check_accepts_strides_of_firmware),
    KTEST_CASE(efi_map_check_names_bad_geometry),
    KTEST_CASE(efi_map_get_reads_unaligned_bytes_by_stride),
    KTEST_CASE(efi_map_reason_follows_the_table),
    KTEST_CASE(efi_map_reason_conventional_memory_honours_attributes),
    KTEST_CASE(efi_map_touches_ram_by_single_bytes),
    KTEST_CASE(efi_map_type_name_knows_all_types),
};
KTEST_SUITE(loader_efi_map, "loader.efi_map", cases);
