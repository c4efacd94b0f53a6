/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See memory_commands.h. No state.
 */
#include "monitor/memory_commands.h"

#include "shared/mmap_names.h"

#include "console.h"
#include "lib/format.h"
#include "mm/mm_init.h"

void memmap_command(const char *argument)
{
    (void)argument;
    const struct memory_map map = mm_memory_map();
    console_printf("            base               end        KiB   type reason\n");
    for (uint32_t i = 0; i < map.count; i++) {
        const struct multiboot2_mmap_entry *const e = &map.entries[i];
        console_printf(PRIphys " " PRIphys " %10" FMTu64 " %#6x %s\n", e->address,
                       e->address + e->length, e->length / 1024, e->type,
                       mmap_reason_name(map.reasons[i]));
    }
    console_printf("%u entries\n", map.count);
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
