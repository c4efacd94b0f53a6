/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See firmware_memory.h.
 */
#include "firmware_memory.h"

#include <stddef.h>

#include <arch/physmap.h>

#include "shared/mmap_names.h"

#include "mm/memory_map.h"
#include "mm/mm_init.h"

/* Where a BIOS has its tables; firmware maps need not tell of it (SMBIOS 3.6, 5.2.1). */
#define BIOS_START UINT64_C(0xe0000)
#define BIOS_END   UINT64_C(0x100000)

typedef bool entry_predicate(uint32_t type, uint32_t reason);

static bool is_in_direct_map(uint32_t type, uint32_t reason)
{
    (void)reason;
    /* In the kernel's own memory are holes (guards), and never a table. */
    return memory_map_type_is_mapped(type) && type != MMAP_KERNEL;
}

static bool is_readable(uint32_t type, uint32_t reason)
{
    return type != MMAP_KERNEL && type != MMAP_BAD_RAM && reason != MMAP_REASON_MMIO &&
           reason != MMAP_REASON_MMIO_PORT && reason != MMAP_REASON_PAL &&
           reason != MMAP_REASON_UNACCEPTED && reason != MMAP_REASON_FRAMEBUFFER;
}

/* Whether entries that are `good` hold all of [phys, end). */
static bool is_covered(uint64_t phys, uint64_t end, entry_predicate *good)
{
    const struct memory_map map = mm_memory_map();
    uint64_t covered = phys;
    for (uint32_t i = 0; i < map.count && covered < end; i++) {
        const struct multiboot2_mmap_entry *const entry = &map.entries[i];
        const bool holds = entry->address <= covered && covered - entry->address < entry->length;
        if (holds && good(entry->type, map.reasons[i])) {
            covered = entry->address + entry->length;
        }
    }
    return covered >= end;
}

bool firmware_range_is_device(uint64_t phys, uint64_t size_bytes)
{
    const struct memory_map map = mm_memory_map();
    uint64_t end;
    if (size_bytes == 0 || phys < PAGE_SIZE || __builtin_add_overflow(phys, size_bytes, &end) ||
        (end - 1) >> mm_bootinfo()->phys_bits != 0) {
        return false;
    }
    for (uint32_t i = 0; i < map.count; i++) {
        const struct multiboot2_mmap_entry *const entry = &map.entries[i];
        if (entry->address < end && phys < entry->address + entry->length &&
            entry->type != MMAP_RESERVED) {
            return false;
        }
    }
    return true;
}

static enum kstatus map_window(uint64_t phys, uint64_t size_bytes, struct firmware_window *window)
{
    const uint64_t page = phys & PAGE_MASK;
    const uint64_t length = bits_align_up(phys + size_bytes, PAGE_SIZE) - page;
    enum kstatus status = create_mmio(length, &window->guard);
    if (status != K_OK) {
        return status;
    }
    /* Write-back, as the firmware has it: it is memory. */
    status = mmio_guard_map_phys(&window->guard, phys_addr(page), length, PAGE_CACHE_WRITE_BACK);
    if (status != K_OK) {
        kstatus_ignore(mmio_guard_release(&window->guard)); /* nothing is mapped: cannot fail */
        return status;
    }
    window->bytes = (const uint8_t *)(uintptr_t)(window->guard.virt.value + (phys - page));
    return K_OK;
}

enum kstatus firmware_window_open(uint64_t phys, uint64_t size_bytes,
                                  struct firmware_window *window)
{
    uint64_t end;
    if (size_bytes == 0 || size_bytes > FIRMWARE_WINDOW_MAX || phys < PAGE_SIZE ||
        __builtin_add_overflow(phys, size_bytes, &end) ||
        (end - 1) >> mm_bootinfo()->phys_bits != 0) {
        return K_EFAULT;
    }
    *window = (struct firmware_window){ .bytes = NULL };
    if (is_covered(phys, end, is_in_direct_map)) {
        window->bytes = physmap_ptr(phys_addr(phys), size_bytes);
        return K_OK;
    }
    if ((phys >= BIOS_START && end <= BIOS_END) || is_covered(phys, end, is_readable)) {
        return map_window(phys, size_bytes, window);
    }
    return K_EFAULT;
}

void firmware_window_close(struct firmware_window *window)
{
    if (window->guard.pool != NULL) {
        kstatus_ignore(mmio_guard_release(&window->guard)); /* EAGAIN: leaks its address space */
    }
    window->bytes = NULL;
}
