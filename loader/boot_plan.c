/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The loader's step "plan" (boot.h): the kernel's bring-up tried out before the exit, with the map,
 * image, guards and CPU that the kernel will find. With boot services; all memory is given back.
 */
#include <arch/physmap.h>

#include "boot.h"
#include "efi_console.h"
#include "lib/format.h"

/* As the kernel will see it: each block that the loader took since the first look is an entry of
 * its own, and leaves of the direct map end there. Where it cannot be read again, the first look
 * will do. */
static enum kstatus build_map_again(struct boot *boot)
{
    struct efi_map_copy copy;
    enum kstatus status = efi_alloc_read_map(boot->services, &copy);
    if (status != K_OK) {
        efi_console_print("warning: the memory map cannot be read again (%s): the plan is for the "
                          "first one",
                          kstatus_name(status));
        return K_OK;
    }
    status = boot_build_map(boot, &copy.map);
    efi_alloc_release_map(boot->services, &copy);
    return status == K_OK ? K_OK : boot_refuse_map(boot, status);
}

/* The guards of the kernel's interrupt stacks are not known here. They cut no leaf: they lie in the
 * image, which is mapped by 4 KiB where it has less than 2 MiB. */
static struct bringup_needs needs_of(const struct boot *boot)
{
    return (struct bringup_needs){
        .layout = { .image = elf_image_bounds(&boot->plan, boot->info.kernel_virt),
                    .guards = { { boot->info.stack_guard } },
                    .guard_count = 1 },
        .features = { .nx = boot->cpu.nx,
                      .pages_1g = boot->cpu.pages_1g,
                      .global = boot->cpu.pge,
                      .phys_bits = boot->cpu.phys_bits },
        .bootinfo_bytes = boot->block_bytes,
    };
}

static enum kstatus try_tables(struct boot *boot, struct bringup_plan *plan, void *room)
{
    uint32_t shown = 0;
    const enum kstatus status = bringup_plan_build_tables(plan, room, boot_print_violation, &shown);
    if (status != K_OK && status != K_ENOMEM && status != K_EPROTO) {
        return boot_refuse(boot, status, "bad-page-tables",
                           "the kernel's page tables cannot be built: %s; report this map",
                           kstatus_name(status));
    }
    if (status == K_OK && plan->audit.violation_count != 0) {
        return boot_refuse(boot, K_EPROTO, "bad-page-tables",
                           "the kernel's page tables break a rule (%" FMTu64
                           " violations); report this map",
                           plan->audit.violation_count);
    }
    return status;
}

/* Tables and page-frame allocator in one range, which on a machine with much memory is large. The
 * kernel itself needs none, and a boot that may work is not refused for want of it. */
static enum kstatus try_out(struct boot *boot, struct bringup_plan *plan)
{
    const uint64_t bytes = bringup_plan_room_bytes(plan);
    const struct efi_alloc_request request = { .pages =
                                                   bits_align_up(bytes, PAGE_SIZE) >> PAGE_SHIFT,
                                               .alignment_bytes = PAGE_SIZE,
                                               .purpose = BOOTINFO_PURPOSE_SCRATCH,
                                               .lifetime = BOOTINFO_LIFETIME_EXIT };
    phys_addr_t base;
    if (efi_alloc_pages(&boot->alloc, &request, &base) != K_OK) {
        efi_console_print("warning: no free range of %" FMTu64 " KiB: the kernel's page tables and "
                          "page-frame allocator are not tried out",
                          request.pages * (PAGE_SIZE / 1024));
        return bringup_plan_count_tables(plan);
    }
    enum kstatus status = try_tables(boot, plan, physmap_ptr(base, bytes));
    if (status == K_OK) {
        status = bringup_plan_finish(plan);
    }
    efi_alloc_free(&boot->alloc, base);
    return status;
}

enum kstatus boot_plan_bringup(struct boot *boot)
{
    enum kstatus status = build_map_again(boot);
    if (status != K_OK) {
        return status;
    }
    const struct bringup_needs needs = needs_of(boot);
    struct mmap_build_output *const output = &boot->work.map;
    struct memory_map map = { .entries = output->entries,
                              .reasons = output->reasons,
                              .count = output->entry_count,
                              .ram = output->ram,
                              .ram_count = output->ram_count };
    struct bringup_plan *const plan = &boot->plan_of_kernel;
    status = bringup_plan_start(plan, &needs, &map);
    if (status == K_OK) {
        status = try_out(boot, plan);
    }
    if (boot->return_code != NULL) {
        return status;
    }
    if (status == K_ENOMEM) {
        return boot_refuse(boot, status, "no-memory",
                           "%" FMTu64 " KiB of usable memory do not suffice for the kernel's "
                           "bring-up; add memory or raise mem=",
                           phys_memory_areas_bytes(&plan->areas) / 1024);
    }
    if (status != K_OK) {
        return boot_refuse(boot, status, "books",
                           "the books of the kernel's bring-up do not balance; report this map");
    }
    efi_console_print("plan: %u areas, %" FMTu64 " frames for the bootinfo, %" FMTu64
                      " for page tables, %" FMTu64 " for metadata, %" FMTu64 " free",
                      plan->areas.count, plan->bootinfo_frames, plan->table_frames,
                      plan->metadata_frames, plan->free_frames);
    return K_OK;
}
