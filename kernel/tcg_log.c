/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See tcg_log.h. A cursor takes fields from the bytes and remembers that one passed the end; every
 * size comes from the log itself and is compared with what is left before it is believed.
 * Stateless.
 */
#include "tcg_log.h"

#include <stdbool.h>

#include "lib/little_endian.h"
#include "lib/string.h"

#define SHA1_BYTES      20U
#define SIGNATURE_BYTES 16U

struct cursor {
    const uint8_t *bytes;
    size_t left_bytes;
    bool is_past_end;
};

static const uint8_t *take(struct cursor *cursor, size_t size_bytes)
{
    if (size_bytes > cursor->left_bytes) {
        cursor->is_past_end = true;
        cursor->left_bytes = 0;
        return NULL;
    }
    const uint8_t *const taken = cursor->bytes;
    cursor->bytes += size_bytes;
    cursor->left_bytes -= size_bytes;
    return taken;
}

/* Little-endian; 0 past the end. */
static uint32_t take_number(struct cursor *cursor, size_t size_bytes)
{
    const uint8_t *const bytes = take(cursor, size_bytes);
    return bytes == NULL ? 0 : (uint32_t)little_endian(bytes, size_bytes); /* at most 4 bytes */
}

/* ---- the first event --------------------------------------------------------------------------
 */

/* TCG_EfiSpecIdEvent: signature, platform class, version, errata and size of a word, algorithms,
 * the vendor's bytes. */
static enum kstatus read_spec_id(struct tcg_log *log, struct cursor *event)
{
    static const uint8_t signature[SIGNATURE_BYTES] = "Spec ID Event03";
    const uint8_t *const found = take(event, SIGNATURE_BYTES);
    if (found == NULL || memcmp(found, signature, SIGNATURE_BYTES) != 0) {
        return K_EPROTO;
    }
    (void)take(event, 4 + 4);
    const uint32_t count = take_number(event, 4);
    if (count > TCG_LOG_ALGORITHMS_MAX) {
        return K_ENOSPC;
    }
    for (uint32_t i = 0; i < count; i++) {
        log->algorithms[i].id = (uint16_t)take_number(event, 2);         /* two bytes of it */
        log->algorithms[i].size_bytes = (uint16_t)take_number(event, 2); /* the same */
        if (log->algorithms[i].id == TCG_ALG_SHA256 &&
            log->algorithms[i].size_bytes != SHA256_BYTES) {
            return K_EPROTO;
        }
    }
    log->algorithm_count = count;
    return event->is_past_end ? K_EPROTO : K_OK;
}

enum kstatus tcg_log_open(struct tcg_log *log, const void *bytes, size_t size_bytes)
{
    struct tcg_log opened = { .bytes = bytes, .size_bytes = size_bytes };
    struct cursor cursor = { .bytes = bytes, .left_bytes = size_bytes };
    (void)take(&cursor, 4); /* the PCR: 0 */
    const uint32_t type = take_number(&cursor, 4);
    (void)take(&cursor, SHA1_BYTES);
    const uint32_t event_bytes = take_number(&cursor, 4);
    const uint8_t *const event = take(&cursor, event_bytes);
    if (event == NULL || type != TCG_EVENT_NO_ACTION) {
        return K_EPROTO;
    }
    struct cursor inside = { .bytes = event, .left_bytes = event_bytes };
    const enum kstatus status = read_spec_id(&opened, &inside);
    if (status == K_OK) {
        opened.next = size_bytes - cursor.left_bytes;
        *log = opened;
    }
    return status;
}

/* ---- the others -------------------------------------------------------------------------------
 */

/* Bytes of the digest @p id; SIZE_MAX, which nothing has, for one that the log does not name. */
static size_t digest_bytes(const struct tcg_log *log, uint32_t id)
{
    for (uint32_t i = 0; i < log->algorithm_count; i++) {
        if (log->algorithms[i].id == id) {
            return log->algorithms[i].size_bytes;
        }
    }
    return SIZE_MAX;
}

enum kstatus tcg_log_next(struct tcg_log *log, struct tcg_log_event *event)
{
    struct cursor cursor = { .bytes = log->bytes + log->next,
                             .left_bytes = log->size_bytes - log->next };
    if (cursor.left_bytes == 0) {
        return K_ENOENT;
    }
    struct tcg_log_event read = { .pcr = take_number(&cursor, 4), .type = take_number(&cursor, 4) };
    const uint32_t count = take_number(&cursor, 4);
    for (uint32_t i = 0; i < count && !cursor.is_past_end; i++) {
        const uint32_t id = take_number(&cursor, 2);
        const uint8_t *const digest = take(&cursor, digest_bytes(log, id));
        read.sha256 = id == TCG_ALG_SHA256 ? digest : read.sha256;
    }
    read.data_bytes = take_number(&cursor, 4);
    read.data = take(&cursor, read.data_bytes);
    if (cursor.is_past_end) {
        return K_EPROTO;
    }
    *event = read;
    log->next = log->size_bytes - cursor.left_bytes;
    return K_OK;
}

enum kstatus tcg_log_measure(const void *bytes, size_t size_bytes, uint64_t last_event,
                             size_t *log_bytes)
{
    struct tcg_log log;
    enum kstatus status = tcg_log_open(&log, bytes, size_bytes);
    bool was_last = status == K_OK && last_event == 0; /* there is no other event */
    while (status == K_OK && !was_last && log.next <= last_event) {
        struct tcg_log_event event;
        was_last = log.next == last_event;
        status = tcg_log_next(&log, &event);
    }
    if (status != K_OK) {
        return status == K_ENOENT ? K_EPROTO : status;
    }
    if (!was_last) {
        return K_EPROTO;
    }
    *log_bytes = log.next;
    return K_OK;
}
