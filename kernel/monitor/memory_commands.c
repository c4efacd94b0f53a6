/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See memory_commands.h. No state.
 */
#include "monitor/memory_commands.h"

#include "shared/mmap_names.h"

#include "console.h"
#include "lib/format.h"
#include "mm/mm_init.h"
#include "monitor/arguments.h"
#include "monitor/command.h"
#include "monitor/efi_names.h"

static void print_derived(void)
{
    const struct memory_map map = mm_memory_map();
    console_printf("            base               end        KiB   type reason\n");
    for (uint32_t i = 0; i < map.count && !monitor_interrupted(); i++) {
        const struct multiboot2_mmap_entry *const e = &map.entries[i];
        console_printf(PRIphys " " PRIphys " %10" FMTu64 " %#6x %s\n", e->address,
                       e->address + e->length, e->length / 1024, e->type,
                       mmap_reason_name(map.reasons[i]));
    }
    console_printf("%u entries\n", map.count);
}

static void print_efi(void)
{
    const struct bootinfo *const info = mm_bootinfo();
    console_printf("            base              last        KiB type          attributes\n");
    for (uint32_t i = 0; i < info->efi_map.count && !monitor_interrupted(); i++) {
        const struct efi_range range = efi_range_read(info, i);
        char attributes[80];
        efi_attribute_names(range.attribute, attributes, sizeof(attributes));
        console_printf(PRIphys " " PRIphys " %10" FMTu64 " %2u %-12s %s\n", range.base,
                       efi_range_last(&range), range.pages * (PAGE_SIZE / 1024), range.type,
                       efi_type_name(range.type), attributes);
    }
    console_printf("%u descriptors\n", info->efi_map.count);
}

void memmap_command(const char *argument)
{
    if (argument_is_end(argument) || argument_take(&argument, "derived")) {
        print_derived();
    } else if (argument_take(&argument, "efi")) {
        print_efi();
    } else {
        monitor_usage("memmap");
    }
}

void areas_command(const char *argument)
{
    (void)argument;
    const struct phys_memory_areas *const areas = &mm_state()->areas;
    for (uint32_t i = 0; i < areas->count; i++) {
        console_printf("area %3u " PRIphys " " PRIphys " %10" FMTu64 " KiB\n", i,
                       areas->area[i].base.value, phys_memory_area_end(&areas->area[i]),
                       areas->area[i].size_bytes / 1024);
    }
    console_printf("%u areas, %" FMTu64 " KiB\n", areas->count,
                   phys_memory_areas_bytes(areas) / 1024);
}

static void print_class(const char *name, uint64_t bytes)
{
    console_printf("  %-12s %20" FMTu64 "\n", name, bytes);
}

void usage_command(const char *argument)
{
    (void)argument;
    struct mm_books books;
    mm_read_books(&books);
    const struct memory_accounting *const c = &books.classes;
    console_printf("bytes of the firmware's RAM: %s\n",
                   books.classes_balance ? "balanced" : "NOT BALANCED");
    print_class("firmware_ram", c->firmware_ram);
    print_class("usable", c->usable);
    print_class("kernel", c->kernel);
    print_class("loader", c->loader);
    print_class("low", c->low);
    print_class("acpi", c->acpi);
    print_class("nvs", c->nvs);
    print_class("reserved", c->reserved);
    print_class("bad", c->bad);
    print_class("dropped", c->dropped);
    console_printf("frames of the usable RAM: %s\n",
                   books.frames_balance ? "balanced" : "NOT BALANCED");
    print_class("usable", books.usable_frames);
    print_class("bump used", books.bump_used_frames);
    print_class("page tables", books.page_table_frames);
    print_class("metadata", books.metadata_frames);
    print_class("free", books.free_frames);
    print_class("allocated", books.allocated_frames);
}
