/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Firmware on 5-level page tables: one table more on top of the real ones, and CR4.LA57. Needs a
 * CPU that has it, and this image and its stack below 4 GiB. Boot services needed.
 */
#include <arch/cpu.h>

#include "hostile.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "mm/addr.h"

#define CR4_LA57         BIT(12)
#define PRESENT_WRITABLE UINT64_C(3)
#define TABLE_BASE_MASK  UINT64_C(0x000ffffffffff000)

/* levels.S */
void EFIAPI hostile_set_paging(uint64_t cr3, uint64_t cr4);

static uint64_t real_cr3;

enum kstatus hostile_levels_add(void)
{
    EFI_PHYSICAL_ADDRESS root = SIZE_4G - 1;
    if ((x86_cpuid(7, 0).ecx & BIT(16)) == 0 ||
        EFI_ERROR(hostile.real->AllocatePages(AllocateMaxAddress, EfiBootServicesData, 1, &root))) {
        return K_ENOTSUP;
    }
    real_cr3 = x86_read_cr3();
    memset((void *)(uintptr_t)root, 0, PAGE_SIZE);
    *(uint64_t *)(uintptr_t)root = (real_cr3 & TABLE_BASE_MASK) | PRESENT_WRITABLE;
    hostile_set_paging(root, x86_read_cr4() | CR4_LA57);
    return K_OK;
}

void hostile_levels_remove(void)
{
    if (real_cr3 != 0) {
        hostile_set_paging(real_cr3, x86_read_cr4() & ~CR4_LA57);
    }
}
