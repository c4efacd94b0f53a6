/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The scripted firmware itself: that it sees what a loader must not do, and keeps its books.
 */
#include "tests/fake/efi/fake_efi.h"

#include <string.h>

#include "lib/compiler.h"
#include "mm/addr.h"
#include "tests/ktest.h"

#define MAP_BYTES 4096U

static const struct fake_efi_script sound = { .no_uart = false };

static uint8_t map_bytes[MAP_BYTES] ALIGNED(8);

static UINTN read_key(EFI_BOOT_SERVICES *services)
{
    UINTN size_bytes = MAP_BYTES;
    UINTN key = 0;
    UINTN stride = 0;
    UINT32 version = 0;
    (void)services->GetMemoryMap(&size_bytes, (EFI_MEMORY_DESCRIPTOR *)(void *)map_bytes, &key,
                                 &stride, &version); /* the key says whether it worked */
    return key;
}

static void fake_efi_call_after_the_exit_is_a_violation(struct ktest *t)
{
    EFI_BOOT_SERVICES *const services = fake_efi_start(&sound)->BootServices;
    KTEST_EQ(t, services->ExitBootServices(fake_efi_image(), read_key(services)), EFI_SUCCESS);
    KTEST_EQ(t, fake_efi.violations, 0);
    (void)services->Stall(1); /* that it is called is what counts */
    KTEST_STRING(t, fake_efi.violation, "Stall after ExitBootServices was called");
}

static void fake_efi_call_between_map_and_exit_is_a_violation(struct ktest *t)
{
    EFI_BOOT_SERVICES *const services = fake_efi_start(&sound)->BootServices;
    const UINTN key = read_key(services);
    void *pool = NULL;
    KTEST_EQ(t, services->AllocatePool(EfiLoaderData, 8, &pool), EFI_SUCCESS);
    KTEST_EQ(t, services->ExitBootServices(fake_efi_image(), key), EFI_INVALID_PARAMETER);
    KTEST_STRING(t, fake_efi.violation, "ExitBootServices without a fresh map");
    KTEST_EQ(t, services->FreePool(pool), EFI_SUCCESS);
    KTEST_EQ(t, fake_efi.violations, 2); /* only map and exit may follow a failed exit */
}

static void fake_efi_free_of_strangers_is_a_violation(struct ktest *t)
{
    EFI_BOOT_SERVICES *const services = fake_efi_start(&sound)->BootServices;
    uint8_t stranger = 0;
    KTEST_TRUE(t, EFI_ERROR(services->FreePool(&stranger)));
    KTEST_EQ(t, fake_efi.violations, 1);
    KTEST_TRUE(t, EFI_ERROR(services->FreePages(SIZE_1M, 1)));
    KTEST_EQ(t, fake_efi.violations, 2);
}

static void fake_efi_counts_what_was_not_given_back(struct ktest *t)
{
    EFI_BOOT_SERVICES *const services = fake_efi_start(&sound)->BootServices;
    EFI_PHYSICAL_ADDRESS pages = 0;
    void *pool = NULL;
    KTEST_EQ(t, services->AllocatePages(AllocateAnyPages, EfiLoaderData, 2, &pages), EFI_SUCCESS);
    KTEST_EQ(t, pages, 0); /* the lowest, as some firmware does */
    KTEST_EQ(t, services->AllocatePool(EfiLoaderData, 8, &pool), EFI_SUCCESS);
    fake_efi_finish();
    KTEST_EQ(t, fake_efi.live_pages, 1);
    KTEST_EQ(t, fake_efi.live_pool, 1);
}

static void fake_efi_pages_that_are_taken_are_not_given_again(struct ktest *t)
{
    EFI_BOOT_SERVICES *const services = fake_efi_start(&sound)->BootServices;
    EFI_PHYSICAL_ADDRESS place = SIZE_1M;
    const UINTN key = read_key(services);
    KTEST_EQ(t, services->AllocatePages(AllocateAddress, EfiLoaderData, 2, &place), EFI_SUCCESS);
    KTEST_TRUE(t, read_key(services) != key);
    KTEST_EQ(t, services->AllocatePages(AllocateAddress, EfiLoaderData, 1, &place), EFI_NOT_FOUND);
    KTEST_EQ(t, services->FreePages(place, 2), EFI_SUCCESS);
    KTEST_EQ(t, services->AllocatePages(AllocateAddress, EfiLoaderData, 4, &place), EFI_SUCCESS);
    KTEST_EQ(t, services->FreePages(place, 4), EFI_SUCCESS);
}

static void fake_efi_fault_fires_at_its_call_only(struct ktest *t)
{
    const struct fake_efi_script script = { .faults = {
                                                { FAKE_EFI_STALL, 2, 2, EFI_DEVICE_ERROR } } };
    EFI_BOOT_SERVICES *const services = fake_efi_start(&script)->BootServices;
    KTEST_EQ(t, services->Stall(1), EFI_SUCCESS);
    KTEST_EQ(t, services->Stall(1), EFI_DEVICE_ERROR);
    KTEST_EQ(t, services->Stall(1), EFI_DEVICE_ERROR);
    KTEST_EQ(t, services->Stall(1), EFI_SUCCESS);
    KTEST_EQ(t, fake_efi.faults_fired, 2);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(fake_efi_call_after_the_exit_is_a_violation),
    KTEST_CASE(fake_efi_call_between_map_and_exit_is_a_violation),
    KTEST_CASE(fake_efi_free_of_strangers_is_a_violation),
    KTEST_CASE(fake_efi_counts_what_was_not_given_back),
    KTEST_CASE(fake_efi_pages_that_are_taken_are_not_given_again),
    KTEST_CASE(fake_efi_fault_fires_at_its_call_only),
};

KTEST_SUITE(fake_efi, "fake.efi", cases);
