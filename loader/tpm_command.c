/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See tpm_command.h. Everything in the response has one place: the command asks for two PCRs of one
 * bank, so the answer is compared with the one shape that it can have. Stateless.
 *
 *     0 tag u16 | 2 size u32 | 6 code u32 | 10 update counter u32 | 14 selections u32: 1
 *     18 SHA-256 u16 | 20 bytes of selection u8: 3 | 21 selection | 24 digests u32: 2
 *     28 size u16: 32 | 30 PCR 9 | 62 size u16: 32 | 64 PCR 12 | 96
 */
#include "tpm_command.h"

#include "lib/string.h"

#define HEADER_BYTES     10U
#define RESPONSE_BYTES   96U
#define SIZE_AT          2U
#define CODE_AT          6U
#define SELECTION_AT     14U
#define FIRST_AT         28U
#define SECOND_AT        62U
#define PCR_BIT(pcr)     (1U << ((pcr) % 8U))
#define PCRS_8_TO_15     (PCR_BIT(TPM_PCR_FILES) | PCR_BIT(TPM_PCR_COMMAND_LINE))
#define SELECTION_BYTES  10U /* in the command */
#define COMMAND_SELECTED 10U /* where it stands there */

const uint8_t tpm_command_pcr_read[TPM_COMMAND_PCR_READ_BYTES] = {
    0x80,
    0x01, /* TPM_ST_NO_SESSIONS */
    0,
    0,
    0,
    TPM_COMMAND_PCR_READ_BYTES, /* bytes */
    0,
    0,
    1,
    0x7e, /* TPM_CC_PCR_Read */
    0,
    0,
    0,
    1, /* one selection: */
    0,
    0x0b,
    3,
    0,
    PCRS_8_TO_15,
    0, /* TPM_ALG_SHA256, 24 PCRs */
};

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

enum kstatus tpm_command_take_pcrs(const uint8_t *response, size_t size_bytes,
                                   struct bootinfo_tpm *tpm)
{
    /* Selection, count of digests, size of the first, as they must be. */
    static const uint8_t digests[] = { 0, 0, 0, 2, 0, BOOTINFO_TPM_DIGEST_BYTES };
    const uint32_t claimed_bytes = big_endian(response + SIZE_AT);
    if (claimed_bytes < HEADER_BYTES || claimed_bytes > size_bytes) {
        return K_EPROTO;
    }
    if (big_endian(response + CODE_AT) != 0) {
        return K_EIO;
    }
    if (claimed_bytes < SELECTION_AT + SELECTION_BYTES) {
        return K_EPROTO;
    }
    if (memcmp(response + SELECTION_AT, tpm_command_pcr_read + COMMAND_SELECTED, SELECTION_BYTES) !=
        0) {
        return K_ENOENT; /* an inactive bank is not in the selection that comes back */
    }
    if (claimed_bytes != RESPONSE_BYTES ||
        memcmp(response + SELECTION_AT + SELECTION_BYTES, digests, sizeof(digests)) != 0 ||
        memcmp(response + SECOND_AT, digests + 4, 2) != 0) {
        return K_EPROTO;
    }
    memcpy(tpm->pcr_files, response + FIRST_AT + 2, sizeof(tpm->pcr_files));
    memcpy(tpm->pcr_command_line, response + SECOND_AT + 2, sizeof(tpm->pcr_command_line));
    tpm->flags |= BOOTINFO_TPM_HAS_PCRS;
    return K_OK;
}
