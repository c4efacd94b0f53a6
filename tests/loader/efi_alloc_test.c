/* SPDX-License-Identifier: GPL-2.0-only
 *
 * loader/efi_alloc.c alone: where it puts things, what the ledger says, and that a failure leaves
 * everything as it was.
 */
#include "efi_alloc.h"

#include "lib/compiler.h"
#include "tests/fake/efi/fake_efi.h"
#include "tests/ktest.h"

#define WB UINT64_C(0xf)

static struct efi_alloc alloc;

static const struct efi_alloc_request one_page = { .pages = 1,
                                                   .alignment_bytes = PAGE_SIZE,
                                                   .purpose = BOOTINFO_PURPOSE_SCRATCH,
                                                   .lifetime = BOOTINFO_LIFETIME_EXIT };

static const struct efi_alloc_request image = { .pages = 16,
                                                .alignment_bytes = SIZE_2M,
                                                .purpose = BOOTINFO_PURPOSE_KERNEL_IMAGE,
                                                .lifetime = BOOTINFO_LIFETIME_KERNEL };

static void start(const struct fake_efi_script *script, uint64_t ceiling)
{
    EFI_SYSTEM_TABLE *const system = fake_efi_start(script);
    efi_alloc_init(&alloc, system->BootServices, ceiling);
}

static void finish(struct ktest *t)
{
    efi_alloc_free_all(&alloc);
    fake_efi_finish();
    KTEST_STRING(t, fake_efi.violation, "");
    KTEST_EQ(t, fake_efi.live_pages, 0);
    KTEST_EQ(t, fake_efi.live_pool, 0);
}

static void efi_alloc_takes_the_lowest_place_above_1m(struct ktest *t)
{
    const struct fake_efi_script script = { .no_uart = false };
    start(&script, UINT64_MAX);
    phys_addr_t first;
    phys_addr_t second;
    phys_addr_t third;
    KTEST_STATUS(t, efi_alloc_pages(&alloc, &one_page, &first), K_OK);
    KTEST_STATUS(t, efi_alloc_pages(&alloc, &image, &second), K_OK);
    KTEST_STATUS(t, efi_alloc_pages(&alloc, &one_page, &third), K_OK);
    KTEST_EQ(t, first.value, SIZE_1M);
    KTEST_EQ(t, second.value, SIZE_2M);
    KTEST_EQ(t, third.value, SIZE_1M + PAGE_SIZE);
    KTEST_EQ(t, alloc.count, 3);
    KTEST_EQ(t, alloc.ledger[1].type, MMAP_KERNEL);
    KTEST_EQ(t, alloc.ledger[1].pages, 16);
    finish(t);
}

/*     free       1M |------------------------------| 5M
 *     reserved       |----|     |-----|               1M..2M, 2M + 1 page..3M
 *     image fits only                    4M
 */
static void efi_alloc_passes_what_lies_on_top_of_free_memory(struct ktest *t)
{
    static const struct fake_efi_range ranges[] = {
        { EFI_MAP_CONVENTIONAL, SIZE_1M, 0x400, WB },
    };
    static const struct fake_efi_range overlay[] = {
        { EFI_MAP_RESERVED, SIZE_1M, 0x100, WB },
        { EFI_MAP_ACPI_NVS, SIZE_2M + PAGE_SIZE, 0xff, WB },
        { EFI_MAP_RESERVED, 3 * SIZE_1M + 1, 0, WB },              /* empty: no obstacle */
        { EFI_MAP_RESERVED, UINT64_MAX - PAGE_SIZE + 1, 600, WB }, /* wraps: no obstacle */
    };
    const struct fake_efi_script script = { .ranges = ranges,
                                            .range_count = ARRAY_COUNT(ranges),
                                            .overlay = overlay,
                                            .overlay_count = ARRAY_COUNT(overlay) };
    start(&script, UINT64_MAX);
    phys_addr_t base;
    phys_addr_t page;
    KTEST_STATUS(t, efi_alloc_pages(&alloc, &image, &base), K_OK);
    KTEST_EQ(t, base.value, 2 * SIZE_2M);
    KTEST_STATUS(t, efi_alloc_pages(&alloc, &one_page, &page), K_OK);
    KTEST_EQ(t, page.value, SIZE_2M);
    finish(t);
}

static void efi_alloc_obeys_the_ceiling(struct ktest *t)
{
    const struct fake_efi_script script = { .no_uart = false };
    start(&script, SIZE_2M + 15 * PAGE_SIZE);
    phys_addr_t base;
    KTEST_STATUS(t, efi_alloc_pages(&alloc, &image, &base), K_ENOMEM);
    start(&script, SIZE_2M + 16 * PAGE_SIZE);
    KTEST_STATUS(t, efi_alloc_pages(&alloc, &image, &base), K_OK);
    finish(t);
}

static void efi_alloc_full_ledger_is_refused(struct ktest *t)
{
    const struct fake_efi_script script = { .no_uart = false };
    start(&script, UINT64_MAX);
    phys_addr_t base;
    for (uint32_t i = 0; i < EFI_ALLOC_MAX_ENTRIES; i++) {
        KTEST_STATUS(t, efi_alloc_pages(&alloc, &one_page, &base), K_OK);
    }
    KTEST_STATUS(t, efi_alloc_pages(&alloc, &one_page, &base), K_ENOSPC);
    finish(t);
}

static void efi_alloc_free_strikes_that_block_only(struct ktest *t)
{
    const struct fake_efi_script script = { .no_uart = false };
    start(&script, UINT64_MAX);
    phys_addr_t first;
    phys_addr_t second;
    KTEST_STATUS(t, efi_alloc_pages(&alloc, &one_page, &first), K_OK);
    KTEST_STATUS(t, efi_alloc_pages(&alloc, &image, &second), K_OK);
    efi_alloc_free(&alloc, phys_addr(first.value + PAGE_SIZE)); /* nobody's: ignored */
    KTEST_EQ(t, alloc.count, 2);
    efi_alloc_free(&alloc, first);
    KTEST_EQ(t, alloc.count, 1);
    KTEST_EQ(t, alloc.ledger[0].base, second.value);
    finish(t);
}

static void efi_alloc_failing_service_leaves_nothing_behind(struct ktest *t)
{
    static const enum fake_efi_service services[] = { FAKE_EFI_GET_MEMORY_MAP,
                                                      FAKE_EFI_ALLOCATE_POOL };
    for (uint32_t i = 0; i < ARRAY_COUNT(services); i++) {
        for (uint32_t call = 1; call <= i + 2 && call <= 2; call++) {
            const struct fake_efi_script script = {
                .faults = { { services[i], call, FAKE_EFI_FOR_EVER, EFI_DEVICE_ERROR } }
            };
            phys_addr_t base;
            start(&script, UINT64_MAX);
            const enum kstatus status = efi_alloc_pages(&alloc, &one_page, &base);
            KTEST_TRUE(t, status != K_OK || fake_efi.faults_fired == 0);
            KTEST_EQ(t, alloc.count, status == K_OK ? 1 : 0);
            finish(t);
        }
    }
}

static void efi_alloc_map_that_outgrows_its_buffer_is_read_again(struct ktest *t)
{
    const struct fake_efi_script grows = { .grow_each_map = 60 };
    start(&grows, UINT64_MAX);
    struct efi_map_copy copy;
    KTEST_STATUS(t, efi_alloc_read_map(alloc.services, &copy), K_OK);
    KTEST_TRUE(t, efi_map_count(&copy.map) > 100);
    efi_alloc_release_map(alloc.services, &copy);
    const struct fake_efi_script runs_away = { .grow_each_map = 70 };
    start(&runs_away, UINT64_MAX);
    KTEST_STATUS(t, efi_alloc_read_map(alloc.services, &copy), K_EIO);
    finish(t);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(efi_alloc_takes_the_lowest_place_above_1m),
    KTEST_CASE(efi_alloc_passes_what_lies_on_top_of_free_memory),
    KTEST_CASE(efi_alloc_obeys_the_ceiling),
    KTEST_CASE(efi_alloc_full_ledger_is_refused),
    KTEST_CASE(efi_alloc_free_strikes_that_block_only),
    KTEST_CASE(efi_alloc_failing_service_leaves_nothing_behind),
    KTEST_CASE(efi_alloc_map_that_outgrows_its_buffer_is_read_again),
};

KTEST_SUITE(efi_alloc, "loader.efi_alloc", cases);
