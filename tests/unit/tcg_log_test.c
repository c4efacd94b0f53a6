/* SPDX-License-Identifier: GPL-2.0-only
 *
 * tcg_log and measured_boot: a small log built here, byte by byte, every way to spoil it, and the
 * comparison of what it gives with the PCRs.
 */
#include "tcg_log.h"

#include <stdlib.h>
#include <string.h>

#include "lib/compiler.h"
#include "measured_boot.h"
#include "tests/ktest.h"

#define LOG_BYTES    512U
#define COUNT_AT     56U /* algorithms, in the first event */
#define FIRST_EVENT  69U
#define SHA256_EVENT 73U /* bytes of an event with both digests and one byte of data */

struct fixture {
    uint8_t bytes[LOG_BYTES];
    size_t used;
};

static void put(struct fixture *f, uint64_t value, unsigned size_bytes)
{
    for (unsigned i = 0; i < size_bytes; i++) {
        f->bytes[f->used++] = (uint8_t)(value >> (8 * i));
    }
}

static void put_event(struct fixture *f, uint32_t pcr, uint32_t type, uint8_t fill)
{
    put(f, pcr, 4);
    put(f, type, 4);
    put(f, 2, 4);
    put(f, 4, 2);
    f->used += 20;
    put(f, TCG_ALG_SHA256, 2);
    memset(f->bytes + f->used, fill, SHA256_BYTES);
    f->used += SHA256_BYTES;
    put(f, 1, 4);
    put(f, '!', 1);
}

/* [Spec ID: SHA-1, SHA-256][4, 1][9, 2][9, no action][12, 3] */
static void make_log(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    put(f, 0, 4);
    put(f, TCG_EVENT_NO_ACTION, 4);
    f->used += 20;
    put(f, 37, 4);
    memcpy(f->bytes + f->used, "Spec ID Event03", 16);
    f->used += 24;
    put(f, 2, 4);
    put(f, 4 | 20 << 16, 4);
    put(f, TCG_ALG_SHA256 | SHA256_BYTES << 16, 4);
    put(f, 0, 1);
    put_event(f, 4, TCG_EVENT_IPL, 1);
    put_event(f, 9, TCG_EVENT_IPL, 2);
    put_event(f, 9, TCG_EVENT_NO_ACTION, 9);
    put_event(f, 12, TCG_EVENT_IPL, 3);
}

/* Walks a copy of exactly @p size_bytes, so that ASan sees a byte too far. */
static enum kstatus walk(const uint8_t *bytes, size_t size_bytes, uint32_t *events)
{
    uint8_t *const copy = malloc(size_bytes > 0 ? size_bytes : 1);
    memcpy(copy, bytes, size_bytes);
    struct tcg_log log;
    struct tcg_log_event event;
    *events = 0;
    enum kstatus status = tcg_log_open(&log, copy, size_bytes);
    while (status == K_OK && (status = tcg_log_next(&log, &event)) == K_OK) {
        (*events)++;
    }
    free(copy);
    return status;
}

static void tcg_log_events_are_read_in_order(struct ktest *t)
{
    struct fixture f;
    struct tcg_log log;
    struct tcg_log_event event;
    make_log(&f);
    KTEST_STATUS(t, tcg_log_open(&log, f.bytes, f.used), K_OK);
    KTEST_EQ(t, log.next, FIRST_EVENT);
    KTEST_STATUS(t, tcg_log_next(&log, &event), K_OK);
    KTEST_EQ(t, event.pcr, 4);
    KTEST_EQ(t, event.type, TCG_EVENT_IPL);
    KTEST_EQ(t, event.sha256[31], 1);
    KTEST_EQ(t, event.data_bytes, 1);
    KTEST_EQ(t, event.data[0], '!');
    KTEST_STATUS(t, tcg_log_next(&log, &event), K_OK);
    KTEST_EQ(t, event.pcr, 9);
    KTEST_STATUS(t, tcg_log_next(&log, &event), K_OK);
    KTEST_STATUS(t, tcg_log_next(&log, &event), K_OK);
    KTEST_EQ(t, event.pcr, 12);
    KTEST_STATUS(t, tcg_log_next(&log, &event), K_ENOENT);
}

/* Every prefix is either an end between two events, or refused. */
static void tcg_log_cut_anywhere_is_refused(struct ktest *t)
{
    struct fixture f;
    make_log(&f);
    for (size_t size = 0; size <= f.used; size++) {
        uint32_t events;
        const bool is_whole = size >= FIRST_EVENT && (size - FIRST_EVENT) % SHA256_EVENT == 0;
        KTEST_STATUS(t, walk(f.bytes, size, &events), is_whole ? K_ENOENT : K_EPROTO);
        KTEST_EQ(t, events, size < FIRST_EVENT ? 0 : (size - FIRST_EVENT) / SHA256_EVENT);
    }
}

static void tcg_log_bad_first_event_is_refused(struct ktest *t)
{
    static const struct {
        size_t at;
        uint8_t value;
        enum kstatus status;
    } rows[] = {
        { 4, TCG_EVENT_IPL, K_EPROTO },   /* another type */
        { 28, 36, K_EPROTO },             /* the vendor's size byte counts to the next event */
        { 31, 0xff, K_EPROTO },           /* 4 GiB of event */
        { 28, 30, K_EPROTO },             /* the algorithms pass its end */
        { 32, 's', K_EPROTO },            /* signature */
        { COUNT_AT, 3, K_EPROTO },        /* one algorithm more than there is */
        { COUNT_AT, 17, K_ENOSPC },       /* more than a log may have */
        { COUNT_AT + 3, 0xff, K_ENOSPC }, /* four thousand million */
        { COUNT_AT + 10, 20, K_EPROTO },  /* SHA-256 of 20 bytes */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct fixture f;
        uint32_t events;
        make_log(&f);
        f.bytes[rows[i].at] = rows[i].value;
        KTEST_STATUS(t, walk(f.bytes, f.used, &events), rows[i].status);
    }
}

static void tcg_log_bad_events_are_refused(struct ktest *t)
{
    static const struct {
        size_t at; /* from the event's start */
        uint8_t value;
    } rows[] = { { 8, 3 },     /* a digest more than there is */
                 { 11, 0xff }, /* four thousand million */
                 { 12, 5 },    /* an algorithm that the log does not name */
                 { 71, 0xff }, /* data past the end */
                 { 68, 0xff } };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct fixture f;
        uint32_t events;
        make_log(&f);
        f.bytes[FIRST_EVENT + rows[i].at] = rows[i].value;
        KTEST_STATUS(t, walk(f.bytes, f.used, &events), K_EPROTO);
    }
}

/* A digest of no bytes would do if its algorithm were taken for one of size 0. */
static void tcg_log_unknown_algorithm_is_refused(struct ktest *t)
{
    struct fixture f;
    uint32_t events;
    make_log(&f);
    put(&f, 9, 4);
    put(&f, TCG_EVENT_IPL, 4);
    put(&f, 1, 4);
    put(&f, 5, 2);
    put(&f, 0, 4);
    KTEST_STATUS(t, walk(f.bytes, f.used, &events), K_EPROTO);
    KTEST_EQ(t, events, 4);
}

static void tcg_log_end_is_found_from_the_last_event(struct ktest *t)
{
    struct fixture f;
    size_t bytes = 1;
    make_log(&f);
    const uint64_t last = FIRST_EVENT + 3 * SHA256_EVENT;
    KTEST_STATUS(t, tcg_log_measure(f.bytes, LOG_BYTES, last, &bytes), K_OK);
    KTEST_EQ(t, bytes, f.used);
    KTEST_STATUS(t, tcg_log_measure(f.bytes, LOG_BYTES, FIRST_EVENT, &bytes), K_OK);
    KTEST_EQ(t, bytes, FIRST_EVENT + SHA256_EVENT);
    KTEST_STATUS(t, tcg_log_measure(f.bytes, LOG_BYTES, 0, &bytes), K_OK);
    KTEST_EQ(t, bytes, FIRST_EVENT);
    KTEST_STATUS(t, tcg_log_measure(f.bytes, f.used, last, &bytes), K_OK);
    bytes = 1;
    KTEST_STATUS(t, tcg_log_measure(f.bytes, f.used - 1, last, &bytes), K_EPROTO);
    KTEST_STATUS(t, tcg_log_measure(f.bytes, LOG_BYTES, last + 1, &bytes), K_EPROTO);
    KTEST_STATUS(t, tcg_log_measure(f.bytes, LOG_BYTES, 1, &bytes), K_EPROTO);
    KTEST_STATUS(t, tcg_log_measure(f.bytes, f.used, UINT64_MAX, &bytes), K_EPROTO);
    KTEST_STATUS(t, tcg_log_measure(f.bytes, 10, 0, &bytes), K_EPROTO);
    KTEST_EQ(t, bytes, 1);
}

/* ---- the comparison -----------------------------------------------------------------------------
 */

struct handed_over {
    struct bootinfo info;
    struct fixture log;
};

static void hand_over(struct handed_over *h)
{
    uint8_t digest[SHA256_BYTES];
    memset(h, 0, sizeof(*h));
    make_log(&h->log);
    h->info.tpm_log = (struct bootinfo_table){ .offset = offsetof(struct handed_over, log),
                                               .count = (uint32_t)h->log.used,
                                               .entry_size = 1 };
    h->info.tpm.state = BOOTINFO_TPM_MEASURED;
    h->info.tpm.flags = BOOTINFO_TPM_HAS_PCRS;
    memset(digest, 2, sizeof(digest));
    tcg_log_extend(h->info.tpm.pcr_files, digest);
    memset(digest, 3, sizeof(digest));
    tcg_log_extend(h->info.tpm.pcr_command_line, digest);
}

static void measured_boot_sound_log_matches(struct ktest *t)
{
    struct handed_over h;
    hand_over(&h);
    const struct measured_boot result = measured_boot_check(&h.info);
    KTEST_EQ(t, result.verdict, MEASURED_BOOT_MATCH);
    KTEST_EQ(t, result.events, 4);
    KTEST_STRING(t, measured_boot_verdict_name(result.verdict), "match");
}

/* Any bit of a digest of the two PCRs changes the verdict of that one; data and other PCRs not. */
static void measured_boot_altered_log_is_a_mismatch(struct ktest *t)
{
    const size_t files = FIRST_EVENT + SHA256_EVENT + 34;
    const size_t command_line = FIRST_EVENT + 3 * SHA256_EVENT + 34;
    for (size_t bit = 0; bit < SHA256_BYTES * 8; bit++) {
        struct handed_over h;
        hand_over(&h);
        h.log.bytes[files + bit / 8 + 2] ^= (uint8_t)(1U << bit % 8);
        struct measured_boot result = measured_boot_check(&h.info);
        KTEST_EQ(t, result.verdict, MEASURED_BOOT_MISMATCH);
        KTEST_TRUE(t, !result.files_match && result.command_line_match);
        hand_over(&h);
        h.log.bytes[command_line + bit / 8 + 2] ^= (uint8_t)(1U << bit % 8);
        result = measured_boot_check(&h.info);
        KTEST_EQ(t, result.verdict, MEASURED_BOOT_MISMATCH);
        KTEST_TRUE(t, result.files_match && !result.command_line_match);
    }
    struct handed_over h;
    hand_over(&h);
    h.log.bytes[FIRST_EVENT + 40] ^= 1; /* PCR 4 */
    KTEST_EQ(t, measured_boot_check(&h.info).verdict, MEASURED_BOOT_MATCH);
    hand_over(&h);
    h.info.tpm_log.count -= SHA256_EVENT; /* the command line's event is gone */
    KTEST_EQ(t, measured_boot_check(&h.info).verdict, MEASURED_BOOT_MISMATCH);
}

static void not_compared(struct ktest *t, const struct handed_over *h, const char *why)
{
    const struct measured_boot result = measured_boot_check(&h->info);
    KTEST_EQ(t, result.verdict, MEASURED_BOOT_NOT_COMPARED);
    KTEST_STRING(t, result.why, why);
}

static void measured_boot_says_why_it_does_not_compare(struct ktest *t)
{
    struct handed_over h;
    hand_over(&h);
    h.info.tpm.flags = 0;
    not_compared(t, &h, "the PCRs could not be read");
    h.info.tpm.flags = BOOTINFO_TPM_HAS_PCRS | BOOTINFO_TPM_LOG_TRUNCATED;
    not_compared(t, &h, "the firmware had no room for all of it");
    hand_over(&h);
    h.info.tpm_log.count = 0;
    not_compared(t, &h, "there is none");
    hand_over(&h);
    h.info.tpm_log.count -= 1;
    not_compared(t, &h, "it is malformed");
    hand_over(&h);
    h.log.bytes[FIRST_EVENT + SHA256_EVENT + 34] = 4; /* a second SHA-1, which is shorter */
    not_compared(t, &h, "it is malformed");
    hand_over(&h);
    h.log.bytes[COUNT_AT + 8] = 0x0d; /* the log has SHA-1 and one of 32 bytes that is unknown */
    for (size_t i = 0; i < 4; i++) {
        h.log.bytes[FIRST_EVENT + i * SHA256_EVENT + 34] = 0x0d;
    }
    not_compared(t, &h, "an event has no SHA-256 digest");
    h.info.tpm.state = BOOTINFO_TPM_ABSENT;
    KTEST_EQ(t, measured_boot_check(&h.info).verdict, MEASURED_BOOT_ABSENT);
}

static const struct ktest_case cases[] = {
    KTEST_CASE(tcg_log_events_are_read_in_order),
    KTEST_CASE(tcg_log_cut_anywhere_is_refused),
    KTEST_CASE(tcg_log_bad_first_event_is_refused),
    KTEST_CASE(tcg_log_bad_events_are_refused),
    KTEST_CASE(tcg_log_unknown_algorithm_is_refused),
    KTEST_CASE(tcg_log_end_is_found_from_the_last_event),
    KTEST_CASE(measured_boot_sound_log_matches),
    KTEST_CASE(measured_boot_altered_log_is_a_mismatch),
    KTEST_CASE(measured_boot_says_why_it_does_not_compare),
};

KTEST_SUITE(tcg_log, "kernel.tcg_log", cases);
