/* SPDX-License-Identifier: GPL-2.0-only
 *
 * TCG2 of the scripted firmware (fake_efi_internal.h): two PCRs of a SHA-256 bank and a
 * crypto-agile log in the fake RAM, which agree unless the script says otherwise.
 */
#include <string.h>

#include <arch/physmap.h>

#include "lib/format.h"
#include "mm/addr.h"
#include "tcg2.h"
#include "tcg_log.h"
#include "tests/fake/efi/fake_efi_internal.h"
#include "tpm_command.h"

#define LOG_AT          UINT64_C(0x910000) /* memory of boot services */
#define LOG_BYTES       UINT64_C(0x8000)
#define MMIO_AT         UINT64_C(0xffc00000)
#define RESPONSE_BYTES  96U
#define SUCCESS_BYTES   10U
#define EV_SEPARATOR    4U
#define PCR_READ_FAILED 0x101U

static struct {
    struct tcg2_protocol interface;
    uint8_t *log;
    uint64_t used_bytes;
    uint64_t last_event; /* offset */
    bool is_full;
    uint8_t files[SHA256_BYTES];
    uint8_t command_line[SHA256_BYTES];
} tpm;

static void put(uint64_t value, unsigned size_bytes)
{
    for (unsigned i = 0; i < size_bytes; i++) {
        tpm.log[tpm.used_bytes++] = (uint8_t)(value >> (8 * i));
    }
}

static void put_bytes(const void *bytes, size_t size_bytes)
{
    memcpy(tpm.log + tpm.used_bytes, bytes, size_bytes);
    tpm.used_bytes += size_bytes;
}

/* Spec ID event: SHA-256 and SHA-1. */
static void start_log(void)
{
    static const uint8_t zero[20] = { 0 };
    put(0, 4);
    put(TCG_EVENT_NO_ACTION, 4);
    put_bytes(zero, sizeof(zero));
    put(37, 4);
    put_bytes("Spec ID Event03", 16);
    put(0, 4);
    put(0x02000200, 4);
    put(2, 4);
    put(4 | 20 << 16, 4);
    put(TCG_ALG_SHA256 | SHA256_BYTES << 16, 4);
    put(0, 1);
}

static void log_event(uint32_t pcr, uint32_t type, const uint8_t *digest, const void *data,
                      uint32_t data_bytes)
{
    static const uint8_t sha1[20] = { 1 };
    tpm.last_event = tpm.used_bytes;
    put(pcr, 4);
    put(type, 4);
    put(2, 4);
    put(4, 2);
    put_bytes(sha1, sizeof(sha1));
    put(TCG_ALG_SHA256, 2);
    put_bytes(digest, SHA256_BYTES);
    put(data_bytes, 4);
    put_bytes(data, data_bytes);
}

/* ---- services -----------------------------------------------------------------------------------
 */

static void watch(const struct tcg2_protocol *self)
{
    if (self != &tpm.interface || fake_efi_state.phase != FAKE_EFI_PHASE_BOOT) {
        fake_efi_violation("TCG2 called in vain");
    }
}

static EFI_STATUS EFIAPI get_capability(struct tcg2_protocol *self,
                                        struct tcg2_capability *capability)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_TPM_CAPABILITY);
    watch(self);
    if (EFI_ERROR(fault)) {
        return fault;
    }
    if (capability->size_bytes != sizeof(*capability)) {
        fake_efi_violation("GetCapability with a size of %u", capability->size_bytes);
    }
    const enum fake_efi_tpm kind = fake_efi_state.script.tpm;
    capability->tpm_present = kind != FAKE_EFI_TPM_NOT_PRESENT;
    capability->event_logs = kind == FAKE_EFI_TPM_LOG_1_2 ? 1 : 3;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_event_log(struct tcg2_protocol *self, UINT32 format,
                                       EFI_PHYSICAL_ADDRESS *location,
                                       EFI_PHYSICAL_ADDRESS *last_entry, BOOLEAN *truncated)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_TPM_EVENT_LOG);
    const enum fake_efi_tpm kind = fake_efi_state.script.tpm;
    watch(self);
    if (EFI_ERROR(fault) || format != TCG2_EVENT_LOG_FORMAT_TCG_2) {
        return EFI_ERROR(fault) ? fault : EFI_INVALID_PARAMETER;
    }
    *location = kind == FAKE_EFI_TPM_LOG_NOWHERE ? MMIO_AT : LOG_AT;
    *last_entry = *location + tpm.last_event + (kind == FAKE_EFI_TPM_LOG_ASTRAY ? 1 : 0);
    if (kind == FAKE_EFI_TPM_LOG_BACKWARDS) {
        *last_entry = LOG_AT - 1;
    }
    if (kind == FAKE_EFI_TPM_LOG_OVERLONG) { /* the size of the last event's data */
        memset(tpm.log + tpm.last_event + 12 + 22 + 34, 0xff, 4);
    }
    *truncated = kind == FAKE_EFI_TPM_LOG_CUT;
    return EFI_SUCCESS;
}

static void note_event(const struct tcg2_event_header *event, const char *text, uint32_t text_bytes)
{
    const size_t used = strlen(fake_efi.tpm_text);
    if (event->size_bytes != sizeof(*event) + text_bytes ||
        event->header_size_bytes != TCG2_EVENT_HEADER_BYTES ||
        event->header_version != TCG2_EVENT_HEADER_VERSION || text[text_bytes - 1] != '\0' ||
        strlen(text) + 1 != text_bytes) {
        fake_efi_violation("HashLogExtendEvent with a bad event");
    }
    (void)format_text(fake_efi.tpm_text + used, sizeof(fake_efi.tpm_text) - used, "%u %s\n",
                      event->pcr, text);
    fake_efi.tpm_events++;
}

static EFI_STATUS EFIAPI hash_log_extend_event(struct tcg2_protocol *self, UINT64 flags,
                                               EFI_PHYSICAL_ADDRESS data, UINT64 data_bytes,
                                               const struct tcg2_event_header *event)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_TPM_MEASURE);
    watch(self);
    if (EFI_ERROR(fault) || flags != 0 || data_bytes == 0) {
        return EFI_ERROR(fault) ? fault : EFI_INVALID_PARAMETER;
    }
    const char *const text = (const char *)(event + 1);
    const uint32_t text_bytes = event->size_bytes - (uint32_t)sizeof(*event);
    struct sha256 sha;
    uint8_t digest[SHA256_BYTES];
    sha256_init(&sha);
    sha256_update(&sha, (const void *)(uintptr_t)data, data_bytes);
    sha256_finish(&sha, digest);
    note_event(event, text, text_bytes);
    tcg_log_extend(event->pcr == TPM_PCR_FILES ? tpm.files : tpm.command_line, digest);
    if (fake_efi_state.script.tpm == FAKE_EFI_TPM_LOG_FULL) {
        return EFI_VOLUME_FULL;
    }
    digest[0] ^= fake_efi_state.script.tpm == FAKE_EFI_TPM_LOG_WRONG ? 1 : 0;
    log_event(event->pcr, event->type, digest, text, text_bytes);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI submit_command(struct tcg2_protocol *self, UINT32 command_bytes,
                                        const uint8_t *command, UINT32 response_bytes,
                                        uint8_t *response)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_TPM_COMMAND);
    const enum fake_efi_tpm kind = fake_efi_state.script.tpm;
    watch(self);
    if (EFI_ERROR(fault) || kind == FAKE_EFI_TPM_SILENT) {
        return fault;
    }
    if (command_bytes != TPM_COMMAND_PCR_READ_BYTES || response_bytes < RESPONSE_BYTES) {
        return EFI_INVALID_PARAMETER;
    }
    const bool refuses = kind == FAKE_EFI_TPM_REFUSES;
    response[5] = refuses ? SUCCESS_BYTES : RESPONSE_BYTES;
    response[8] = refuses ? PCR_READ_FAILED >> 8 : 0;
    response[9] = refuses ? PCR_READ_FAILED & 0xffU : 0;
    memcpy(response + 14, command + 10, 10);
    response[22] = kind == FAKE_EFI_TPM_SHA1_ONLY ? 0 : response[22];
    response[27] = 2;
    response[29] = SHA256_BYTES;
    memcpy(response + 30, tpm.files, SHA256_BYTES);
    response[63] = SHA256_BYTES;
    memcpy(response + 64, tpm.command_line, SHA256_BYTES);
    return EFI_SUCCESS;
}

/* ---- set-up -------------------------------------------------------------------------------------
 */

void fake_efi_tpm_start(void)
{
    static const uint8_t digest[SHA256_BYTES] = { 7 };
    static const uint32_t separator = 0;
    if (fake_efi_state.script.tpm == FAKE_EFI_TPM_NONE) {
        return;
    }
    memset(&tpm, 0, sizeof(tpm));
    tpm.interface = (struct tcg2_protocol){ .get_capability = get_capability,
                                            .get_event_log = get_event_log,
                                            .hash_log_extend_event = hash_log_extend_event,
                                            .submit_command = submit_command };
    tpm.log = physmap_ptr(phys_addr(LOG_AT), LOG_BYTES);
    start_log();
    log_event(4, EV_SEPARATOR, digest, &separator, sizeof(separator));
}

void *fake_efi_tpm_interface(void)
{
    return fake_efi_state.script.tpm == FAKE_EFI_TPM_NULL_INTERFACE ? NULL : &tpm.interface;
}
