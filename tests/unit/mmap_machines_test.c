/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/mmap_*.c on what machines are known to do: RAM in the hole that AMD keeps below 1 TiB,
 * maps without end, memory that is not for everyone. Run from the top of the tree.
 */
#include "shared/mmap_names.h"

#include "mm/addr.h"
#include "mmap_build.h"
#include "tests/fake/fake_efi_map.h"
#include "tests/ktest.h"

#define EPYC_MAP         "tests/data/maps/e820_dell_poweredge_r7425.map"
#define MANY_DESCRIPTORS 20000U
#define FIRST            (16 * SIZE_1M)

/* The entry that holds @p at, or NULL. */
static const struct multiboot2_mmap_entry *entry_at(const struct mmap_build_output *output,
                                                    uint64_t at)
{
    for (uint32_t i = 0; i < output->entry_count; i++) {
        const struct multiboot2_mmap_entry *const entry = &output->entries[i];
        if (entry->address <= at && at - entry->address < entry->length) {
            return entry;
        }
    }
    return NULL;
}

/* An Epyc server: 0xfd00000000..0xfe00000000 is reserved, as ever on AMD, but the RAM right behind
 * it is RAM: what the firmware's map says counts, not what the hole's usual end is. */
static void mmap_machines_amd_ram_at_fe00000000_stays_usable(struct ktest *t)
{
    struct fake_map_file file;
    struct fake_mmap_run run;
    if (!KTEST_TRUE(t, fake_map_file_read(EPYC_MAP, &file))) {
        return;
    }
    fake_mmap_run(&file.input, &run);
    KTEST_STATUS(t, run.status, K_OK);
    const struct multiboot2_mmap_entry *const ram = entry_at(&run.output, UINT64_C(0xfe00000000));
    if (KTEST_TRUE(t, ram != NULL)) {
        KTEST_EQ(t, ram->type, MMAP_AVAILABLE);
        KTEST_EQ(t, ram->address, UINT64_C(0xfe00000000));
        KTEST_EQ(t, ram->address + ram->length, UINT64_C(0x1007ff80000));
    }
    const struct multiboot2_mmap_entry *const hole = entry_at(&run.output, UINT64_C(0xfdffffffff));
    KTEST_TRUE(t, hole != NULL && hole->type == MMAP_RESERVED);
    fake_mmap_run_free(&run);
    fake_map_file_free(&file);
}

/* One page each, no two neighbours of one reason, last address first: nothing merges or is lost. */
static void mmap_machines_20000_descriptors_are_all_kept(struct ktest *t)
{
    struct fake_efi_map efi;
    fake_efi_map_init(&efi, 48);
    for (uint64_t i = MANY_DESCRIPTORS; i-- > 0;) {
        const uint32_t type = i % 2 == 0 ? EFI_MAP_CONVENTIONAL : EFI_MAP_RUNTIME_DATA;
        fake_efi_map_add(&efi, type, FIRST + i * PAGE_SIZE, 1, 0xf);
    }
    const struct mmap_build_input input = fake_efi_input(&efi);
    struct fake_mmap_run run;
    fake_mmap_run(&input, &run);
    KTEST_STATUS(t, run.status, K_OK);
    KTEST_EQ(t, run.output.entry_count, MANY_DESCRIPTORS);
    KTEST_EQ(t, run.output.repair_count, 0);
    KTEST_EQ(t, run.output.accounting.usable, MANY_DESCRIPTORS / 2 * PAGE_SIZE);
    KTEST_EQ(t, run.output.accounting.reserved, MANY_DESCRIPTORS / 2 * PAGE_SIZE);
    fake_mmap_run_free(&run);
    fake_efi_map_free(&efi);
}

/* All at the same place but for their ends: 20,000 deep, each overlap is told once. */
static void mmap_machines_20000_nested_descriptors_are_resolved(struct ktest *t)
{
    struct fake_efi_map efi;
    fake_efi_map_init(&efi, 40);
    for (uint64_t i = 0; i < MANY_DESCRIPTORS; i++) {
        fake_efi_map_add(&efi, EFI_MAP_CONVENTIONAL, FIRST + i * PAGE_SIZE,
                         2 * (MANY_DESCRIPTORS - i), 0xf);
    }
    const struct mmap_build_input input = fake_efi_input(&efi);
    struct fake_mmap_run run;
    fake_mmap_run(&input, &run);
    KTEST_STATUS(t, run.status, K_OK);
    KTEST_EQ(t, run.output.entry_count, 1);
    KTEST_EQ(t, run.output.repair_count, MANY_DESCRIPTORS - 1);
    KTEST_EQ(t, run.output.accounting.usable, 2 * MANY_DESCRIPTORS * PAGE_SIZE);
    fake_mmap_run_free(&run);
    fake_efi_map_free(&efi);
}

static void mmap_machines_unusual_memory_has_a_reason_of_its_own(struct ktest *t)
{
    static const struct {
        uint32_t type;
        uint64_t attribute;
        const char *reason;
        bool ram;
    } kinds[] = {
        { EFI_MAP_CONVENTIONAL, EFI_MAP_ATTRIBUTE_SP | 0xf, "special-purpose", true },
        { EFI_MAP_CONVENTIONAL, EFI_MAP_ATTRIBUTE_UC, "not-write-back", true },
        { EFI_MAP_PERSISTENT, 0xf, "persistent", true },
        { EFI_MAP_UNACCEPTED, 0xf, "unaccepted", false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct fake_efi_map efi;
        fake_efi_map_init(&efi, 48);
        fake_efi_map_add(&efi, kinds[i].type, FIRST, 4, kinds[i].attribute);
        const struct mmap_build_input input = fake_efi_input(&efi);
        struct fake_mmap_run run;
        fake_mmap_run(&input, &run);
        KTEST_EQ(t, run.output.entry_count, 1);
        KTEST_STRING(t, mmap_reason_name(run.output.reasons[0]), kinds[i].reason);
        KTEST_EQ(t, run.output.entries[0].type, MMAP_RESERVED);
        KTEST_EQ(t, run.output.accounting.usable, 0);
        KTEST_EQ(t, run.output.accounting.reserved, kinds[i].ram ? 4 * PAGE_SIZE : 0);
        KTEST_EQ(t, run.output.accounting.firmware_ram, kinds[i].ram ? 4 * PAGE_SIZE : 0);
        fake_mmap_run_free(&run);
        fake_efi_map_free(&efi);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(mmap_machines_amd_ram_at_fe00000000_stays_usable),
    KTEST_CASE(mmap_machines_20000_descriptors_are_all_kept),
    KTEST_CASE(mmap_machines_20000_nested_descriptors_are_resolved),
    KTEST_CASE(mmap_machines_unusual_memory_has_a_reason_of_its_own),
};
KTEST_SUITE(loader_mmap_machines, "loader.mmap_build.machines", cases);
