/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Measured boot (boot.h, docs/measured-boot.md): what the loader is going to use goes into the TPM
 * before it is used, through the firmware's TCG2 protocol; then the event log is found and the two
 * PCRs are read, for the kernel to compare. With boot services.
 *
 *   PCR 9   configuration file, kernel image    files, as GRUB has it
 *   PCR 12  the command line in force           as systemd's stub has it
 *
 * Failure plan: nothing here ends a boot. Each thing that goes wrong is one warning, and
 * bootinfo_tpm says what the kernel can still compare.
 */
#include <stdbool.h>

#include <arch/physmap.h>

#include "boot.h"
#include "command_line.h"
#include "efi_console.h"
#include "firmware_pins.h"
#include "lib/format.h"
#include "lib/string.h"
#include "tcg2.h"
#include "tcg_log.h"
#include "tpm_command.h"

/* Far above any log; what the bootinfo block can take without a doubt. */
#define EVENT_LOG_MAX_BYTES (UINT64_C(4) << 20)

/* One thing to measure. The event says what it is: "firstlight WHAT: NAME". */
struct measurement {
    uint32_t pcr;
    const char *what;
    const char *name;
    size_t name_length;
    const void *data;
    size_t data_bytes;
};

static void warn_status(const char *what, EFI_STATUS status)
{
    efi_console_print("warning: tpm: %s failed with status 0x%" FMTx64, what, (uint64_t)status);
}

/* ---- protocol -----------------------------------------------------------------------------------
 */

/* NULL where there is none, or none with a TPM behind it. */
static struct tcg2_protocol *find_tpm(struct boot *boot, struct tcg2_capability *capability)
{
    EFI_GUID guid = TCG2_PROTOCOL_GUID;
    void *interface = NULL;
    if (EFI_ERROR(boot->services->LocateProtocol(&guid, NULL, &interface)) || interface == NULL) {
        return NULL;
    }
    struct tcg2_protocol *const tpm = interface;
    *capability = (struct tcg2_capability){ .size_bytes = sizeof(*capability) };
    const EFI_STATUS status = tpm->get_capability(tpm, capability);
    if (EFI_ERROR(status)) {
        boot->info.tpm.state = BOOTINFO_TPM_FAILED;
        warn_status("GetCapability", status);
        return NULL;
    }
    return capability->tpm_present != 0 ? tpm : NULL;
}

/* ---- measuring ----------------------------------------------------------------------------------
 */

/* The event with its text and a NUL behind it, in pool memory. */
static struct tcg2_event_header *make_event(EFI_BOOT_SERVICES *services,
                                            const struct measurement *measurement)
{
    static const char text[] = "firstlight %s: %.*s";
    const int length = (int)measurement->name_length; /* below OPTIONS_MAX_BYTES */
    const size_t text_bytes =
        format_text(NULL, 0, text, measurement->what, length, measurement->name) + 1;
    const size_t event_bytes = sizeof(struct tcg2_event_header) + text_bytes;
    void *pool = NULL;
    if (EFI_ERROR(services->AllocatePool(EfiLoaderData, event_bytes, &pool)) || pool == NULL) {
        return NULL;
    }
    struct tcg2_event_header *const event = pool;
    *event = (struct tcg2_event_header){ .size_bytes = (uint32_t)event_bytes, /* a few KiB */
                                         .header_size_bytes = TCG2_EVENT_HEADER_BYTES,
                                         .header_version = TCG2_EVENT_HEADER_VERSION,
                                         .pcr = measurement->pcr,
                                         .type = TCG_EVENT_IPL };
    (void)format_text((char *)(event + 1), text_bytes, text, measurement->what, length,
                      measurement->name); /* measured above: fits */
    return event;
}

static void measure(struct boot *boot, struct tcg2_protocol *tpm,
                    const struct measurement *measurement)
{
    struct tcg2_event_header *const event = make_event(boot->services, measurement);
    EFI_STATUS status = EFI_OUT_OF_RESOURCES;
    if (event != NULL) {
        status = tpm->hash_log_extend_event(tpm, 0, (uintptr_t)measurement->data,
                                            measurement->data_bytes, event);
        (void)boot->services->FreePool(event); /* nothing to do where it fails */
    }
    if (status == EFI_VOLUME_FULL) { /* extended, but not in the log */
        boot->info.tpm.flags |= BOOTINFO_TPM_LOG_TRUNCATED;
    } else if (EFI_ERROR(status)) {
        boot->info.tpm.state = BOOTINFO_TPM_FAILED;
        efi_console_print("warning: tpm: measuring the %s failed with status 0x%" FMTx64,
                          measurement->what, (uint64_t)status);
    }
}

static void measure_files(struct boot *boot, struct tcg2_protocol *tpm)
{
    const struct efi_file *const file = &boot->options_file;
    if (file->size_bytes > 0) { /* an empty one says as much as none */
        const struct measurement configuration = {
            TPM_PCR_FILES, "configuration",  OPTIONS_FILE, sizeof(OPTIONS_FILE) - 1,
            file->bytes,   file->size_bytes,
        };
        measure(boot, tpm, &configuration);
    }
    struct command_line_word path = { .value = "embedded", .value_length = 8 };
    if (boot->kernel_file.bytes != NULL) {
        (void)command_line_find(boot->options.text, "kernel", &path); /* it was found before */
    }
    const struct measurement kernel = {
        TPM_PCR_FILES,     "kernel",           path.value,
        path.value_length, boot->kernel_bytes, boot->kernel_size_bytes,
    };
    measure(boot, tpm, &kernel);
}

/* With its NUL, so that an empty one is measured too. */
static void measure_command_line(struct boot *boot, struct tcg2_protocol *tpm)
{
    const struct options *const options = &boot->options;
    const struct measurement command_line = {
        TPM_PCR_COMMAND_LINE, "command line", options->text,
        options->length,      options->text,  options->length + 1,
    };
    measure(boot, tpm, &command_line);
}

/* ---- what the kernel compares -------------------------------------------------------------------
 */

static void read_pcrs(struct boot *boot, struct tcg2_protocol *tpm)
{
    uint8_t response[TPM_COMMAND_RESPONSE_BYTES] = { 0 };
    const EFI_STATUS submitted = tpm->submit_command(
        tpm, TPM_COMMAND_PCR_READ_BYTES, tpm_command_pcr_read, sizeof(response), response);
    if (EFI_ERROR(submitted)) {
        warn_status("reading PCR 9 and 12", submitted);
        return;
    }
    const enum kstatus status = tpm_command_take_pcrs(response, sizeof(response), &boot->info.tpm);
    if (status != K_OK) {
        efi_console_print("warning: tpm: PCR 9 and 12 cannot be read: %s",
                          status == K_ENOENT ? "the SHA-256 bank is off" : kstatus_name(status));
    }
}

/* The log begins at @p location, its last event at @p last; how long it is the log itself must
 * say, inside the memory that it lies in. */
static enum kstatus bound_log(struct boot *boot, uint64_t location, uint64_t last)
{
    struct efi_map_copy copy;
    enum kstatus status = efi_alloc_read_map(boot->services, &copy);
    if (status != K_OK) {
        return status;
    }
    const uint64_t limit =
        bits_min(firmware_pins_readable(&copy.map, location), EVENT_LOG_MAX_BYTES);
    efi_alloc_release_map(boot->services, &copy);
    if (limit == 0 || last < location) {
        return K_EFAULT;
    }
    size_t log_bytes = 0;
    status = tcg_log_measure(physmap_ptr(phys_addr(location), limit), limit, last - location,
                             &log_bytes);
    if (status == K_OK) {
        boot->event_log.firmware = phys_addr(location);
        boot->event_log.size_bytes = (uint32_t)log_bytes; /* <= EVENT_LOG_MAX_BYTES */
    }
    return status;
}

static void find_log(struct boot *boot, struct tcg2_protocol *tpm)
{
    EFI_PHYSICAL_ADDRESS location = 0;
    EFI_PHYSICAL_ADDRESS last = 0;
    BOOLEAN truncated = FALSE;
    const EFI_STATUS status =
        tpm->get_event_log(tpm, TCG2_EVENT_LOG_FORMAT_TCG_2, &location, &last, &truncated);
    if (EFI_ERROR(status)) {
        warn_status("GetEventLog", status);
        return;
    }
    boot->info.tpm.flags |= truncated ? BOOTINFO_TPM_LOG_TRUNCATED : 0;
    const enum kstatus bounded = bound_log(boot, location, last);
    if (bounded != K_OK) {
        efi_console_print("warning: tpm: the firmware's event log cannot be read: %s",
                          kstatus_name(bounded));
    }
}

/* ---- step ---------------------------------------------------------------------------------------
 */

static void measure_all(struct boot *boot, struct tcg2_protocol *tpm, uint32_t event_logs)
{
    struct bootinfo_tpm *const result = &boot->info.tpm;
    result->state = BOOTINFO_TPM_MEASURED;
    measure_files(boot, tpm);
    measure_command_line(boot, tpm);
    read_pcrs(boot, tpm);
    if ((event_logs & TCG2_EVENT_LOG_FORMAT_TCG_2) != 0) {
        find_log(boot, tpm);
    } else {
        efi_console_print("warning: tpm: the firmware keeps no crypto-agile event log");
    }
    if ((result->flags & BOOTINFO_TPM_LOG_TRUNCATED) != 0) {
        efi_console_print("warning: tpm: the firmware's event log is full: events are missing");
    }
    efi_console_print("tpm: %s, event log of %u bytes",
                      result->state == BOOTINFO_TPM_MEASURED
                          ? "kernel, configuration and command line measured"
                          : "not everything was measured",
                      boot->event_log.size_bytes);
}

enum kstatus boot_measure(struct boot *boot)
{
    struct tcg2_capability capability;
    struct tcg2_protocol *const tpm = find_tpm(boot, &capability);
    if (tpm != NULL) {
        measure_all(boot, tpm, capability.event_logs);
    } else if (boot->info.tpm.state == BOOTINFO_TPM_ABSENT) {
        efi_console_print("tpm: none, nothing is measured");
    }
    efi_file_release(boot->services, &boot->options_file);
    return K_OK;
}
