/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See explain_command.h. No state. Ranges of the firmware may be empty, wrap or overlap: all that
 * contain the address are shown.
 */
#include "monitor/explain_command.h"

#include <stdbool.h>

#include <arch/mmu.h>

#include "shared/ledger_names.h"
#include "shared/mmap_names.h"

#include "bootinfo.h"
#include "console.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "mm/kernel_mapper.h"
#include "mm/locked_frame_allocator.h"
#include "mm/mm_init.h"
#include "mm/page_walk.h"
#include "monitor/arguments.h"
#include "monitor/command.h"
#include "monitor/efi_names.h"

/* Why memory of this reason is what it is. */
static const char *reason_text(uint32_t reason)
{
    static const char *const texts[MMAP_REASON_COUNT] = {
        [MMAP_REASON_BAD] = "the firmware says that this RAM is defective",
        [MMAP_REASON_DROPPED] = "RAM that was given up: cut off, limited, or for want of room",
        [MMAP_REASON_FIRMWARE_RESERVED] = "the firmware keeps it without saying what for",
        [MMAP_REASON_UNKNOWN_TYPE] = "a type that UEFI does not have: not ours to use",
        [MMAP_REASON_MMIO] = "device registers",
        [MMAP_REASON_MMIO_PORT] = "device registers that stand for I/O ports",
        [MMAP_REASON_PAL] = "code of the processor's firmware",
        [MMAP_REASON_RUNTIME] = "code or data of the firmware's runtime services, which stay",
        [MMAP_REASON_RUNTIME_ATTRIBUTE] = "the firmware asks for a mapping at runtime",
        [MMAP_REASON_PERSISTENT] = "memory that keeps its content: a disk, not RAM",
        [MMAP_REASON_UNACCEPTED] = "RAM of a protected guest that nobody accepted",
        [MMAP_REASON_SPECIAL_PURPOSE] = "RAM that the firmware sets aside for certain uses",
        [MMAP_REASON_NOT_WRITE_BACK] = "cannot be cached as ordinary RAM is",
        [MMAP_REASON_PINNED] = "a table of the firmware lies there",
        [MMAP_REASON_FRAMEBUFFER] = "the screen's pixels",
        [MMAP_REASON_NVS] = "ACPI needs it to stay",
        [MMAP_REASON_ACPI] = "ACPI tables: kept readable",
        [MMAP_REASON_KERNEL] = "the kernel: image, boot stack",
        [MMAP_REASON_LOW] = "RAM below 1 MiB: kept for starting CPUs and for old firmware",
        [MMAP_REASON_LOADER] = "the loader's, until the kernel is up",
        [MMAP_REASON_AVAILABLE] = "RAM that is ours to use",
    };
    return reason < MMAP_REASON_COUNT ? texts[reason] : "?";
}

static bool contains(uint64_t base, uint64_t size_bytes, uint64_t address)
{
    return address >= base && address - base < size_bytes;
}

static void print_entry(const struct memory_map *map, uint32_t index)
{
    const struct multiboot2_mmap_entry *const e = &map->entries[index];
    console_printf(PRIphys "-" PRIphys " type %#x %s: %s\n", e->address, e->address + e->length,
                   e->type, mmap_reason_name(map->reasons[index]),
                   reason_text(map->reasons[index]));
}

static void explain_map(void)
{
    const struct memory_map map = mm_memory_map();
    for (uint32_t i = 0; i < map.count && !monitor_interrupted(); i++) {
        print_entry(&map, i);
    }
    console_printf("%u ranges\n", map.count);
}

/* ---- one address -------------------------------------------------------------------------------
 */

static void explain_entry(uint64_t address)
{
    const struct memory_map map = mm_memory_map();
    bool in_ram = false;
    for (uint32_t i = 0; i < map.ram_count; i++) {
        in_ram = in_ram || contains(map.ram[i].base, map.ram[i].size, address);
    }
    for (uint32_t i = 0; i < map.count; i++) {
        if (contains(map.entries[i].address, map.entries[i].length, address)) {
            print_entry(&map, i);
            console_printf("  the firmware %s it as RAM\n", in_ram ? "counts" : "does not count");
            return;
        }
    }
    console_printf(PRIphys " is in no range of the map: no RAM, perhaps a device\n", address);
}

static void explain_efi(const struct bootinfo *info, uint64_t address)
{
    for (uint32_t i = 0; i < info->efi_map.count; i++) {
        const struct efi_range range = efi_range_read(info, i);
        if (address < range.base || address > efi_range_last(&range) || range.pages == 0) {
            continue;
        }
        char attributes[80];
        efi_attribute_names(range.attribute, attributes, sizeof(attributes));
        console_printf(
            "  firmware: descriptor %u, %s (%u), base " PRIphys ", %" FMTu64 " pages, %s\n", i,
            efi_type_name(range.type), range.type, range.base, range.pages, attributes);
    }
}

static void explain_repairs(const struct bootinfo *info, uint64_t address)
{
    const struct mmap_repair *const repairs = bootinfo_repairs(info);
    for (uint32_t i = 0; i < info->repairs.count; i++) {
        if (contains(repairs[i].base, repairs[i].size, address)) {
            console_printf("  repair: %s, base " PRIphys ", %" FMTu64 " bytes, now %s\n",
                           mmap_repair_name(repairs[i].kind), repairs[i].base, repairs[i].size,
                           mmap_reason_name(repairs[i].reason));
        }
    }
}

static const char *pin_name(uint32_t kind)
{
    static const char *const names[] = { "?", "a firmware table", "an ACPI table",
                                         "the framebuffer" };
    return kind < ARRAY_COUNT(names) ? names[kind] : names[0];
}

static void explain_pins(const struct bootinfo *info, uint64_t address)
{
    const struct bootinfo_pin *const pins = bootinfo_pins(info);
    for (uint32_t i = 0; i < info->pins.count; i++) {
        if (contains(pins[i].base, pins[i].pages * PAGE_SIZE, address)) {
            console_printf("  pinned: %s, base " PRIphys ", %" FMTu64 " pages\n",
                           pin_name(pins[i].kind), pins[i].base, pins[i].pages);
        }
    }
}

static const char *lifetime_name(uint32_t lifetime)
{
    static const char *const names[] = { "?", "for good", "until the kernel was up",
                                         "until the firmware was left" };
    return lifetime < ARRAY_COUNT(names) ? names[lifetime] : names[0];
}

static void explain_ledger(const struct bootinfo *info, uint64_t address)
{
    const struct bootinfo_ledger_entry *const ledger = bootinfo_ledger(info);
    for (uint32_t i = 0; i < info->ledger.count; i++) {
        if (contains(ledger[i].base, ledger[i].pages * PAGE_SIZE, address)) {
            console_printf("  loader: %s, base " PRIphys ", %" FMTu64 " pages, %s\n",
                           bootinfo_purpose_name(ledger[i].purpose), ledger[i].base,
                           ledger[i].pages, lifetime_name(ledger[i].lifetime));
        }
    }
}

static bool in_areas(uint64_t address)
{
    const struct phys_memory_areas *const areas = &mm_state()->areas;
    for (uint32_t i = 0; i < areas->count; i++) {
        if (contains(areas->area[i].base.value, areas->area[i].size_bytes, address)) {
            return true;
        }
    }
    return false;
}

/* What the frame of usable memory is used for. */
static void explain_frame(uint64_t address)
{
    struct buddy_allocator *const buddy = locked_frame_allocator_inner();
    if (buddy == NULL || !in_areas(address)) {
        return;
    }
    struct buddy_free_report report;
    const phys_addr_t frame = phys_addr(address & PAGE_MASK);
    buddy_describe_bad_free(buddy, frame, page_frame_count(1), &report);
    if (report.has_block) {
        console_printf("  frame: allocated, in a block of order %u at " PRIphys "\n",
                       report.recorded_order, report.block.value);
        return;
    }
    switch (report.kind) {
    case BUDDY_FREE_IS_GOOD:
        console_printf("  frame: allocated, alone\n");
        break;
    case BUDDY_FREE_METADATA:
        console_printf("  frame: metadata of the page-frame allocator\n");
        break;
    case BUDDY_FREE_NOT_ALLOCATED:
        console_printf("  frame: free\n");
        break;
    case BUDDY_FREE_BAD_COUNT:
    case BUDDY_FREE_MISALIGNED:
    case BUDDY_FREE_OUT_OF_RANGE:
    case BUDDY_FREE_HOLE:
    case BUDDY_FREE_WRONG_ORDER:
    case BUDDY_FREE_INTERIOR:
        console_printf("  frame: taken at bring-up: page table or bootinfo\n");
        break;
    }
}

static void explain_physical(uint64_t address)
{
    const struct bootinfo *const info = mm_bootinfo();
    explain_entry(address);
    explain_efi(info, address);
    explain_repairs(info, address);
    explain_pins(info, address);
    explain_ledger(info, address);
    explain_frame(address);
}

/* Follows the tables. @return false, with a line, where nothing is mapped */
static bool translate(virt_addr_t virt, uint64_t *address)
{
    struct page_path path;
    struct page_leaf leaf;
    struct kernel_mapper_guard guard;
    kernel_mapper_lock(&guard);
    enum kstatus status = page_walk_path(arch_table_root(), virt, &path);
    kernel_mapper_unlock(&guard);
    if (status == K_OK) {
        status = page_walk_leaf(&path, &leaf);
    }
    if (status != K_OK) {
        console_printf(PRIvirt " is not mapped\n", virt.value);
        return false;
    }
    *address = leaf.phys.value + (virt.value - leaf.virt.value);
    console_printf(PRIvirt " is mapped to " PRIphys "\n", virt.value, *address);
    return true;
}

void explain_command(const char *argument)
{
    struct monitor_address address;
    const char *cursor = argument;
    if (argument_take(&cursor, "map") && argument_is_end(cursor)) {
        explain_map();
        return;
    }
    cursor = argument;
    if (argument_address(&cursor, &address) != K_OK || !argument_is_end(cursor)) {
        monitor_usage("explain");
        return;
    }
    if (address.physical || address.value < PHYS_OFFSET ||
        translate(virt_addr(address.value), &address.value)) {
        explain_physical(address.value);
    }
}
