/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_efi.h. This file: the tables, the watch over the phases, the run in a child process, and
 * what a loader finds linked in (a kernel image, the code of the jump page).
 */
#include "tests/fake/efi/fake_efi.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/cpu.h>
#include <arch/physmap.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bootinfo.h"
#include "handoff.h"
#include "mm/addr.h"
#include "panic.h"
#include "tests/fake/efi/fake_efi_internal.h"
#include "tests/fake/fake_cpu.h"

#define CR4_LA57     (UINT64_C(1) << 12)
#define SECONDS_MAX  20U
#define XSDT_AT      (FAKE_EFI_ACPI_START + 0x100)
#define RSDT_AT      (FAKE_EFI_ACPI_START + 0x200)
#define RSDP_BYTES   36U
#define HEADER_BYTES 36U
#define KERNEL_BYTES 0x3000U /* of fake_efi_blob.S */

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

struct fake_efi_result fake_efi;
struct fake_efi_state fake_efi_state;

static EFI_SYSTEM_TABLE system_table;
static EFI_BOOT_SERVICES boot_services;
static EFI_RUNTIME_SERVICES runtime_services;
static EFI_CONFIGURATION_TABLE configuration;
static struct fake_efi_result *shared_result; /* in the child: where the parent reads */
static bool echo;

void fake_log_show(bool on)
{
    echo = on;
}

void fake_efi_violation(const char *format, ...)
{
    if (fake_efi.violations++ > 0) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fake_efi.violation, sizeof(fake_efi.violation), format, arguments);
    va_end(arguments);
}

/* ---- phases and faults --------------------------------------------------------------------------
 */

static const char *const service_names[FAKE_EFI_SERVICE_COUNT] = {
    [FAKE_EFI_ALLOCATE_PAGES] = "AllocatePages",
    [FAKE_EFI_FREE_PAGES] = "FreePages",
    [FAKE_EFI_ALLOCATE_POOL] = "AllocatePool",
    [FAKE_EFI_FREE_POOL] = "FreePool",
    [FAKE_EFI_GET_MEMORY_MAP] = "GetMemoryMap",
    [FAKE_EFI_EXIT_BOOT_SERVICES] = "ExitBootServices",
    [FAKE_EFI_HANDLE_PROTOCOL] = "HandleProtocol",
    [FAKE_EFI_LOCATE_PROTOCOL] = "LocateProtocol",
    [FAKE_EFI_LOCATE_HANDLE_BUFFER] = "LocateHandleBuffer",
    [FAKE_EFI_STALL] = "Stall",
    [FAKE_EFI_SET_WATCHDOG_TIMER] = "SetWatchdogTimer",
    [FAKE_EFI_OUTPUT_STRING] = "OutputString",
    [FAKE_EFI_READ_KEY] = "ReadKeyStroke",
    [FAKE_EFI_GET_VARIABLE] = "GetVariable",
    [FAKE_EFI_SET_VARIABLE] = "SetVariable",
    [FAKE_EFI_RESET_SYSTEM] = "ResetSystem",
    [FAKE_EFI_OPEN_VOLUME] = "OpenVolume",
    [FAKE_EFI_FILE_OPEN] = "Open",
    [FAKE_EFI_FILE_CLOSE] = "Close",
    [FAKE_EFI_FILE_READ] = "Read",
    [FAKE_EFI_FILE_SET_POSITION] = "SetPosition",
    [FAKE_EFI_FILE_GET_POSITION] = "GetPosition",
    [FAKE_EFI_TPM_CAPABILITY] = "GetCapability",
    [FAKE_EFI_TPM_EVENT_LOG] = "GetEventLog",
    [FAKE_EFI_TPM_MEASURE] = "HashLogExtendEvent",
    [FAKE_EFI_TPM_COMMAND] = "SubmitCommand",
    [FAKE_EFI_FILE_WRITE] = "Write",
    [FAKE_EFI_FILE_FLUSH] = "Flush",
    [FAKE_EFI_FILE_DELETE] = "Delete",
};

static bool is_allowed(enum fake_efi_service service)
{
    const bool exits = service == FAKE_EFI_GET_MEMORY_MAP || service == FAKE_EFI_EXIT_BOOT_SERVICES;
    const bool runtime = service == FAKE_EFI_RESET_SYSTEM || service == FAKE_EFI_GET_VARIABLE;
    switch (fake_efi_state.phase) {
    case FAKE_EFI_PHASE_BOOT:
        return true;
    case FAKE_EFI_PHASE_EXIT_TRIED:
        return exits || runtime;
    case FAKE_EFI_PHASE_EXITED:
        return runtime;
    }
    return false;
}

EFI_STATUS fake_efi_enter(enum fake_efi_service service)
{
    const uint32_t call = ++fake_efi.calls[service];
    if (!is_allowed(service)) {
        fake_efi_violation("%s after ExitBootServices was called", service_names[service]);
    }
    fake_efi_state.map_is_fresh = false;
    for (uint32_t i = 0; i < FAKE_EFI_FAULTS_MAX; i++) {
        const struct fake_efi_fault *const fault = &fake_efi_state.script.faults[i];
        if (fault->at != 0 && fault->service == service && call >= fault->at &&
            call - fault->at < fault->times) {
            fake_efi.faults_fired++;
            return fault->status;
        }
    }
    return EFI_SUCCESS;
}

/* ---- tables -------------------------------------------------------------------------------------
 */

static void fix_checksum(uint8_t *bytes, size_t size_bytes, size_t at)
{
    uint8_t sum = 0;
    bytes[at] = 0;
    for (size_t i = 0; i < size_bytes; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    bytes[at] = (uint8_t)-sum;
}

/* An RSDT behind @p rsdp, with one entry: any table will do. */
static void make_rsdt(uint8_t *rsdp)
{
    static const uint32_t rsdt = RSDT_AT;
    static const uint32_t entry = XSDT_AT;
    static const uint32_t bytes = HEADER_BYTES + sizeof(entry);
    uint8_t *const table = physmap_ptr(phys_addr(RSDT_AT), bytes);
    memcpy(table, "RSDT", 4);
    memcpy(table + 4, &bytes, 4);
    memcpy(table + HEADER_BYTES, &entry, 4);
    fix_checksum(table, bytes, 9);
    memcpy(rsdp + 16, &rsdt, 4);
    fix_checksum(rsdp, 20, 8);
    fix_checksum(rsdp, RSDP_BYTES, 32);
}

/* RSDP (revision 2) -> XSDT without entries: ACPI 6.5, 5.2.5.3 and 5.2.8. */
EFI_CONFIGURATION_TABLE fake_efi_acpi(void)
{
    static const uint64_t xsdt = XSDT_AT;
    static const uint32_t rsdp_bytes = RSDP_BYTES;
    static const uint32_t header_bytes = HEADER_BYTES;
    uint8_t *const rsdp = physmap_ptr(phys_addr(FAKE_EFI_ACPI_START), RSDP_BYTES);
    uint8_t *const table = physmap_ptr(phys_addr(XSDT_AT), HEADER_BYTES);
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = 2;
    memcpy(rsdp + 20, &rsdp_bytes, 4);
    memcpy(rsdp + 24, &xsdt, 8);
    fix_checksum(rsdp, 20, 8);
    fix_checksum(rsdp, RSDP_BYTES, 32);
    memcpy(table, "XSDT", 4);
    memcpy(table + 4, &header_bytes, 4);
    table[8] = 1;
    fix_checksum(table, HEADER_BYTES, 9);
    if (fake_efi_state.script.bad_rsdp) {
        rsdp[9] ^= 1U;
    }
    if (fake_efi_state.script.bad_xsdt_address) {
        make_rsdt(rsdp);
        rsdp[31] ^= 1U;
    }
    return (EFI_CONFIGURATION_TABLE){ .VendorGuid = ACPI_20_TABLE_GUID,
                                      .VendorTable = (void *)FAKE_EFI_ACPI_START };
}

static void start_cpu(const struct fake_efi_script *script)
{
    fake_cpu_reset();
    fake_cpu.has_nx = !script->has_nx_cleared;
    fake_cpu.efer = script->has_nx_cleared ? 0x500 : 0xd00;
    fake_cpu.hypervisor = script->is_guest;
    fake_cpu.cr3 = script->cr3;
    fake_cpu.cpuid = script->cpuid;
    fake_cpu.cpuid_count = script->cpuid != NULL ? 2 : 0;
    fake_cpu.msrs = script->msr;
    fake_cpu.msr_count = script->msr != NULL ? 1 : 0;
    fake_cpu.has_long_mode = !script->no_long_mode;
    fake_cpu.cr4 |= script->la57 ? CR4_LA57 : 0;
    /* Without a port whose polls take time, reading the clock does. */
    fake_cpu.tsc_step = script->no_uart ? FAKE_EFI_TSC_HZ / 1000 : 0;
}

/* Ends the image wherever it is; the firmware then has what it returned. */
static EFI_STATUS EFIAPI exit_image(EFI_HANDLE image, EFI_STATUS status, UINTN data_bytes,
                                    CHAR16 *data)
{
    (void)data;
    if (image != fake_efi_image() || data_bytes != 0 || fake_efi.interrupts_off) {
        fake_efi_violation("Exit() of another image, with data, or with interrupts off");
    }
    fake_efi.exits_by_call++;
    if (fake_efi_state.script.exit_returns) {
        return EFI_INVALID_PARAMETER;
    }
    fake_efi.status = status;
    fake_efi_end_run(FAKE_EFI_RETURNED);
}

static void start_tables(const struct fake_efi_script *script)
{
    static CHAR16 vendor[] = L"Scripted";
    memset(&boot_services, 0, sizeof(boot_services));
    memset(&runtime_services, 0, sizeof(runtime_services));
    system_table = (EFI_SYSTEM_TABLE){ .Hdr = { .Revision = 0x20046 },
                                       .FirmwareVendor = script->no_vendor ? NULL : vendor,
                                       .FirmwareRevision = 7,
                                       .RuntimeServices = &runtime_services,
                                       .BootServices = &boot_services };
    boot_services.Exit = exit_image;
    fake_efi_memory_start(&boot_services);
    fake_efi_volume_start();
    fake_efi_devices_start(&system_table);
    fake_efi_tpm_start();
    if (!script->no_config_tables && script->ranges == NULL) {
        configuration = fake_efi_acpi();
        system_table.ConfigurationTable = &configuration;
        system_table.NumberOfTableEntries = 1;
    }
}

EFI_SYSTEM_TABLE *fake_efi_start(const struct fake_efi_script *script)
{
    memset(&fake_efi, 0, sizeof(fake_efi));
    fake_efi_state = (struct fake_efi_state){ .script = *script, .echo = echo };
    start_cpu(script);
    start_tables(script);
    return &system_table;
}

void fake_efi_finish(void)
{
    fake_efi_memory_finish();
    fake_efi_devices_finish();
}

/* ---- what the loader finds linked in ------------------------------------------------------------
 */

extern uint8_t kernel_blob_start[];

static void put(uint32_t at, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        kernel_blob_start[at + i] = (uint8_t)(value >> (8 * i));
    }
}

/* Two segments without relocations: text at 0x1000 (R X), data at 0x2000 (R W, with bss). */
void fake_efi_make_kernel(void)
{
    static const uint64_t segments[2][7] = {
        /* type and flags, offset, vaddr, paddr, file size, memory size, alignment */
        { 1 | UINT64_C(5) << 32, 0x1000, 0x0000, 0, 0x200, 0x200, 0x1000 },
        { 1 | UINT64_C(6) << 32, 0x2000, 0x1000, 0, 0x100, 0x2100, 0x1000 },
    };
    memset(kernel_blob_start, 0, KERNEL_BYTES);
    put(0, UINT64_C(0x010102464c457f), 8);
    put(16, 3 | 62 << 16, 4); /* ET_DYN, x86-64 */
    put(20, 1, 4);
    put(24, 0x100, 8); /* entry */
    put(32, 64, 8);
    put(52, 64 | 56 << 16, 4);
    put(56, 2, 2);
    for (uint32_t i = 0; i < 2; i++) {
        for (uint32_t j = 0; j < 7; j++) {
            put(64 + 56 * i + 8 * j, segments[i][j], 8);
        }
    }
}

void x86_cli(void)
{
    fake_efi.interrupts_off = true;
}

NORETURN void x86_hlt(void)
{
    fake_efi_end_run(FAKE_EFI_HALTED);
}

void x86_sti(void)
{
    fake_efi.interrupts_off = false;
}

static uint64_t sum_type(const struct bootinfo *info, uint32_t type)
{
    const struct multiboot2_mmap_entry *const entries = bootinfo_mmap(info);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < info->mmap.count; i++) {
        sum += entries[i].type == type ? entries[i].length : 0;
    }
    return sum;
}

NORETURN void handoff_enter(const struct handoff_parameters *parameters)
{
    const phys_addr_t block = phys_addr(parameters->bootinfo - PHYS_OFFSET);
    const struct bootinfo *const info = physmap_ptr(block, sizeof(*info));
    const char *why;
    fake_efi.bootinfo_is_good =
        bootinfo_check(physmap_ptr(block, info->total_size), info->total_size, &why) == K_OK;
    fake_efi.info = *info;
    if (fake_efi.bootinfo_is_good) {
        fake_efi.usable_bytes = sum_type(info, MMAP_AVAILABLE);
        fake_efi.bad_bytes = sum_type(info, MMAP_BAD_RAM);
        fake_efi.measured = measured_boot_check(info);
    }
    fake_efi_end_run(FAKE_EFI_ENTERED_KERNEL);
}

/* ---- run ----------------------------------------------------------------------------------------
 */

NORETURN void fake_efi_end_run(enum fake_efi_end end)
{
    fake_efi_finish();
    if (end == FAKE_EFI_RETURNED &&
        fake_efi.live_pages + fake_efi.live_pool + fake_efi.live_files > 0) {
        fake_efi_violation("back in the firmware with %u pages, %u pool blocks, %u files",
                           fake_efi.live_pages, fake_efi.live_pool, fake_efi.live_files);
    }
    if (fake_efi_state.script.ranges == NULL) {
        memcpy(fake_efi.black_box, physmap_ptr(phys_addr(FAKE_EFI_BLACK_BOX), BLACK_BOX_BYTES),
               BLACK_BOX_BYTES);
    }
    fake_efi.end = end;
    *shared_result = fake_efi;
    _exit(0);
}

NORETURN static void run_in_child(const struct fake_efi_script *script)
{
    (void)alarm(SECONDS_MAX);
    EFI_SYSTEM_TABLE *const system = fake_efi_start(script);
    fake_efi_make_kernel();
    fake_efi.status = efi_main(fake_efi_image(), system);
    fake_efi_end_run(FAKE_EFI_RETURNED);
}

void fake_efi_run(const struct fake_efi_script *script, struct fake_efi_result *result)
{
    shared_result = mmap(NULL, sizeof(*shared_result), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared_result == MAP_FAILED) {
        abort();
    }
    (void)fflush(NULL); /* else the child prints it again */
    const pid_t child = fork();
    if (child < 0) {
        abort();
    }
    if (child == 0) {
        run_in_child(script);
    }
    int status = 0;
    (void)waitpid(child, &status, 0); /* only that child; nothing else ends it */
    *result = *shared_result;         /* all zero, that is FAKE_EFI_CRASHED, where it crashed */
    (void)munmap(shared_result, sizeof(*shared_result));
}
