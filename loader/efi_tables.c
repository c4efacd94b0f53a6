/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See efi_tables.h. Stateless. gnu-efi's headers lack some GUIDs and one protocol, which stand
 * here.
 */
#include "efi_tables.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/string.h"

/* UEFI 2.10, 23.4 "EFI System Resource Table". */
#define ESRT_GUID                                          \
    {                                                      \
        0xb122a263, 0x3661, 0x4f68,                        \
        {                                                  \
            0x99, 0x29, 0x78, 0xf8, 0xb0, 0xd6, 0x21, 0x80 \
        }                                                  \
    }
/* UEFI 2.10, 4.6.4 "EFI_MEMORY_ATTRIBUTES_TABLE". */
#define MEMORY_ATTRIBUTES_TABLE_GUID                       \
    {                                                      \
        0xdcfa911d, 0x26eb, 0x469f,                        \
        {                                                  \
            0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20 \
        }                                                  \
    }
/* TCG EFI Protocol Specification, family 2.0, "EFI_TCG2_FINAL_EVENTS_TABLE". */
#define FINAL_EVENTS_TABLE_GUID                            \
    {                                                      \
        0x1e2ed096, 0x30e2, 0x4254,                        \
        {                                                  \
            0xbd, 0x89, 0x86, 0x3b, 0xbe, 0xf8, 0x23, 0x25 \
        }                                                  \
    }
/* UEFI 2.10, 37.1 "EFI_MEMORY_ATTRIBUTE_PROTOCOL". */
#define MEMORY_ATTRIBUTE_GUID                              \
    {                                                      \
        0xf4560cf6, 0x40ec, 0x4b4a,                        \
        {                                                  \
            0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1, 0x89 \
        }                                                  \
    }
/* TCG EFI Protocol Specification, family 2.0, "EFI_TCG2_PROTOCOL". */
#define TCG2_GUID                                          \
    {                                                      \
        0x607f766c, 0x7455, 0x42be,                        \
        {                                                  \
            0x93, 0x0b, 0xe4, 0xd7, 0x6d, 0xb2, 0x72, 0x0f \
        }                                                  \
    }
#define ATTRIBUTE_NO_EXECUTE UINT64_C(0x4000)

struct memory_attribute_protocol;
typedef EFI_STATUS(EFIAPI *memory_attribute_change_t)(struct memory_attribute_protocol *self,
                                                      EFI_PHYSICAL_ADDRESS base, UINT64 size_bytes,
                                                      UINT64 attributes);
struct memory_attribute_protocol {
    void *get;
    memory_attribute_change_t set;
    memory_attribute_change_t clear;
};

/* One byte of a global variable, 0 where it does not exist. */
static uint8_t read_flag(const EFI_SYSTEM_TABLE *system, CHAR16 *name)
{
    EFI_GUID guid = EFI_GLOBAL_VARIABLE;
    UINT8 value = 0;
    UINTN size_bytes = sizeof(value);
    const EFI_STATUS status =
        system->RuntimeServices->GetVariable(name, &guid, NULL, &size_bytes, &value);
    return EFI_ERROR(status) || size_bytes != sizeof(value) ? 0 : value;
}

/* Secure Boot holds where it is on and not in set-up mode (UEFI 2.10, 3.3). */
static bool secure_boot_is_on(const EFI_SYSTEM_TABLE *system)
{
    static CHAR16 secure_boot[] = L"SecureBoot";
    static CHAR16 setup_mode[] = L"SetupMode";
    return read_flag(system, secure_boot) == 1 && read_flag(system, setup_mode) == 0;
}

static void copy_vendor(const CHAR16 *vendor, uint8_t *to)
{
    size_t length = 0;
    while (vendor != NULL && vendor[length] != 0 && length < BOOTINFO_VENDOR_BYTES - 1) {
        const CHAR16 c = vendor[length];
        to[length++] = c >= ' ' && c <= '~' ? (uint8_t)c : (uint8_t)'?';
    }
    to[length] = 0;
}

void efi_tables_describe_firmware(const EFI_SYSTEM_TABLE *system, struct bootinfo *info)
{
    copy_vendor(system->FirmwareVendor, info->firmware_vendor);
    info->firmware_revision = system->FirmwareRevision;
    info->efi_revision = system->Hdr.Revision;
    info->efi_system_table = (uintptr_t)system;
    info->flags |= secure_boot_is_on(system) ? BOOTINFO_FLAG_SECURE_BOOT : 0;
}

static uint64_t find_table(const EFI_SYSTEM_TABLE *system, const EFI_GUID *guid)
{
    if (system->ConfigurationTable == NULL) {
        return 0;
    }
    for (UINTN i = 0; i < system->NumberOfTableEntries; i++) {
        const EFI_CONFIGURATION_TABLE *const table = &system->ConfigurationTable[i];
        if (memcmp(&table->VendorGuid, guid, sizeof(*guid)) == 0) {
            return (uintptr_t)table->VendorTable;
        }
    }
    return 0;
}

enum kstatus efi_tables_find(const EFI_SYSTEM_TABLE *system, struct bootinfo *info)
{
    static const EFI_GUID acpi2 = ACPI_20_TABLE_GUID;
    static const EFI_GUID acpi1 = ACPI_TABLE_GUID;
    static const EFI_GUID smbios2 = SMBIOS_TABLE_GUID;
    static const EFI_GUID smbios3 = SMBIOS3_TABLE_GUID;
    info->smbios = find_table(system, &smbios2);
    info->smbios3 = find_table(system, &smbios3);

    const uint64_t new_rsdp = find_table(system, &acpi2);
    const uint64_t rsdp = new_rsdp != 0 ? new_rsdp : find_table(system, &acpi1);
    return rsdp != 0 ? firmware_tables_copy_rsdp(rsdp, info) : K_OK;
}

void efi_tables_find_more(const EFI_SYSTEM_TABLE *system, struct firmware_tables *tables)
{
    static const EFI_GUID esrt = ESRT_GUID;
    static const EFI_GUID memory_attributes = MEMORY_ATTRIBUTES_TABLE_GUID;
    static const EFI_GUID final_events = FINAL_EVENTS_TABLE_GUID;
    tables->esrt = find_table(system, &esrt);
    tables->memory_attributes = find_table(system, &memory_attributes);
    tables->tpm_final_events = find_table(system, &final_events);
}

bool efi_tables_has_tpm(EFI_BOOT_SERVICES *services)
{
    EFI_GUID guid = TCG2_GUID;
    void *interface = NULL;
    return !EFI_ERROR(services->LocateProtocol(&guid, NULL, &interface)) && interface != NULL;
}

EFI_LOADED_IMAGE_PROTOCOL *efi_tables_loaded_image(EFI_BOOT_SERVICES *services, EFI_HANDLE image)
{
    EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    void *interface = NULL;
    return EFI_ERROR(services->HandleProtocol(image, &guid, &interface)) ? NULL : interface;
}

void efi_tables_make_executable(EFI_BOOT_SERVICES *services, phys_addr_t page)
{
    EFI_GUID guid = MEMORY_ATTRIBUTE_GUID;
    void *interface = NULL;
    if (EFI_ERROR(services->LocateProtocol(&guid, NULL, &interface)) || interface == NULL) {
        return;
    }
    struct memory_attribute_protocol *const protocol = interface;
    /* A refusal changes nothing: EfiLoaderCode is executable on firmware without this protocol,
     * and what happens where it is not is a fault at the jump, as without the call. */
    (void)protocol->clear(protocol, page.value, PAGE_SIZE, ATTRIBUTE_NO_EXECUTE);
}
