/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Steps of the loader about the memory map and the hand-over tables before the exit (boot.h), and
 * what the steps behind the exit share with them.
 */
#include <stdbool.h>

#include <arch/cpu.h>

#include "shared/ledger_names.h"

#include "boot.h"
#include "command_line.h"
#include "efi_console.h"
#include "efi_tables.h"
#include "lib/format.h"

#define VIOLATIONS_SHOWN  8U
#define REPAIR_LINE_BYTES 256U

/* ---- map ----------------------------------------------------------------------------------------
 */

static bool entry_holds(const struct multiboot2_mmap_entry *entry,
                        const struct bootinfo_ledger_entry *block)
{
    const uint64_t size_bytes = block->pages << PAGE_SHIFT;
    return entry->type == block->type && block->base >= entry->address &&
           size_bytes <= entry->length &&
           block->base - entry->address <= entry->length - size_bytes;
}

/* Where the firmware's map has something less usable on top of pages it gave us, the kernel would
 * not map them. */
static bool ledger_stands(const struct boot *boot)
{
    const struct mmap_build_output *const map = &boot->work.map;
    for (uint32_t i = 0; i < boot->alloc.count; i++) {
        const struct bootinfo_ledger_entry *const block = &boot->alloc.ledger[i];
        bool found = block->type == MMAP_AVAILABLE; /* dies at the exit: any fate is fine */
        for (uint32_t j = 0; j < map->entry_count && !found; j++) {
            found = entry_holds(&map->entries[j], block);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

enum kstatus boot_build_map(struct boot *boot, const struct efi_map *map)
{
    const struct mmap_build_input input = {
        .efi = map,
        .ledger = boot->alloc.ledger,
        .ledger_count = boot->alloc.count,
        .pins = boot->pins.pins,
        .pin_count = boot->pins.count,
        .phys_bits = boot->info.phys_bits,
        .mem_limit_bytes = boot->mem_limit_bytes,
    };
    struct boot_work *const work = &boot->work;
    const uint64_t start = x86_rdtsc();
    const enum kstatus status = mmap_build(&input, work->scratch, work->scratch_bytes, &work->map);
    work->map_ticks = x86_rdtsc() - start;
    if (status != K_OK) {
        return status;
    }
    return ledger_stands(boot) ? K_OK : K_EPROTO;
}

enum kstatus boot_refuse_map(struct boot *boot, enum kstatus status)
{
    return boot_refuse(boot, status, "bad-memory-map",
                       "the firmware's memory map %s (%s); update the firmware",
                       status == K_ENOSPC ? "grows with every look at it"
                                          : "contradicts itself or its allocations",
                       kstatus_name(status));
}

static void print_map(const struct boot *boot, uint64_t descriptors)
{
    const struct mmap_build_output *const map = &boot->work.map;
    efi_console_print("memory: %" FMTu64 " KiB RAM, %" FMTu64 " KiB usable; %" FMTu64
                      " descriptors, %u entries, %u repairs, %u pins",
                      map->accounting.firmware_ram / 1024, map->accounting.usable / 1024,
                      descriptors, map->entry_count, map->repair_count, boot->pins.count);
    for (uint32_t i = 0; i < map->repair_count; i++) {
        char text[REPAIR_LINE_BYTES];
        (void)mmap_build_describe_repair(&map->repairs[i], text, sizeof(text)); /* cut is fine */
        efi_console_print("repair: %s", text);
    }
}

enum kstatus boot_preview_map(struct boot *boot)
{
    struct efi_map_copy copy;
    enum kstatus status = efi_alloc_read_map(boot->services, &copy);
    if (status == K_OK) {
        boot->pins.map = &copy.map;
        struct firmware_tables tables;
        efi_tables_find_more(boot->system, &tables);
        firmware_tables_pin(&boot->info, &tables, &boot->pins);
        boot->pins.map = NULL;
        status = boot_build_map(boot, &copy.map);
        if (status == K_OK) {
            print_map(boot, efi_map_count(&copy.map));
        }
        efi_alloc_release_map(boot->services, &copy);
    }
    if (status == K_OK && !mmap_build_balances(&boot->work.map)) {
        return boot_refuse(boot, K_EPROTO, "books",
                           "the books of this memory map do not balance; report this map");
    }
    if (boot->pins.dropped > 0) {
        efi_console_print("warning: %u firmware tables got no pin", boot->pins.dropped);
    }
    return status == K_OK ? K_OK : boot_refuse_map(boot, status);
}

/* ---- tables -------------------------------------------------------------------------------------
 */

static enum kstatus build_in_pool(struct boot *boot, const struct memory_map *map)
{
    const struct efi_alloc_request request = {
        .pages = handover_pool_frames(map, &boot->handover.features, &boot->plan),
        .alignment_bytes = PAGE_SIZE,
        .purpose = BOOTINFO_PURPOSE_PAGE_TABLES,
        .lifetime = BOOTINFO_LIFETIME_BOOT,
    };
    const struct handover_layout layout = {
        .image = &boot->plan,
        .image_base = phys_addr(boot->info.kernel_phys),
        .stack_guard = phys_addr(boot->info.stack_guard),
        .jump_page = phys_addr(boot->info.jump_page),
    };
    phys_addr_t pool;
    enum kstatus status = efi_alloc_pages(&boot->alloc, &request, &pool);
    if (status != K_OK) {
        return boot_refuse(boot, status, "no-memory",
                           "no free range of %" FMTu64 " KiB for the page tables (%s); add memory "
                           "or raise mem=",
                           request.pages * (PAGE_SIZE / 1024), kstatus_name(status));
    }
    status = handover_build(&boot->handover, map, &layout, pool, request.pages);
    if (status != K_OK) {
        return boot_refuse(boot, status, "bad-page-tables",
                           "the hand-over tables cannot be built: %s; report this map",
                           kstatus_name(status));
    }
    boot->info.page_table_root = boot->handover.mapper.root.value;
    return K_OK;
}

void boot_print_violation(void *context, enum page_audit_kind kind, virt_addr_t virt,
                          phys_addr_t phys)
{
    uint32_t *const shown = context;
    if ((*shown)++ < VIOLATIONS_SHOWN) {
        efi_console_print("page tables: %s at " PRIvirt ", frame " PRIphys,
                          page_audit_kind_name(kind), virt.value, phys.value);
    }
}

static enum kstatus audit_tables(struct boot *boot)
{
    struct page_audit_report report = { .violation_count = 0 };
    uint32_t shown = 0;
    enum kstatus status = handover_audit(&boot->handover, boot_print_violation, &shown, &report);
    if (status == K_OK && report.violation_count != 0) {
        status = K_EPROTO;
    }
    if (status != K_OK) {
        return boot_refuse(boot, status, "bad-page-tables",
                           "the hand-over tables break a rule (%s, %" FMTu64
                           " violations); report this map",
                           kstatus_name(status), report.violation_count);
    }
    efi_console_print("page tables: %" FMTu64 " frames, leaves %" FMTu64 " x 4K, %" FMTu64
                      " x 2M, %" FMTu64 " x 1G, writable and executable %" FMTu64,
                      report.table_frames, report.leaves_4k, report.leaves_2m, report.leaves_1g,
                      report.writable_executable);
    return K_OK;
}

enum kstatus boot_build_tables(struct boot *boot)
{
    const struct paging_features features = { .nx = boot->cpu.nx,
                                              .pages_1g = boot->cpu.pages_1g,
                                              .global = false,
                                              .phys_bits = boot->cpu.phys_bits };
    struct mmap_build_output *const output = &boot->work.map;
    const struct memory_map map = { .entries = output->entries,
                                    .reasons = output->reasons,
                                    .count = output->entry_count,
                                    .ram = output->ram,
                                    .ram_count = output->ram_count };
    handover_init(&boot->handover, &features, boot->work.mapped, boot->work.mapped_capacity);
    const enum kstatus status = build_in_pool(boot, &map);
    return status == K_OK ? audit_tables(boot) : status;
}

/* ---- dry run ------------------------------------------------------------------------------------
 */

static void print_accounting(const struct memory_accounting *sums)
{
    efi_console_print("bytes: RAM %" FMTu64 " = usable %" FMTu64 " + kernel %" FMTu64
                      " + loader %" FMTu64 " + low %" FMTu64 " + acpi %" FMTu64 " + nvs %" FMTu64
                      " + reserved %" FMTu64 " + bad %" FMTu64 " + dropped %" FMTu64,
                      sums->firmware_ram, sums->usable, sums->kernel, sums->loader, sums->low,
                      sums->acpi, sums->nvs, sums->reserved, sums->bad, sums->dropped);
}

enum kstatus boot_end_dry_run(struct boot *boot)
{
    if (!command_line_has(boot->options.text, "dryrun")) {
        return K_OK;
    }
    for (uint32_t i = 0; i < boot->alloc.count; i++) {
        const struct bootinfo_ledger_entry *const block = &boot->alloc.ledger[i];
        efi_console_print("ledger: " PRIphys " %" FMTu64 " pages, %s, mmap type 0x%x", block->base,
                          block->pages, bootinfo_purpose_name(block->purpose), block->type);
    }
    print_accounting(&boot->work.map.accounting);
    boot->return_code = "dry-run-ok";
    return K_OK;
}
