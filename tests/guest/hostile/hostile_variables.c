/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Variables of firmware that keeps none: a store that is full, really, or one that is write-
 * protected; and one that says that Secure Boot is on. Boot services needed for filling alone.
 */
#include "hostile.h"
#include "lib/string.h"

#define FIRST_BYTES 4096U
#define NUMBER_AT   4U

static const EFI_GUID vendor = {
    0x2d7c0f36, 0x91be, 0x47a4, { 0xb2, 0x6d, 0x15, 0x4c, 0x83, 0x5e, 0x0a, 0x77 }
};

static EFI_RUNTIME_SERVICES *real(void)
{
    return hostile.real_system->RuntimeServices;
}

void hostile_variables_fill(void)
{
    static CHAR16 name[] = L"Fill000";
    static uint8_t junk[FIRST_BYTES];
    EFI_GUID guid = vendor;
    unsigned count = 0;
    for (UINTN size_bytes = FIRST_BYTES; size_bytes > 0;) {
        name[NUMBER_AT] = (CHAR16)(L'0' + count / 100 % 10);
        name[NUMBER_AT + 1] = (CHAR16)(L'0' + count / 10 % 10);
        name[NUMBER_AT + 2] = (CHAR16)(L'0' + count % 10);
        if (EFI_ERROR(real()->SetVariable(
                name, &guid, EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS,
                size_bytes, junk))) {
            size_bytes /= 4;
        } else {
            count++;
        }
    }
    hostile_say("filled the store of variables", "");
}

static bool name_is(const CHAR16 *name, const char *wanted)
{
    while (*wanted != '\0' && *name == (CHAR16)(uint8_t)*wanted) {
        name++;
        wanted++;
    }
    return *name == 0 && *wanted == '\0';
}

/* Runtime services stay callable after the exit; nothing is watched here. */
static EFI_STATUS EFIAPI get_variable(CHAR16 *name, EFI_GUID *guid, UINT32 *attributes,
                                      UINTN *size_bytes, void *data)
{
    const bool is_ours = name_is(name, "SecureBoot") || name_is(name, "SetupMode");
    if (hostile_value(HOSTILE_SECURE_BOOT) == 0 || !is_ours || *size_bytes < 1) {
        return real()->GetVariable(name, guid, attributes, size_bytes, data);
    }
    *size_bytes = 1;
    *(uint8_t *)data = name_is(name, "SecureBoot") ? 1 : 0;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI set_variable(CHAR16 *name, EFI_GUID *guid, UINT32 attributes,
                                      UINTN size_bytes, void *data)
{
    if (hostile_value(HOSTILE_PROTECT_VARIABLES) != 0) {
        return EFI_WRITE_PROTECTED;
    }
    return real()->SetVariable(name, guid, attributes, size_bytes, data);
}

void hostile_variables_wrap(EFI_RUNTIME_SERVICES *services)
{
    services->GetVariable = get_variable;
    services->SetVariable = set_variable;
}
