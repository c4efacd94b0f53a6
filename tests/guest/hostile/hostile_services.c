/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The boot services that the image under test gets (all but GetMemoryMap, hostile_map.c), and the
 * watch over calls that UEFI forbids:
 *
 *     GetMemoryMap(buffer of the exit) ... ExitBootServices     nothing in between
 *     ExitBootServices failed (UEFI 2.10, 7.4.6)                only these two
 *     ExitBootServices succeeded                                nothing
 *
 * A service that is not wrapped leads to the real one until the first ExitBootServices and to
 * stray_call() from then on.
 */

#include <arch/cpu.h>

#include "hostile.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "msr.h"

#define CR4_DE         BIT(3)
#define CR4_MCE        BIT(6)
#define CR4_PGE        BIT(7)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_FSGSBASE   BIT(16)
#define CR4_PCIDE      BIT(17)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)
#define CR4_PKE        BIT(22)

static struct {
    uint64_t page_calls; /* AllocatePages */
    uint64_t pool_calls; /* AllocatePool */
    SIMPLE_TEXT_OUTPUT_INTERFACE *real_console;
    SIMPLE_TEXT_OUTPUT_INTERFACE console; /* a copy that leads here */
} state;

/* Says so where the image must not call @p name now. */
static void note_call(const char *name)
{
    if (hostile.phase == HOSTILE_EXITED) {
        hostile_say("called after exit: ", name);
    } else if (hostile.phase == HOSTILE_EXIT_TRIED) {
        hostile_say("called after a failed exit: ", name);
    }
    hostile.map_is_fresh = false;
}

static EFI_STATUS EFIAPI stray_call(void)
{
    note_call("a service");
    return EFI_UNSUPPORTED;
}

/* ---- memory -------------------------------------------------------------------------------------
 */

static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE type, EFI_MEMORY_TYPE memory_type,
                                        UINTN pages, EFI_PHYSICAL_ADDRESS *memory)
{
    note_call("AllocatePages");
    const uint64_t call = ++state.page_calls;
    const uint64_t from = hostile_value(HOSTILE_FAIL_PAGES);
    if ((from != 0 && call >= from) || call == hostile_value(HOSTILE_FAIL_ONE)) {
        return EFI_OUT_OF_RESOURCES;
    }
    return hostile.real->AllocatePages(type, memory_type, pages, memory);
}

static EFI_STATUS EFIAPI free_pages(EFI_PHYSICAL_ADDRESS memory, UINTN pages)
{
    note_call("FreePages");
    return hostile.real->FreePages(memory, pages);
}

static EFI_STATUS EFIAPI allocate_pool(EFI_MEMORY_TYPE type, UINTN size_bytes, void **buffer)
{
    note_call("AllocatePool");
    const uint64_t from = hostile_value(HOSTILE_FAIL_POOL);
    state.pool_calls++;
    if (from != 0 && state.pool_calls >= from) {
        return EFI_OUT_OF_RESOURCES;
    }
    return hostile.real->AllocatePool(type, size_bytes, buffer);
}

static EFI_STATUS EFIAPI free_pool(void *buffer)
{
    note_call("FreePool");
    return hostile.real->FreePool(buffer);
}

/* ---- exit ---------------------------------------------------------------------------------------
 */

static uint64_t cr4_bits_of_cpu(void)
{
    const struct x86_cpuid_registers basic = x86_cpuid(1, 0);
    const struct x86_cpuid_registers more = x86_cpuid(7, 0);
    return ((basic.edx & BIT(13)) != 0 ? CR4_PGE : 0) |
           ((basic.ecx & BIT(17)) != 0 ? CR4_PCIDE : 0) |
           ((basic.ecx & BIT(26)) != 0 ? CR4_OSXSAVE : 0) |
           ((more.ebx & BIT(0)) != 0 ? CR4_FSGSBASE : 0) |
           ((more.ebx & BIT(7)) != 0 ? CR4_SMEP : 0) | ((more.ebx & BIT(20)) != 0 ? CR4_SMAP : 0) |
           ((more.ecx & BIT(2)) != 0 ? CR4_UMIP : 0) | ((more.ecx & BIT(3)) != 0 ? CR4_PKE : 0);
}

/* Not before: the firmware's own code, and its tables where they use NX, need what goes away. */
static void change_cpu(void)
{
    if (hostile_value(HOSTILE_NO_NXE) != 0) {
        x86_wrmsr(X86_MSR_EFER, x86_rdmsr(X86_MSR_EFER) & ~X86_EFER_NXE);
    }
    if (hostile_value(HOSTILE_CR4_MIN) != 0) {
        x86_write_cr4(x86_read_cr4() & ~(CR4_DE | CR4_MCE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT));
    }
    if (hostile_value(HOSTILE_CR4_MAX) != 0) {
        x86_write_cr4(x86_read_cr4() | cr4_bits_of_cpu());
    }
}

/* From the first exit on, whatever is not one of ours is an error. */
static void close_services(void)
{
    const EFI_BOOT_SERVICES *const real = hostile.real;
    uint8_t *const ours = (uint8_t *)hostile.services;

    for (size_t at = sizeof(EFI_TABLE_HEADER); at < sizeof(*real); at += sizeof(void *)) {
        if (memcmp(ours + at, (const uint8_t *)real + at, sizeof(void *)) == 0) {
            EFI_STATUS(EFIAPI *const stray)(void) = stray_call;
            memcpy(ours + at, &stray, sizeof(stray));
        }
    }
}

static EFI_STATUS EFIAPI exit_boot_services(EFI_HANDLE image, UINTN map_key)
{
    if (hostile.phase == HOSTILE_EXITED) {
        hostile_say("called after exit: ", "ExitBootServices");
        return EFI_UNSUPPORTED;
    }
    close_services();
    UINTN real_key;
    const bool key_is_good = hostile_map_real_key(map_key, &real_key);
    if (!key_is_good) {
        hostile_say("called with a key that is not that of the last map: ", "ExitBootServices");
    }
    hostile.phase = HOSTILE_EXIT_TRIED;
    hostile.exits++;
    hostile.map_is_fresh = false;
    if (hostile_value(HOSTILE_EXIT_ERROR) != 0) {
        return EFI_DEVICE_ERROR;
    }
    if (!key_is_good || hostile.exits <= hostile_value(HOSTILE_REFUSE)) {
        return EFI_INVALID_PARAMETER;
    }
    const EFI_STATUS status = hostile.real->ExitBootServices(image, real_key);
    if (!EFI_ERROR(status)) {
        hostile.phase = HOSTILE_EXITED;
        change_cpu();
    }
    return status;
}

/* ---- protocols ----------------------------------------------------------------------------------
 */

static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE handle, EFI_GUID *guid, void **interface)
{
    note_call("HandleProtocol");
    if (hostile_screen_answers(guid)) {
        return hostile_screen_open(EFI_UNSUPPORTED, interface);
    }
    return hostile.real->HandleProtocol(handle, guid, interface);
}

static EFI_STATUS EFIAPI locate_protocol(EFI_GUID *guid, void *registration, void **interface)
{
    note_call("LocateProtocol");
    if (hostile_screen_answers(guid)) {
        return hostile_screen_open(EFI_NOT_FOUND, interface);
    }
    const EFI_STATUS status = hostile.real->LocateProtocol(guid, registration, interface);
    if (!EFI_ERROR(status)) {
        *interface = hostile_tpm_wrap(guid, *interface);
    }
    return status;
}

/* ---- the rest -----------------------------------------------------------------------------------
 */

static EFI_STATUS EFIAPI stall(UINTN microseconds)
{
    note_call("Stall");
    if (hostile_value(HOSTILE_STALL_ERROR) != 0) {
        return EFI_DEVICE_ERROR;
    }
    return hostile.real->Stall(hostile_value(HOSTILE_STALL_TENTH) != 0 ? microseconds / 10
                                                                       : microseconds);
}

static EFI_STATUS EFIAPI set_watchdog_timer(UINTN timeout_seconds, UINT64 code, UINTN data_bytes,
                                            CHAR16 *data)
{
    note_call("SetWatchdogTimer");
    if (hostile_value(HOSTILE_WATCHDOG) != 0) {
        return EFI_DEVICE_ERROR;
    }
    return hostile.real->SetWatchdogTimer(timeout_seconds, code, data_bytes, data);
}

static EFI_STATUS EFIAPI output_string(SIMPLE_TEXT_OUTPUT_INTERFACE *self, CHAR16 *text)
{
    (void)self; /* the copy; the real one takes its own */
    note_call("OutputString");
    if (hostile_value(HOSTILE_CONOUT_ERROR) != 0) {
        return EFI_DEVICE_ERROR;
    }
    return state.real_console->OutputString(state.real_console, text);
}

/* ---- tables -------------------------------------------------------------------------------------
 */

static void wrap_services(EFI_BOOT_SERVICES *services)
{
    services->AllocatePages = allocate_pages;
    services->FreePages = free_pages;
    services->AllocatePool = allocate_pool;
    services->FreePool = free_pool;
    services->GetMemoryMap = hostile_get_memory_map;
    services->ExitBootServices = exit_boot_services;
    services->HandleProtocol = handle_protocol;
    services->LocateProtocol = locate_protocol;
    services->Stall = stall;
    services->SetWatchdogTimer = set_watchdog_timer;
}

static void wrap_console(EFI_SYSTEM_TABLE *system)
{
    if (hostile_value(HOSTILE_NO_CONIN) != 0) {
        system->ConIn = NULL;
        system->ConsoleInHandle = NULL;
    }
    if (hostile_value(HOSTILE_NO_CONOUT) != 0 || system->ConOut == NULL) {
        system->ConOut = NULL;
        system->StdErr = NULL;
        system->ConsoleOutHandle = NULL;
        return;
    }
    state.real_console = system->ConOut;
    state.console = *system->ConOut;
    state.console.OutputString = output_string;
    system->ConOut = &state.console;
}

/* A copy of @p size_bytes at @p table in memory that survives the exit. */
static void *copy_table(const void *table, UINTN size_bytes)
{
    void *copy = NULL;
    if (EFI_ERROR(hostile.real->AllocatePool(EfiRuntimeServicesData, size_bytes, &copy))) {
        return NULL;
    }
    memcpy(copy, table, size_bytes);
    return copy;
}

static void sign(EFI_TABLE_HEADER *header)
{
    UINT32 crc = 0;
    header->CRC32 = 0;
    if (!EFI_ERROR(hostile.real->CalculateCrc32(header, header->HeaderSize, &crc))) {
        header->CRC32 = crc;
    }
}

enum kstatus hostile_services_install(void)
{
    const EFI_SYSTEM_TABLE *const real = hostile.real_system;
    hostile.system = copy_table(real, bits_max(real->Hdr.HeaderSize, sizeof(*real)));
    hostile.services =
        copy_table(hostile.real, bits_max(hostile.real->Hdr.HeaderSize, sizeof(*hostile.real)));
    hostile.runtime = copy_table(real->RuntimeServices, real->RuntimeServices->Hdr.HeaderSize);
    if (hostile.system == NULL || hostile.services == NULL || hostile.runtime == NULL) {
        return K_ENOMEM;
    }
    hostile.system->BootServices = hostile.services;
    hostile.system->RuntimeServices = hostile.runtime;
    hostile_variables_wrap(hostile.runtime);
    wrap_services(hostile.services);
    wrap_console(hostile.system);
    if (hostile_value(HOSTILE_NO_TABLES) != 0) {
        hostile.system->ConfigurationTable = NULL;
        hostile.system->NumberOfTableEntries = 0;
        hostile.system->FirmwareVendor = NULL;
    }
    sign(&hostile.services->Hdr);
    sign(&hostile.runtime->Hdr);
    sign(&hostile.system->Hdr);
    return K_OK;
}
