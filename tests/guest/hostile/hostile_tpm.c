/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The TCG2 protocol as bad firmware gives it: an event log that does not tell what the PCRs hold,
 * or that is cut, and a TPM that answers with errors. What is wrong is real: PCR 12 is really
 * extended once more, and an unknown command really goes to the TPM. Boot services needed.
 */
#include "hostile.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "tcg2.h"
#include "tcg_log.h"

#define LOG_MAX_BYTES    UINT64_C(0x10000)
#define COMMAND_CODE_AT  6U
#define PCR_EXTEND_BYTES 65U
#define PCR_AT           13U
#define DIGEST_AT        33U

/* The protocol that leads here, and the real one (singleton). */
static struct {
    struct tcg2_protocol *real;
    struct tcg2_protocol ours;
    bool is_extended;
} tpm;

/* TPM2_PCR_Extend of one SHA-256 digest, with an empty password (TPM 2.0 Library, part 3). */
static uint8_t extend_command[PCR_EXTEND_BYTES] = {
    0x80, 0x02, 0,    0,    0,    PCR_EXTEND_BYTES,
    0,    0,    0x01, 0x82, /* TPM_ST_SESSIONS, the code */
    0,    0,    0,    0,    /* the PCR */
    0,    0,    0,    9,    0x40, 0,
    0,    9,    0,    0,    0,    0,
    0,                                  /* TPM_RS_PW, nothing more */
    0,    0,    0,    1,    0,    0x0b, /* one digest: SHA-256 */
};

/* The extension that nobody logs: once, when the PCRs are about to be read. */
static void extend_once(void)
{
    uint8_t response[64] = { 0 };
    if (hostile_value(HOSTILE_TPM_EXTEND) == 0 || tpm.is_extended) {
        return;
    }
    tpm.is_extended = true;
    extend_command[PCR_AT] = (uint8_t)hostile_value(HOSTILE_TPM_EXTEND);
    memset(extend_command + DIGEST_AT, 0xa5, SHA256_BYTES);
    const EFI_STATUS status = tpm.real->submit_command(tpm.real, PCR_EXTEND_BYTES, extend_command,
                                                       sizeof(response), response);
    const uint8_t *const code = response + COMMAND_CODE_AT;
    const bool is_good = !EFI_ERROR(status) && (code[0] | code[1] | code[2] | code[3]) == 0;
    hostile_say(is_good ? "extended a PCR" : "cannot extend the PCR", "");
}

static EFI_STATUS EFIAPI submit_command(struct tcg2_protocol *self, UINT32 command_bytes,
                                        const uint8_t *command, UINT32 response_bytes,
                                        uint8_t *response)
{
    uint8_t unknown[64];
    (void)self; /* the copy */
    extend_once();
    if (hostile_value(HOSTILE_TPM_REFUSE) == 0 || command_bytes > sizeof(unknown)) {
        return tpm.real->submit_command(tpm.real, command_bytes, command, response_bytes, response);
    }
    memcpy(unknown, command, command_bytes);
    memset(unknown + COMMAND_CODE_AT, 0xff, 4); /* no TPM has such a command */
    return tpm.real->submit_command(tpm.real, command_bytes, unknown, response_bytes, response);
}

static EFI_STATUS EFIAPI hash_log_extend_event(struct tcg2_protocol *self, UINT64 flags,
                                               EFI_PHYSICAL_ADDRESS data, UINT64 data_bytes,
                                               const struct tcg2_event_header *event)
{
    (void)self;
    if (hostile_value(HOSTILE_TPM_REFUSE) != 0) {
        return EFI_DEVICE_ERROR;
    }
    return tpm.real->hash_log_extend_event(tpm.real, flags, data, data_bytes, event);
}

/* ---- the log ------------------------------------------------------------------------------------
 */

/* An event of a log: [start, end), and the one before. */
struct place {
    size_t start;
    size_t end;
    size_t before;
};

/* The last event of @p pcr in the log. */
static bool find_last(struct tcg_log *log, uint64_t pcr, struct place *found)
{
    struct tcg_log_event event;
    size_t before = 0;
    size_t start = log->next;
    bool is_found = false;
    while (tcg_log_next(log, &event) == K_OK) {
        if (event.pcr == pcr && event.type != TCG_EVENT_NO_ACTION) {
            *found = (struct place){ .start = start, .end = log->next, .before = before };
            is_found = true;
        }
        before = start;
        start = log->next;
    }
    return is_found;
}

/* A copy of the log without the last event of a PCR. */
static void drop_event(EFI_PHYSICAL_ADDRESS *location, EFI_PHYSICAL_ADDRESS *last)
{
    size_t log_bytes = 0;
    void *copy = NULL;
    struct place place;
    struct tcg_log log;
    const uint8_t *const bytes = (const uint8_t *)(uintptr_t)*location;
    const uint64_t last_event = *last - *location;
    if (tcg_log_measure(bytes, LOG_MAX_BYTES, last_event, &log_bytes) != K_OK ||
        tcg_log_open(&log, bytes, log_bytes) != K_OK ||
        !find_last(&log, hostile_value(HOSTILE_TPM_DROP), &place) ||
        EFI_ERROR(hostile.real->AllocatePool(EfiBootServicesData, log_bytes, &copy))) {
        hostile_say("cannot drop an event", "");
        return;
    }
    uint8_t *const to = copy;
    memcpy(to, bytes, place.start);
    memcpy(to + place.start, bytes + place.end, log_bytes - place.end);
    *location = (uintptr_t)copy;
    *last = *location +
            (place.end == log_bytes ? place.before : last_event - (place.end - place.start));
    hostile_say("dropped an event of the log", "");
}

static EFI_STATUS EFIAPI get_event_log(struct tcg2_protocol *self, UINT32 format,
                                       EFI_PHYSICAL_ADDRESS *location, EFI_PHYSICAL_ADDRESS *last,
                                       BOOLEAN *truncated)
{
    (void)self;
    const EFI_STATUS status = tpm.real->get_event_log(tpm.real, format, location, last, truncated);
    if (EFI_ERROR(status)) {
        return status;
    }
    if (hostile_value(HOSTILE_TPM_DROP) != 0) {
        drop_event(location, last);
    }
    *truncated = hostile_value(HOSTILE_TPM_TRUNCATED) != 0 ? TRUE : *truncated;
    return status;
}

/* ---- protocol -----------------------------------------------------------------------------------
 */

static EFI_STATUS EFIAPI get_capability(struct tcg2_protocol *self,
                                        struct tcg2_capability *capability)
{
    (void)self;
    return tpm.real->get_capability(tpm.real, capability);
}

void *hostile_tpm_wrap(const EFI_GUID *guid, void *interface)
{
    static const EFI_GUID tcg2 = TCG2_PROTOCOL_GUID;
    if (memcmp(guid, &tcg2, sizeof(tcg2)) != 0) {
        return interface;
    }
    tpm.real = interface;
    tpm.ours = (struct tcg2_protocol){ .get_capability = get_capability,
                                       .get_event_log = get_event_log,
                                       .hash_log_extend_event = hash_log_extend_event,
                                       .submit_command = submit_command };
    return &tpm.ours;
}
