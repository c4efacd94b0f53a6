/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Steps of the loader that take memory (boot.h): everything that the kernel needs is allocated
 * here, but for the page tables (boot_memory.c), and the kernel is put into its place. All with
 * boot services; every failure returns to the firmware.
 *
 *   black box      where it can be found again; the boot goes on without
 *   kernel image   2 MiB-aligned where possible
 *   boot stack     [guard frame][64 KiB]
 *   jump page      code and GDT of handoff.S
 *   event log      a copy of the TPM's, where there is one; the boot goes on without
 *   map buffer     [raw EFI map, room to grow][canary page]
 *   work memory    what mmap_build() needs, and the list of mapped runs
 *   bootinfo       sized for the worst case
 *   stop screen    its characters, where there is a screen; the boot goes on without
 */
#include <arch/physmap.h>

#include "boot.h"
#include "boot_block.h"
#include "efi_console.h"
#include "efi_tables.h"
#include "handoff.h"
#include "lib/format.h"
#include "lib/string.h"

#define JUMP_PAGE_FILLER 0xccU /* INT3: a jump astray stops at once */

/* ---- memory -------------------------------------------------------------------------------------
 */

static uint64_t pages_for(uint64_t size_bytes)
{
    return (size_bytes >> PAGE_SHIFT) + ((size_bytes & PAGE_OFFSET_MASK) != 0 ? 1 : 0);
}

static enum kstatus allocate(struct boot *boot, const struct efi_alloc_request *request,
                             const char *what, phys_addr_t *base)
{
    const enum kstatus status = efi_alloc_pages(&boot->alloc, request, base);
    if (status == K_EPROTO || status == K_EIO) {
        return boot_refuse(boot, status, "bad-memory-map",
                           "the firmware's memory map cannot be read: %s; update the firmware",
                           kstatus_name(status));
    }
    if (status != K_OK) {
        return boot_refuse(boot, status, "no-memory",
                           "no free range of %" FMTu64 " KiB between 1 MiB and " PRIphys
                           " for the %s (%s); add memory or raise mem=",
                           request->pages * (PAGE_SIZE / 1024), boot->alloc.ceiling, what,
                           kstatus_name(status));
    }
    return K_OK;
}

/* At a multiple of 2 MiB where there is one: then no leaf of the direct map is split in vain. */
static enum kstatus allocate_image(struct boot *boot)
{
    struct efi_alloc_request request = { .pages = boot->plan.size_bytes >> PAGE_SHIFT,
                                         .alignment_bytes = SIZE_2M,
                                         .purpose = BOOTINFO_PURPOSE_KERNEL_IMAGE,
                                         .lifetime = BOOTINFO_LIFETIME_KERNEL };
    phys_addr_t base;
    enum kstatus status = efi_alloc_pages(&boot->alloc, &request, &base);
    if (status != K_OK) {
        request.alignment_bytes = PAGE_SIZE;
        status = allocate(boot, &request, "kernel image", &base);
    }
    if (status != K_OK) {
        return status;
    }
    boot->info.kernel_phys = base.value;
    boot->info.kernel_virt = PHYS_OFFSET + base.value;
    boot->info.kernel_size = boot->plan.size_bytes;
    return K_OK;
}

static enum kstatus allocate_stack_and_jump(struct boot *boot)
{
    const struct efi_alloc_request stack = { .pages = pages_for(BOOT_STACK_BYTES) + 1,
                                             .alignment_bytes = PAGE_SIZE,
                                             .purpose = BOOTINFO_PURPOSE_BOOT_STACK,
                                             .lifetime = BOOTINFO_LIFETIME_KERNEL };
    const struct efi_alloc_request jump = { .pages = 1,
                                            .alignment_bytes = PAGE_SIZE,
                                            .purpose = BOOTINFO_PURPOSE_JUMP_PAGE,
                                            .lifetime = BOOTINFO_LIFETIME_BOOT,
                                            .is_code = true };
    phys_addr_t guard;
    phys_addr_t jump_page;
    enum kstatus status = allocate(boot, &stack, "boot stack", &guard);
    if (status == K_OK) {
        status = allocate(boot, &jump, "jump page", &jump_page);
    }
    if (status != K_OK) {
        return status;
    }
    boot->info.stack_guard = guard.value;
    boot->info.stack_base = guard.value + PAGE_SIZE;
    boot->info.stack_size = BOOT_STACK_BYTES;
    boot->info.jump_page = jump_page.value;
    return K_OK;
}

/* The next piece of the work memory, 16-byte aligned. */
static void *carve(uint8_t **next, uint64_t size_bytes)
{
    void *const piece = *next;
    *next += bits_align_up(size_bytes, 16);
    return piece;
}

static uint64_t work_bytes(const struct mmap_build_sizes *sizes)
{
    const uint64_t entry_bytes =
        sizeof(struct multiboot2_mmap_entry) + sizeof(uint32_t) + sizeof(struct phys_frame_range);
    return sizes->entries * entry_bytes + (uint64_t)sizes->repairs * sizeof(struct mmap_repair) +
           (uint64_t)sizes->ram * sizeof(struct bootinfo_ram_range) + sizes->scratch_bytes +
           UINT64_C(6) * 16;
}

static void carve_work(struct boot_work *work, const struct mmap_build_sizes *sizes, uint8_t *next)
{
    struct mmap_build_output *const map = &work->map;
    work->scratch_bytes = sizes->scratch_bytes;
    work->scratch = carve(&next, sizes->scratch_bytes);
    map->entry_capacity = sizes->entries;
    map->entries = carve(&next, (uint64_t)sizes->entries * sizeof(*map->entries));
    map->reasons = carve(&next, (uint64_t)sizes->entries * sizeof(*map->reasons));
    map->repair_capacity = sizes->repairs;
    map->repairs = carve(&next, (uint64_t)sizes->repairs * sizeof(*map->repairs));
    map->ram_capacity = sizes->ram;
    map->ram = carve(&next, (uint64_t)sizes->ram * sizeof(*map->ram));
    work->mapped_capacity = sizes->entries;
    work->mapped = carve(&next, (uint64_t)sizes->entries * sizeof(*work->mapped));
}

static enum kstatus allocate_map_buffer(struct boot *boot)
{
    const struct efi_alloc_request request = { .pages = pages_for(boot->map_buffer_bytes) + 1,
                                               .alignment_bytes = PAGE_SIZE,
                                               .purpose = BOOTINFO_PURPOSE_SCRATCH,
                                               .lifetime = BOOTINFO_LIFETIME_EXIT };
    const enum kstatus status = allocate(boot, &request, "memory map", &boot->map_buffer);
    if (status != K_OK) {
        return status;
    }
    boot->map_buffer_bytes = (request.pages - 1) << PAGE_SHIFT;
    memset(physmap_ptr(phys_add(boot->map_buffer, boot->map_buffer_bytes), PAGE_SIZE),
           EXIT_BOOT_CANARY_BYTE, PAGE_SIZE);
    return K_OK;
}

static enum kstatus allocate_work(struct boot *boot, const struct mmap_build_sizes *sizes)
{
    const uint64_t bytes = work_bytes(sizes);
    const struct efi_alloc_request request = { .pages = pages_for(bytes),
                                               .alignment_bytes = PAGE_SIZE,
                                               .purpose = BOOTINFO_PURPOSE_SCRATCH,
                                               .lifetime = BOOTINFO_LIFETIME_EXIT };
    phys_addr_t base;
    const enum kstatus status = allocate(boot, &request, "map's work memory", &base);
    if (status == K_OK) {
        carve_work(&boot->work, sizes, physmap_ptr(base, bytes));
    }
    return status;
}

static enum kstatus allocate_block(struct boot *boot, const struct mmap_build_sizes *sizes)
{
    const uint64_t overlays = EFI_ALLOC_MAX_ENTRIES + FIRMWARE_PINS_MAX;
    uint64_t bytes;
    if (boot_block_capacity(sizes, boot->map_buffer_bytes, overlays,
                            OPTIONS_MAX_BYTES + EFI_CONSOLE_LOG_BYTES +
                                (uint64_t)boot->event_log.size_bytes,
                            &bytes) != K_OK) {
        return boot_refuse(boot, K_EOVERFLOW, "bad-memory-map",
                           "a memory map of %" FMTu64 " bytes is too large; update the firmware",
                           boot->map_buffer_bytes);
    }
    const struct efi_alloc_request request = { .pages = pages_for(bytes),
                                               .alignment_bytes = PAGE_SIZE,
                                               .purpose = BOOTINFO_PURPOSE_BOOTINFO,
                                               .lifetime = BOOTINFO_LIFETIME_BOOT };
    boot->block_bytes = request.pages << PAGE_SHIFT;
    return allocate(boot, &request, "bootinfo block", &boot->block);
}

/* Everything whose size follows from the size of the memory map. The stride may change until the
 * exit, so descriptors are counted at the smallest one. */
static enum kstatus allocate_for_map(struct boot *boot)
{
    struct efi_map_copy copy;
    enum kstatus status = efi_alloc_read_map(boot->services, &copy);
    if (status == K_OK) {
        status = exit_boot_buffer_size(copy.asked_bytes, copy.map.descriptor_size,
                                       &boot->map_buffer_bytes);
        efi_alloc_release_map(boot->services, &copy);
    }
    if (status != K_OK) {
        return boot_refuse(boot, status, "bad-memory-map",
                           "the firmware's memory map cannot be read: %s; update the firmware",
                           kstatus_name(status));
    }
    status = allocate_map_buffer(boot);
    if (status != K_OK) {
        return status;
    }
    struct mmap_build_sizes sizes;
    status = mmap_build_sizes(boot->map_buffer_bytes / EFI_MAP_DESCRIPTOR_MIN,
                              EFI_ALLOC_MAX_ENTRIES + FIRMWARE_PINS_MAX, &sizes);
    if (status != K_OK) {
        return boot_refuse(boot, status, "bad-memory-map",
                           "a memory map of %" FMTu64 " bytes is too large; update the firmware",
                           boot->map_buffer_bytes);
    }
    status = allocate_work(boot, &sizes);
    return status == K_OK ? allocate_block(boot, &sizes) : status;
}

static void allocate_stop_screen(struct boot *boot)
{
    const size_t bytes = stop_screen_plan(&boot->stop_screen, &boot->info.framebuffer);
    if (bytes == 0) {
        return;
    }
    if (!stop_screen_is_mapped(&boot->stop_screen)) {
        efi_console_print(
            "warning: the firmware does not map the screen's memory: errors after the "
            "exit show on COM1 only");
        return;
    }
    const struct efi_alloc_request request = { .pages = pages_for(bytes),
                                               .alignment_bytes = PAGE_SIZE,
                                               .purpose = BOOTINFO_PURPOSE_SCRATCH,
                                               .lifetime = BOOTINFO_LIFETIME_EXIT };
    phys_addr_t cells;
    if (efi_alloc_pages(&boot->alloc, &request, &cells) == K_OK) {
        stop_screen_set_memory(&boot->stop_screen, cells);
        return;
    }
    efi_console_print("warning: no memory for errors on the screen after the exit: they show on "
                      "COM1 only");
}

static void allocate_event_log(struct boot *boot)
{
    struct boot_event_log *const log = &boot->event_log;
    const struct efi_alloc_request request = { .pages = pages_for(log->size_bytes),
                                               .alignment_bytes = PAGE_SIZE,
                                               .purpose = BOOTINFO_PURPOSE_SCRATCH,
                                               .lifetime = BOOTINFO_LIFETIME_EXIT };
    if (log->size_bytes == 0) {
        return;
    }
    if (efi_alloc_pages(&boot->alloc, &request, &log->copy) == K_OK) {
        memcpy(physmap_ptr(log->copy, log->size_bytes), physmap_ptr(log->firmware, log->size_bytes),
               log->size_bytes);
        return;
    }
    log->size_bytes = 0;
    efi_console_print("warning: tpm: no memory for a copy of the event log");
}

enum kstatus boot_allocate(struct boot *boot)
{
    const uint64_t addressable = bits_min(BIT(boot->cpu.phys_bits), DIRECT_MAP_SIZE);
    efi_alloc_init(&boot->alloc, boot->services, bits_min(addressable, boot->mem_limit_bytes));
    boot_open_black_box(boot);
    enum kstatus status = allocate_image(boot);
    if (status == K_OK) {
        status = allocate_stack_and_jump(boot);
    }
    if (status == K_OK) {
        allocate_event_log(boot); /* before the bootinfo, which must have room for it */
        status = allocate_for_map(boot);
    }
    if (status == K_OK) {
        allocate_stop_screen(boot);
    }
    return status;
}

/* ---- loading ------------------------------------------------------------------------------------
 */

static void fill_jump_page(const struct boot *boot)
{
    const phys_addr_t page = phys_addr(boot->info.jump_page);
    uint8_t *const bytes = physmap_ptr(page, PAGE_SIZE);
    memset(bytes, JUMP_PAGE_FILLER, PAGE_SIZE);
    memcpy(bytes, handoff_page_start, (size_t)(handoff_page_end - handoff_page_start));
    efi_tables_make_executable(boot->services, page);
}

enum kstatus boot_load_kernel(struct boot *boot)
{
    const struct bootinfo *const info = &boot->info;
    const char *why;
    const enum kstatus status = elf_image_load(
        boot->kernel_bytes, &boot->plan,
        physmap_ptr(phys_addr(info->kernel_phys), info->kernel_size), info->kernel_virt, &why);
    if (status != K_OK) {
        return boot_refuse(boot, status, "kernel-not-elf",
                           "the kernel image cannot be relocated: %s; use the kernel.elf of this "
                           "version",
                           why);
    }
    efi_console_print("kernel: %" FMTu64 " KiB at " PRIphys ", runs at " PRIvirt,
                      info->kernel_size / 1024, info->kernel_phys, info->kernel_virt);
    efi_file_release(boot->services, &boot->kernel_file);
    fill_jump_page(boot);
    return K_OK;
}
