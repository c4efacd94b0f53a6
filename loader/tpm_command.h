/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The one TPM command that the loader submits by itself: TPM2_PCR_Read of the SHA-256 bank (TPM 2.0
 * Library, part 3, "TPM2_PCR_Read"; part 1, "Command/Response Structure"; big-endian). The response
 * is hostile. Pure; loader and host.
 */
#ifndef LOADER_TPM_COMMAND_H
#define LOADER_TPM_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "shared/bootinfo.h"

#include "kstatus.h"

#define TPM_COMMAND_PCR_READ_BYTES 20U
/** header, update counter, selection, count, digests: what two PCRs of one bank take. */
#define TPM_COMMAND_RESPONSE_BYTES 128U

#define TPM_PCR_FILES        9U
#define TPM_PCR_COMMAND_LINE 12U

/** TPM2_PCR_Read of TPM_PCR_FILES and TPM_PCR_COMMAND_LINE. */
extern const uint8_t tpm_command_pcr_read[TPM_COMMAND_PCR_READ_BYTES];

/**
 * Takes the two PCRs out of the response.
 * @param size_bytes  readable at @p response, at least 10 (a header)
 * @param tpm         receives the values and BOOTINFO_TPM_HAS_PCRS, on success only
 * @return K_OK; K_EIO for a response code other than success; K_ENOENT where the TPM has no active
 *         SHA-256 bank; K_EPROTO for anything that is no such response
 */
MUST_CHECK enum kstatus tpm_command_take_pcrs(const uint8_t *response, size_t size_bytes,
                                              struct bootinfo_tpm *tpm);

#endif
