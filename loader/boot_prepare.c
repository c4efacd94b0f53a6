/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Steps of the loader up to a kernel in memory (boot.h): consoles, CPU, options, machine, kernel,
 * allocation. All with boot services; every failure returns to the firmware.
 */
#include <stdarg.h>
#include <stdbool.h>

#include <arch/cpu.h>
#include <arch/physmap.h>

#include "boot.h"
#include "boot_block.h"
#include "efi_console.h"
#include "efi_tables.h"
#include "efi_time.h"
#include "handoff.h"
#include "lib/format.h"
#include "lib/string.h"

#define CR4_LA57              (UINT64_C(1) << 12)
#define COMMAND_LINE_FILE_MAX (size_t)65536
#define KERNEL_FILE_MAX       (size_t)(64U << 20)
#define REPORT_LINE_BYTES     384U
#define JUMP_PAGE_FILLER      0xccU /* INT3: a jump astray stops at once */

/* Linked in by kernel_blob.S. */
extern const uint8_t kernel_blob_start[];
extern const uint8_t kernel_blob_end[];

enum kstatus boot_refuse(struct boot *boot, enum kstatus status, const char *code,
                         const char *format, ...)
{
    char text[REPORT_LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)format_text_v(text, sizeof(text), format, arguments); /* a cut line still says what */
    va_end(arguments);
    efi_console_print("refused: %s", text);
    boot->return_code = code;
    return status;
}

/* ---- consoles, CPU -----------------------------------------------------------------------------
 */

enum kstatus boot_open_consoles(struct boot *boot)
{
    /* Five minutes after the start the firmware would reset the machine (UEFI 2.10, 7.5.1). */
    (void)boot->services->SetWatchdogTimer(0, 0, 0, NULL); /* where it fails there is none */
    efi_console_init(boot->system);
    efi_console_print("Firstlight %s, UEFI loader", FIRSTLIGHT_VERSION);
    return K_OK;
}

enum kstatus boot_check_cpu(struct boot *boot)
{
    struct cpu_features *const cpu = &boot->cpu;
    cpu_features_read(cpu);
    boot->info.phys_bits = cpu->phys_bits;
    if ((x86_read_cr4() & CR4_LA57) != 0) {
        return boot_refuse(
            boot, K_ENOTSUP, "la57",
            "the firmware runs on 5-level page tables (CR4.LA57 = 1); switch 5-level "
            "paging off in its set-up");
    }
    if (!cpu->long_mode || !cpu->pae || !cpu->msr) {
        return boot_refuse(boot, K_ENOTSUP, "cpu",
                           "CPU %s lacks long mode (%d), PAE (%d) or MSRs (%d); use a 64-bit CPU",
                           cpu->vendor, cpu->long_mode, cpu->pae, cpu->msr);
    }
    efi_console_print("cpu: %s, %u address bits, NX %s, 1 GiB pages %s", cpu->vendor,
                      cpu->phys_bits, cpu->nx ? "yes" : "no", cpu->pages_1g ? "yes" : "no");
    if (!cpu->nx) {
        efi_console_print("warning: this CPU has no NX: all memory stays executable");
    }
    return K_OK;
}

/* ---- machine ------------------------------------------------------------------------------------
 */

static void print_machine(const struct bootinfo *info)
{
    efi_console_print("firmware: %s, revision 0x%x, UEFI %u.%u, Secure Boot %s",
                      (const char *)info->firmware_vendor, info->firmware_revision,
                      info->efi_revision >> 16, (info->efi_revision & 0xffffU) / 10,
                      (info->flags & BOOTINFO_FLAG_SECURE_BOOT) != 0 ? "on" : "off");
    efi_console_print("acpi: root pointer " PRIphys ", smbios " PRIphys ", smbios3 " PRIphys,
                      info->rsdp, info->smbios, info->smbios3);
    if (info->framebuffer.format == BOOTINFO_PIXEL_NONE) {
        efi_console_print("screen: none");
    } else {
        efi_console_print("screen: %ux%u, %u pixels a line, at " PRIphys, info->framebuffer.width,
                          info->framebuffer.height, info->framebuffer.pitch,
                          info->framebuffer.base);
    }
    efi_console_print("tsc: %" FMTu64 " Hz", info->tsc_hz);
}

enum kstatus boot_describe_machine(struct boot *boot)
{
    struct bootinfo *const info = &boot->info;
    efi_tables_describe_firmware(boot->system, info);
    if (efi_tables_find(boot->system, info) != K_OK) {
        efi_console_print("warning: the ACPI root pointer is broken and not used");
    }
    efi_tables_find_screen(boot->system, &info->framebuffer);
    enum bootinfo_tsc_source source;
    info->tsc_hz = efi_time_tsc_hz(boot->services, &source);
    info->tsc_source = (uint32_t)source;
    print_machine(info);
    return K_OK;
}

/* ---- options ------------------------------------------------------------------------------------
 */

static void read_options_file(struct boot *boot, EFI_HANDLE volume)
{
    static const char path[] = "\\firstlight\\cmdline.txt";
    struct efi_file file = { .bytes = NULL };
    const enum kstatus status =
        efi_file_read(boot->services, volume, path, sizeof(path) - 1, COMMAND_LINE_FILE_MAX, &file);
    if (status == K_OK) {
        options_append_text(&boot->options, file.bytes, file.size_bytes);
        efi_file_release(boot->services, &file);
    } else if (status != K_ENOENT) {
        efi_console_print("warning: %s cannot be read (%s) and is ignored", path,
                          kstatus_name(status));
    }
}

static void read_mem_limit(struct boot *boot)
{
    const char *value;
    size_t length;
    boot->mem_limit_bytes = UINT64_MAX;
    if (options_get(boot->options.text, "mem", &value, &length) &&
        options_parse_size(value, length, &boot->mem_limit_bytes) != K_OK) {
        boot->mem_limit_bytes = UINT64_MAX;
        efi_console_print("warning: mem=%.*s is no size and is ignored", (int)length, value);
    }
}

enum kstatus boot_read_options(struct boot *boot)
{
    options_init(&boot->options);
    const EFI_LOADED_IMAGE_PROTOCOL *const self =
        efi_tables_loaded_image(boot->services, boot->image);
    if (self != NULL) {
        read_options_file(boot, self->DeviceHandle);
        options_append_load_options(&boot->options, self->LoadOptions, self->LoadOptionsSize);
    }
    efi_console_print("command line: %s", boot->options.text);
    if (boot->options.truncated) {
        efi_console_print("warning: the command line is longer than %u bytes and was cut",
                          OPTIONS_MAX_BYTES);
    }
    read_mem_limit(boot);
    return K_OK;
}

/* ---- kernel -------------------------------------------------------------------------------------
 */

static enum kstatus read_kernel_file(struct boot *boot, const char *path, size_t length)
{
    if ((boot->info.flags & BOOTINFO_FLAG_SECURE_BOOT) != 0) {
        return boot_refuse(boot, K_EPERM, "secure-boot",
                           "kernel=%.*s is not signed with this image; leave kernel= out or switch "
                           "Secure Boot off",
                           (int)length, path);
    }
    const EFI_LOADED_IMAGE_PROTOCOL *const self =
        efi_tables_loaded_image(boot->services, boot->image);
    const enum kstatus status = self == NULL
                                    ? K_ENOENT
                                    : efi_file_read(boot->services, self->DeviceHandle, path,
                                                    length, KERNEL_FILE_MAX, &boot->kernel_file);
    if (status != K_OK) {
        return boot_refuse(boot, status, "kernel-not-found",
                           "kernel=%.*s cannot be read: %s; the path starts at the root of the "
                           "volume that the loader came from",
                           (int)length, path, kstatus_name(status));
    }
    boot->kernel_bytes = boot->kernel_file.bytes;
    boot->kernel_size_bytes = boot->kernel_file.size_bytes;
    return K_OK;
}

enum kstatus boot_find_kernel(struct boot *boot)
{
    const char *path;
    size_t length;
    boot->kernel_bytes = kernel_blob_start;
    boot->kernel_size_bytes = (size_t)(kernel_blob_end - kernel_blob_start);
    if (options_get(boot->options.text, "kernel", &path, &length) && length > 0) {
        const enum kstatus status = read_kernel_file(boot, path, length);
        if (status != K_OK) {
            return status;
        }
    }
    const char *why;
    const enum kstatus status =
        elf_image_plan(boot->kernel_bytes, boot->kernel_size_bytes, &boot->plan, &why);
    if (status != K_OK) {
        return boot_refuse(boot, status, "kernel-not-elf",
                           "the kernel image (%zu bytes) cannot be loaded: %s; use the kernel.elf "
                           "of this version",
                           boot->kernel_size_bytes, why);
    }
    memcpy(boot->info.build_id, boot->plan.build_id, sizeof(boot->info.build_id));
    boot->info.build_id_size = boot->plan.build_id_size;
    return K_OK;
}

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
    if (status == K_EPROTO) {
        return boot_refuse(boot, status, "bad-memory-map",
                           "the firmware's memory map cannot be walked; update the firmware");
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
                            OPTIONS_MAX_BYTES + EFI_CONSOLE_LOG_BYTES, &bytes) != K_OK) {
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
        status = exit_boot_buffer_size(copy.map.size_bytes, copy.map.descriptor_size,
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

enum kstatus boot_allocate(struct boot *boot)
{
    const uint64_t addressable = bits_min(BIT(boot->cpu.phys_bits), DIRECT_MAP_SIZE);
    efi_alloc_init(&boot->alloc, boot->services, bits_min(addressable, boot->mem_limit_bytes));
    enum kstatus status = allocate_image(boot);
    if (status == K_OK) {
        status = allocate_stack_and_jump(boot);
    }
    return status == K_OK ? allocate_for_map(boot) : status;
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
