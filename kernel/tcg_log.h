/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A crypto-agile event log (TCG PC Client Platform Firmware Profile 1.05, 10.2 "Crypto Agile Log
 * Entry Format" and 10.4.5.1 "Specification ID Version Event"): walked event by event, and replayed
 * to the value that its SHA-256 digests give a PCR. The bytes are the firmware's: hostile. Pure;
 * the loader uses it to find the log's end, the kernel to replay it, the host to test it.
 *
 *     [Spec ID event, SHA-1 format: which digest has how many bytes][event][event]...
 *     event: pcr u32 | type u32 | count u32 | count x (algorithm u16, digest) | size u32 | data
 */
#ifndef TCG_LOG_H
#define TCG_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "kstatus.h"
#include "lib/sha256.h"

#define TCG_EVENT_NO_ACTION UINT32_C(3)  /* EV_NO_ACTION: informs, is not extended */
#define TCG_EVENT_IPL       UINT32_C(13) /* EV_IPL */
#define TCG_ALG_SHA256      0x000bU

/** Digest algorithms that one log may have (a TPM has a handful of banks). */
#define TCG_LOG_ALGORITHMS_MAX 16U

struct tcg_log_algorithm {
    uint16_t id;         /* TPM_ALG_ID */
    uint16_t size_bytes; /* of its digest */
};

/** A place in a log. The bytes are the caller's and stay. */
struct tcg_log {
    const uint8_t *bytes;
    size_t size_bytes; /* readable */
    size_t next;       /* offset of the event that tcg_log_next() reads */
    struct tcg_log_algorithm algorithms[TCG_LOG_ALGORITHMS_MAX];
    uint32_t algorithm_count;
};

struct tcg_log_event {
    uint32_t pcr;
    uint32_t type;
    const uint8_t *sha256; /* SHA256_BYTES; NULL where the event has no such digest */
    const uint8_t *data;
    uint32_t data_bytes;
};

/**
 * Reads the first event and stands behind it.
 * @param size_bytes  readable at @p bytes; nothing behind is read
 * @return K_OK; K_EPROTO where this is no crypto-agile log; K_ENOSPC for more algorithms than
 *         TCG_LOG_ALGORITHMS_MAX
 */
MUST_CHECK enum kstatus tcg_log_open(struct tcg_log *log, const void *bytes, size_t size_bytes);

/**
 * Reads the next event and stands behind it; on an error it stays.
 * @return K_OK; K_ENOENT at the end of the bytes; K_EPROTO where the event passes the end, or has
 *         an algorithm that the log's first event does not name
 */
MUST_CHECK enum kstatus tcg_log_next(struct tcg_log *log, struct tcg_log_event *event);

/** Bytes up to the end of the event that begins at offset @p last_event (the firmware's
 *  EventLogLastEntry).
 *  @param size_bytes  readable
 *  @return K_OK; the errors of the two above; K_EPROTO where no event begins there */
MUST_CHECK enum kstatus tcg_log_measure(const void *bytes, size_t size_bytes, uint64_t last_event,
                                        size_t *log_bytes);

/** @p pcr := SHA-256(@p pcr | @p digest): TPM2_PCR_Extend, both SHA256_BYTES. */
void tcg_log_extend(uint8_t *pcr, const uint8_t *digest);

#endif
