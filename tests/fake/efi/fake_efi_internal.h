/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Between the files of the scripted firmware: fake_efi.c (tables, phase, run), fake_efi_memory.c
 * (pages, pool, map, exit), fake_efi_volume.c (files), fake_efi_devices.c (consoles, COM1,
 * handles), fake_efi_screen.c (pixels), fake_efi_outputs.c (further graphics outputs),
 * fake_efi_tpm.c (TCG2).
 */
#ifndef FAKE_EFI_INTERNAL_H
#define FAKE_EFI_INTERNAL_H

#include "lib/compiler.h"
#include "tests/fake/efi/fake_efi.h"

enum fake_efi_phase {
    FAKE_EFI_PHASE_BOOT,
    FAKE_EFI_PHASE_EXIT_TRIED,
    FAKE_EFI_PHASE_EXITED,
};

struct fake_efi_state {
    struct fake_efi_script script;
    enum fake_efi_phase phase;
    bool map_is_fresh; /* no service was called since GetMemoryMap gave its key */
    bool echo;
};

extern struct fake_efi_state fake_efi_state;

/** Notes a breach of the specification; the first one's text is kept. */
void fake_efi_violation(const char *format, ...) PRINTF_LIKE(1, 2);

/** Every service calls this first: counts, watches the phase. @return EFI_SUCCESS to go on, else
 *  the status that the script has for this call */
EFI_STATUS fake_efi_enter(enum fake_efi_service service);

/** Ends the child process of fake_efi_run(). */
NORETURN void fake_efi_end_run(enum fake_efi_end end);

void fake_efi_memory_start(EFI_BOOT_SERVICES *services);
void fake_efi_memory_finish(void);
void fake_efi_volume_start(void);
void fake_efi_devices_start(EFI_SYSTEM_TABLE *system);
void fake_efi_devices_finish(void);

/** Gives the screen its pixels, of a colour that nobody draws with, and the CPU the firmware's page
 *  tables: everything below 512 GiB, but for an unmapped screen. */
void fake_efi_screen_start(enum fake_efi_screen screen);
/** Reads the screen into fake_efi. */
void fake_efi_screen_finish(void);

/** Makes the graphics outputs besides the console's. */
void fake_efi_outputs_start(EFI_BOOT_SERVICES *services);
/** @return whether @p handle is one of them and has the protocol; then it is in @p interface */
bool fake_efi_outputs_protocol(EFI_HANDLE handle, const EFI_GUID *guid, void **interface);
/** The handles of all graphics outputs in pool memory. @param console  the first one, or NULL */
EFI_STATUS fake_efi_outputs_list(EFI_HANDLE console, UINTN *count, EFI_HANDLE **handles);

/** The file system protocol of the volume. */
void *fake_efi_volume_interface(void);

/** Puts the firmware's own events into the TPM's log. */
void fake_efi_tpm_start(void);
/** EFI_TCG2_PROTOCOL. */
void *fake_efi_tpm_interface(void);

/** Puts the ACPI tables into the fake RAM. @return their entry for the configuration table */
EFI_CONFIGURATION_TABLE fake_efi_acpi(void);

/** Writes a small kernel image to where loader/kernel_blob.S would have one. */
void fake_efi_make_kernel(void);

#define FAKE_EFI_SCREEN_BASE   UINT64_C(0x80000000)
#define FAKE_EFI_SCREEN_WIDTH  1024U
#define FAKE_EFI_SCREEN_HEIGHT 768U
#define FAKE_EFI_SCREEN_BYTES  (UINT64_C(4) * FAKE_EFI_SCREEN_WIDTH * FAKE_EFI_SCREEN_HEIGHT)

/* The firmware's page tables: two of them. */
#define FAKE_EFI_TABLES UINT64_C(0x90000000)

#define FAKE_EFI_TSC_HZ     UINT64_C(1000000000)
#define FAKE_EFI_ACPI_START UINT64_C(0xe180000)

#endif
